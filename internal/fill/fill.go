// Package fill fills values into templates for pages and files. They are a part of those of
// text/template:
//
//	{{.Name}}                      a value; {{.}} is the one that the template is about
//	{{if .A}}…{{else if or .B .C}}…{{else}}…{{end}}
//	{{if eq .A "x"}}…{{end}}       or, and, eq and ne take paths, and words in quotes
//	{{with .A}}…{{end}}            about that value, if it is not empty
//	{{range .List}}…{{end}}        about each element
//	{{- and -}}                    drop the white space before or after
//
// A path may have several names, of fields and of keys of maps (.A.B); after $ it begins at the
// value that was given. Methods are not called: looking them up by name, as text/template does,
// keeps the linker from leaving out methods that nothing calls, a tenth of the program.
package fill

import (
	"fmt"
	"html"
	"io"
	"reflect"
	"slices"
	"strings"
)

// Raw is text that HTML does not escape.
type Raw string

// HTML writes a page with what the template names in data. Values are escaped for text and for
// attributes in double quotes; in scripts and styles only Raw may stand. It fails for a template
// that is wrong, and if w does.
func HTML(w io.Writer, template string, data any) error {
	return fill(w, template, data, [2]string{"{{", "}}"}, html.EscapeString)
}

// Text is HTML for files of any kind: actions stand between <% and %>, and nothing is escaped.
func Text(w io.Writer, template string, data any) error {
	return fill(w, template, data, [2]string{"<%", "%>"}, func(s string) string { return s })
}

func fill(
	w io.Writer, template string, data any, marks [2]string, escape func(string) string,
) error {
	p := &parser{rest: template, marks: marks}
	list, end, err := p.list()
	if err == nil && end != "" {
		err = fmt.Errorf("{{%s}} ends nothing", end)
	}
	if err != nil {
		return fmt.Errorf("template: %w", err)
	}
	f := &filler{root: reflect.ValueOf(data), escape: escape}
	if err := f.fill(list, f.root); err != nil {
		return fmt.Errorf("template: %w", err)
	}
	_, err = io.WriteString(w, f.String())
	return err
}

// node is a part of a template: text, a value, or what depends on a value.
type node struct {
	text  string
	kind  string   // "", "if", "with", "range" or "value"
	how   string   // of several operands: one of functions
	paths []string // what is looked at: paths, and words in quotes
	then  []node
	other []node // without a value
}

// functions are those of conditions.
var functions = []string{"or", "and", "eq", "ne"}

// parser takes a template apart.
type parser struct {
	rest  string
	marks [2]string // around an action
}

// list returns the nodes up to the end of the template or the action that ends them, and that
// action.
func (p *parser) list() (list []node, end string, err error) {
	for p.rest != "" {
		text, after, found := strings.Cut(p.rest, p.marks[0])
		if p.rest = after; !found {
			return append(list, node{text: text}), "", nil
		}
		action, after, closed := strings.Cut(after, p.marks[1])
		if !closed {
			return nil, "", fmt.Errorf("{{%s: not closed", action)
		}
		p.rest = after
		if inner, ok := strings.CutPrefix(action, "-"); ok {
			action, text = inner, strings.TrimRight(text, " \t\r\n")
		}
		if inner, ok := strings.CutSuffix(action, "-"); ok {
			action, p.rest = inner, strings.TrimLeft(p.rest, " \t\r\n")
		}
		list = append(list, node{text: text})
		action = strings.TrimSpace(action)
		word, _, _ := strings.Cut(action, " ")
		if word == "end" || word == "else" {
			return list, action, nil
		}
		n, err := p.node(action)
		if err != nil {
			return nil, "", err
		}
		list = append(list, n)
	}
	return list, "", nil
}

// node returns the node that an action begins, to its end.
func (p *parser) node(action string) (node, error) {
	n := node{kind: "value"}
	words := strings.Fields(action)
	if len(words) > 0 && (words[0] == "if" || words[0] == "with" || words[0] == "range") {
		n.kind, words = words[0], words[1:]
	}
	if len(words) > 0 && n.kind == "if" && slices.Contains(functions, words[0]) {
		n.how, words = words[0], words[1:]
	}
	n.paths = words
	if len(words) == 0 || len(words) > 1 && n.how == "" {
		return n, fmt.Errorf("{{%s}}: not a path", action)
	}
	for _, path := range words {
		quoted := n.how != "" && len(path) > 1 && path[0] == '"' && path[len(path)-1] == '"'
		if !quoted && !strings.HasPrefix(path, ".") && !strings.HasPrefix(path, "$.") {
			return n, fmt.Errorf("{{%s}}: not a path", action)
		}
	}
	if n.kind == "value" {
		return n, nil
	}
	var end string
	var err error
	if n.then, end, err = p.list(); err != nil {
		return n, err
	}
	if again, ok := strings.CutPrefix(end, "else "); ok {
		// Its end is that of this node.
		other, err := p.node(again)
		n.other = []node{other}
		return n, err
	}
	if end == "else" {
		if n.other, end, err = p.list(); err != nil {
			return n, err
		}
	}
	if end != "end" {
		return n, fmt.Errorf("{{%s}}: no {{end}}", action)
	}
	return n, nil
}

// filler writes nodes.
type filler struct {
	strings.Builder
	root   reflect.Value
	escape func(string) string
}

func (f *filler) fill(list []node, dot reflect.Value) error {
	for _, n := range list {
		f.WriteString(n.text)
		if n.kind == "" {
			continue
		}
		v, full, err := f.look(n, dot)
		switch {
		case err != nil:
			return err
		case n.kind == "value":
			f.write(v)
		case !full:
			err = f.fill(n.other, dot)
		case n.kind == "if":
			err = f.fill(n.then, dot)
		case n.kind == "with":
			err = f.fill(n.then, v)
		case v.Kind() != reflect.Slice:
			err = fmt.Errorf("{{range %s}}: a %s", n.paths[0], v.Kind())
		default:
			for i := 0; i < v.Len() && err == nil; i++ {
				err = f.fill(n.then, v.Index(i))
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// write writes a value.
func (f *filler) write(v reflect.Value) {
	text := fmt.Sprint(v)
	if v.Type() != reflect.TypeFor[Raw]() {
		text = f.escape(text)
	}
	f.WriteString(text)
}

// look returns the last value that a node looks at, and whether its condition holds.
func (f *filler) look(n node, dot reflect.Value) (v reflect.Value, full bool, err error) {
	var values []string
	for _, path := range n.paths {
		if v, err = f.value(path, dot); err != nil {
			return v, false, err
		}
		full = !empty(v)
		values = append(values, fmt.Sprint(v))
		if n.how == "or" && full || n.how == "and" && !full {
			break
		}
	}
	if n.how == "eq" || n.how == "ne" {
		full = slices.Contains(values[1:], values[0]) == (n.how == "eq")
	}
	return v, full, nil
}

// value returns the value at a path.
func (f *filler) value(path string, dot reflect.Value) (reflect.Value, error) {
	if text, ok := strings.CutPrefix(path, `"`); ok {
		return reflect.ValueOf(strings.TrimSuffix(text, `"`)), nil
	}
	names, fromRoot := strings.CutPrefix(path, "$")
	v := dot
	if fromRoot {
		v = f.root
	}
	for name := range strings.FieldsFuncSeq(names, func(r rune) bool { return r == '.' }) {
		for v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface {
			v = v.Elem()
		}
		var inner reflect.Value
		switch v.Kind() {
		case reflect.Struct:
			inner = v.FieldByName(name)
		case reflect.Map:
			inner = v.MapIndex(reflect.ValueOf(name))
		}
		if !inner.IsValid() {
			return v, fmt.Errorf("%s: a %s without %s", path, v.Kind(), name)
		}
		v = inner
	}
	for v.Kind() == reflect.Interface {
		v = v.Elem()
	}
	return v, nil
}

// empty reports whether a value counts as none.
func empty(v reflect.Value) bool {
	if v.Kind() == reflect.Slice || v.Kind() == reflect.Map {
		return v.Len() == 0
	}
	return v.IsZero()
}
