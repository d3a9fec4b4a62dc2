package diff

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/wasihttp/wasihttp/testrunner/internal/interrupt"
	"github.com/wasihttp/wasihttp/testrunner/internal/jsonpath"
	"github.com/wasihttp/wasihttp/testrunner/internal/jsontree"
)

// ChangeKind is the way in which a node of JSON differs.
type ChangeKind string

// The kinds of changes.
const (
	Added       ChangeKind = "added"
	Removed     ChangeKind = "removed"
	Changed     ChangeKind = "changed"
	TypeChanged ChangeKind = "type changed"
	Moved       ChangeKind = "moved"
)

// Change is a difference at one path.
type Change struct {
	Kind ChangeKind `json:"kind"`
	// Path is the path of the node in the actual value; for a removed node, in
	// the expected value.
	Path string `json:"path"`
	// From is where a moved element was expected.
	From string `json:"from,omitempty"`
	// Want and Got are the values as JSON; "" for none.
	Want string `json:"want,omitempty"`
	Got  string `json:"got,omitempty"`
}

// Trees compares two values of jsontree, the expected and the actual one. It
// returns nil if they are the same.
func Trees(w *interrupt.Work, want, got any) *Diff {
	c := comparer{work: w}
	c.compare("$", want, got)
	if len(c.changes) == 0 {
		return nil
	}
	d := &Diff{Kind: JSON, Changes: c.changes}
	if c.more > 0 {
		d.note(fmt.Sprintf("%d more differences", c.more))
	}
	return d
}

type comparer struct {
	work    *interrupt.Work
	changes []Change
	more    int // that are not listed
}

func (c *comparer) add(kind ChangeKind, path string, want, got any) {
	c.work.Step()
	if len(c.changes) == maxDifferences {
		c.more++
		return
	}
	change := Change{Kind: kind, Path: path}
	if kind != Added {
		change.Want = string(jsontree.Append(nil, want))
	}
	if kind != Removed {
		change.Got = string(jsontree.Append(nil, got))
	}
	c.changes = append(c.changes, change)
}

func (c *comparer) compare(path string, want, got any) {
	if jsonpath.Equal(c.work, want, got) {
		return
	}
	if typeOf(want) != typeOf(got) {
		c.add(TypeChanged, path, want, got)
		return
	}
	switch w := want.(type) {
	case *jsontree.Object:
		c.objects(path, w, got.(*jsontree.Object))
	case []any:
		c.arrays(path, w, got.([]any))
	default:
		c.add(Changed, path, want, got)
	}
}

func typeOf(v any) string {
	switch v.(type) {
	case bool:
		return "boolean"
	case string:
		return "string"
	case jsontree.Number:
		return "number"
	case []any:
		return "array"
	case *jsontree.Object:
		return "object"
	}
	return "null"
}

func (c *comparer) objects(path string, want, got *jsontree.Object) {
	for _, name := range want.Names {
		if v, ok := got.Get(name); ok {
			c.compare(path+Step(name), want.Values[name], v)
		} else {
			c.add(Removed, path+Step(name), want.Values[name], nil)
		}
	}
	for _, name := range got.Names {
		if _, ok := want.Get(name); !ok {
			c.add(Added, path+Step(name), nil, got.Values[name])
		}
	}
}

// arrays first matches equal elements in order, then equal ones that moved, then
// objects with the same identity, and compares the rest by place.
func (c *comparer) arrays(path string, want, got []any) {
	m := matchArrays(c.work, want, got)
	index := func(i int) string { return path + "[" + strconv.Itoa(i) + "]" }
	i, j := 0, 0
	for i < len(want) || j < len(got) {
		switch {
		case i < len(want) && j < len(got) && m.wantOf[i] < 0 && m.gotOf[j] < 0:
			c.compare(index(j), want[i], got[j])
			i, j = i+1, j+1
		case i < len(want) && m.wantOf[i] < 0:
			c.add(Removed, index(i), want[i], nil)
			i++
		case j < len(got) && m.gotOf[j] < 0:
			c.add(Added, index(j), nil, got[j])
			j++
		case j < len(got) && m.moved[j]:
			from := m.gotOf[j]
			c.add(Moved, index(j), want[from], got[j])
			if c.more == 0 {
				c.changes[len(c.changes)-1].From = index(from)
			}
			c.compare(index(j), want[from], got[j])
			j++
		case i < len(want) && m.moved[m.wantOf[i]]:
			i++ // reported at its new place
		default:
			c.compare(index(j), want[i], got[j])
			i, j = i+1, j+1
		}
	}
}

// matched holds the counterparts of the elements of two arrays: the index on
// the other side, -1 for none.
type matched struct {
	wantOf, gotOf []int
	moved         map[int]bool // actual elements that are at another place
}

func matchArrays(w *interrupt.Work, want, got []any) *matched {
	m := &matched{wantOf: filled(len(want)), gotOf: filled(len(got)), moved: make(map[int]bool)}
	classes := classify(w, want, got)
	for _, p := range lcs(w, classes[:len(want)], classes[len(want):]) {
		m.wantOf[p[0]], m.gotOf[p[1]] = p[1], p[0]
	}
	match(m, func(side, i int) (int, bool) { return classes[side*len(want)+i], true })
	match(m, func(side, i int) (string, bool) { return identity([][]any{want, got}[side][i]) })
	var pairs [][2]int
	for i, j := range m.wantOf {
		if j >= 0 {
			pairs = append(pairs, [2]int{i, j})
			m.moved[j] = true
		}
	}
	for _, p := range increasing(pairs) {
		delete(m.moved, p[1])
	}
	return m
}

// match matches elements with the same key among those without a match. Side 0
// is the expected one.
func match[K comparable](m *matched, key func(side, i int) (K, bool)) {
	free := make(map[K][]int)
	for j, i := range m.gotOf {
		if k, ok := key(1, j); ok && i < 0 {
			free[k] = append(free[k], j)
		}
	}
	for i, j := range m.wantOf {
		k, ok := key(0, i)
		if !ok || j >= 0 || len(free[k]) == 0 {
			continue
		}
		j, free[k] = free[k][0], free[k][1:]
		m.wantOf[i], m.gotOf[j] = j, i
	}
}

// identity returns the member that identifies an object among others.
func identity(v any) (string, bool) {
	object, ok := v.(*jsontree.Object)
	if !ok {
		return "", false
	}
	for _, name := range []string{"id", "_id", "uuid", "key", "name"} {
		switch member := object.Values[name].(type) {
		case string, jsontree.Number:
			return name + canonical(nil, member), true
		}
	}
	return "", false
}

func filled(n int) []int {
	s := make([]int, n)
	for i := range s {
		s[i] = -1
	}
	return s
}

// classify assigns numbers to the elements; equal elements get the same number.
func classify(w *interrupt.Work, want, got []any) []int {
	known := make(map[string]int)
	var classes []int
	for _, list := range [][]any{want, got} {
		for _, v := range list {
			key := canonical(w, v)
			class, ok := known[key]
			if !ok {
				class = len(known)
				known[key] = class
			}
			classes = append(classes, class)
		}
	}
	return classes
}

// canonical writes a value with its members sorted and its numbers by value.
func canonical(w *interrupt.Work, v any) string {
	return string(jsontree.Append(nil, sorted(w, v)))
}

func sorted(w *interrupt.Work, v any) any {
	w.Step()
	switch v := v.(type) {
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = sorted(w, v[i])
		}
		return out
	case *jsontree.Object:
		out := &jsontree.Object{}
		for _, name := range v.Sorted() {
			out.Set(name, sorted(w, v.Values[name]))
		}
		return out
	case jsontree.Number:
		if f, err := strconv.ParseFloat(string(v), 64); err == nil && math.Abs(f) < 1<<53 {
			return jsontree.Number(strconv.FormatFloat(f, 'g', -1, 64))
		}
	}
	return v
}

// Step returns the step of a path that leads to a member.
func Step(name string) string {
	for i, r := range name {
		letter := r == '_' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= 0x80
		if !letter && (i == 0 || r < '0' || r > '9') {
			return "['" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(name) + "']"
		}
	}
	if name == "" {
		return "['']"
	}
	return "." + name
}
