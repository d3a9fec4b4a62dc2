// Package jsonedit edits JSON as a person would: unchanged parts keep their spelling, layout and
// placeholders.
package jsonedit

import (
	"strings"

	"github.com/wasihttp/wasihttp/testrunner/internal/interrupt"
	"github.com/wasihttp/wasihttp/testrunner/internal/jsonpath"
	"github.com/wasihttp/wasihttp/testrunner/internal/jsontree"
)

// Merge edits source, which is JSON of the value want, so that it is JSON of the value got. A value
// for which keep returns true stays as it is in source, if got has a value at the same place; steps
// lead to that place, as in jsonpath.Match. ok is false if source is not JSON, or not JSON of want.
func Merge(
	w *interrupt.Work, source string, want, got any, keep func(steps []any) bool,
) (text string, ok bool) {
	root := scan(source)
	if root == nil || !stands(root, want) {
		return "", false
	}
	m := &merger{work: w, src: source, keep: keep, style: styleOf(source, root)}
	return source[:root.start] + m.merge(root, want, got, nil, indentAt(source, root.start)) +
		source[root.end:], true
}

// stands reports whether a node of the source has the same shape as a value.
func stands(n *node, v any) bool {
	switch n.open {
	case '{':
		object, ok := v.(*jsontree.Object)
		if !ok || len(object.Names) != len(n.items) {
			return false
		}
		for i, member := range n.items {
			if member.name != object.Names[i] || !stands(member.value, object.Values[member.name]) {
				return false
			}
		}
	case '[':
		list, ok := v.([]any)
		if !ok || len(list) != len(n.items) {
			return false
		}
		for i, element := range n.items {
			if !stands(element.value, list[i]) {
				return false
			}
		}
	}
	return true
}

type merger struct {
	work  *interrupt.Work
	src   string
	keep  func(steps []any) bool
	style style
}

// merge returns the text for a value; indent is the indentation of the line on
// which it begins.
func (m *merger) merge(n *node, want, got any, steps []any, indent string) string {
	m.work.Step()
	raw := m.src[n.start:n.end]
	if m.keep(steps) || jsonpath.Equal(m.work, want, got) {
		return raw
	}
	switch n.open {
	case '{':
		if object, ok := got.(*jsontree.Object); ok && len(object.Names) > 0 && len(n.items) > 0 {
			return m.object(n, want.(*jsontree.Object), object, steps, indent)
		}
	case '[':
		if list, ok := got.([]any); ok && len(list) > 0 && len(n.items) > 0 {
			return m.array(n, want.([]any), list, steps, indent)
		}
	}
	return m.style.format(got, indent, strings.Contains(raw, "\n") || n.open == 0 ||
		len(n.items) == 0)
}

func (m *merger) object(n *node, want, got *jsontree.Object, steps []any, indent string) string {
	var parts []string
	for i, member := range n.items {
		v, ok := got.Get(member.name)
		if !ok {
			continue
		}
		before, head := m.before(n, i, len(parts)), m.src[member.start:member.value.start]
		text := m.merge(member.value, want.Values[member.name], v, with(steps, member.name),
			indentOf(before, indent))
		parts = append(parts, before+head+text)
	}
	for _, name := range got.Names {
		if _, known := want.Get(name); known {
			continue
		}
		before := m.before(n, len(n.items), len(parts))
		head := string(jsontree.AppendString(nil, name)) + m.style.colon
		text := m.style.format(got.Values[name], indentOf(before, indent), true)
		parts = append(parts, before+head+text)
	}
	return m.closed(n, parts)
}

func (m *merger) array(n *node, want, got []any, steps []any, indent string) string {
	like := n.items[len(n.items)-1].value
	spread := like.open == 0 || strings.Contains(m.src[like.start:like.end], "\n")
	var parts []string
	for i, v := range got {
		before := m.before(n, i, i)
		if i < len(n.items) {
			text := m.merge(n.items[i].value, want[i], v, with(steps, i), indentOf(before, indent))
			parts = append(parts, before+text)
		} else {
			parts = append(parts, before+m.style.format(v, indentOf(before, indent), spread))
		}
	}
	return m.closed(n, parts)
}

func with(steps []any, step any) []any { return append(steps[:len(steps):len(steps)], step) }

// before returns the white space before an item, which was the i-th and becomes
// the place-th.
func (m *merger) before(n *node, i, place int) string {
	switch {
	case place == 0:
		return m.space(n.items[0])
	case i > 0 && i < len(n.items):
		return m.space(n.items[i])
	case len(n.items) > 1:
		return m.space(n.items[1])
	}
	if first := m.space(n.items[0]); strings.Contains(first, "\n") {
		return first
	}
	_, space, _ := strings.Cut(m.style.comma, ",")
	return space
}

// space returns the white space before an item.
func (m *merger) space(i item) string {
	before := m.src[:i.start]
	return before[len(strings.TrimRight(before, " \t\r\n")):]
}

// closed joins items and puts brackets around them.
func (m *merger) closed(n *node, parts []string) string {
	last := n.items[len(n.items)-1].value.end
	return m.src[n.start:n.start+1] + strings.Join(parts, ",") + m.src[last:n.end]
}
