package jsonedit

import (
	"strings"

	"github.com/wasihttp/wasihttp/testrunner/internal/jsontree"
)

// style is the layout of a source.
type style struct {
	unit  string // the indentation of each level; "" if all is on one line
	colon string // between name and value
	comma string // between items on one line
	end   string // of lines
}

func styleOf(src string, root *node) style {
	s := style{colon: ":", comma: ",", end: "\n"}
	if strings.Contains(src, "\r\n") {
		s.end = "\r\n"
	}
	if strings.Contains(src, "\n") {
		s.unit = "  "
	}
	if sample := firstObject(root); sample != nil {
		member := sample.items[0]
		if rest := src[member.start:member.value.start]; strings.HasSuffix(rest, " ") {
			s.colon = ": "
		}
	} else if s.unit != "" {
		s.colon = ": "
	}
	pair := find(root, func(n *node) bool {
		return len(n.items) > 1 &&
			!strings.Contains(src[n.items[0].value.end:n.items[1].start], "\n")
	})
	switch {
	case pair != nil:
		s.comma = src[pair.items[0].value.end:pair.items[1].start]
	case s.colon == ": ":
		s.comma = ", "
	}
	if root.open != 0 && len(root.items) > 0 {
		line := src[root.start+1 : root.items[0].start]
		if at := strings.LastIndexByte(line, '\n'); at >= 0 {
			if unit := strings.TrimPrefix(line[at+1:], indentAt(src, root.start)); unit != "" {
				s.unit = unit
			}
		}
	}
	return s
}

// firstObject returns the first object with a member.
func firstObject(n *node) *node {
	return find(n, func(n *node) bool { return n.open == '{' && len(n.items) > 0 })
}

func find(n *node, is func(*node) bool) *node {
	if is(n) {
		return n
	}
	for _, i := range n.items {
		if found := find(i.value, is); found != nil {
			return found
		}
	}
	return nil
}

// indentAt returns the indentation of the line that contains a position.
func indentAt(src string, at int) string {
	line := src[strings.LastIndexByte(src[:at], '\n')+1 : at]
	return line[:len(line)-len(strings.TrimLeft(line, " \t"))]
}

// indentOf returns the indentation after white space that begins on a line with the given
// indentation.
func indentOf(space, indent string) string {
	if at := strings.LastIndexByte(space, '\n'); at >= 0 {
		return space[at+1:]
	}
	return indent
}

// format returns the JSON of a value that begins on a line with the given indentation. If spread is
// true and the source has values on several lines, so has the result.
func (s style) format(v any, indent string, spread bool) string {
	var items []string
	inner := indent + s.unit
	opening, closing := "[", "]"
	switch v := v.(type) {
	case []any:
		for _, item := range v {
			items = append(items, s.format(item, inner, spread))
		}
	case *jsontree.Object:
		opening, closing = "{", "}"
		for _, name := range v.Names {
			head := string(jsontree.AppendString(nil, name)) + s.colon
			items = append(items, head+s.format(v.Values[name], inner, spread))
		}
	default:
		return string(jsontree.Append(nil, v))
	}
	switch {
	case len(items) == 0:
		return opening + closing
	case s.unit == "" || !spread:
		return opening + strings.Join(items, s.comma) + closing
	}
	return opening + s.end + inner + strings.Join(items, ","+s.end+inner) + s.end + indent + closing
}
