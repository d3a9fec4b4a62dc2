// Package jsontree reads JSON (RFC 8259) into values that keep what
// comparisons of responses need: the order of an object's members and the
// spelling of numbers.
package jsontree

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/wasihttp/wasihttp/testrunner/internal/interrupt"
)

// A value is nil, bool, Number, string, []any or *Object.

// Number is a number as it was spelled.
type Number string

// IsInteger reports whether the number has neither fraction nor exponent.
func (n Number) IsInteger() bool { return !strings.ContainsAny(string(n), ".eE") }

// Object is an object. Of members with the same name the last one counts.
type Object struct {
	Names  []string // in the order of the source, each once
	Values map[string]any
}

// Get returns the member with a name.
func (o *Object) Get(name string) (any, bool) {
	v, ok := o.Values[name]
	return v, ok
}

// Set adds or replaces a member.
func (o *Object) Set(name string, value any) {
	if o.Values == nil {
		o.Values = make(map[string]any)
	}
	if _, ok := o.Values[name]; !ok {
		o.Names = append(o.Names, name)
	}
	o.Values[name] = value
}

// Delete removes a member, if there is one.
func (o *Object) Delete(name string) {
	if _, ok := o.Values[name]; ok {
		delete(o.Values, name)
		o.Names = slices.DeleteFunc(o.Names, func(n string) bool { return n == name })
	}
}

// Sorted returns the names in the order of their bytes.
func (o *Object) Sorted() []string {
	names := slices.Clone(o.Names)
	slices.Sort(names)
	return names
}

// maxDepth is how deeply values may be nested.
const maxDepth = 1000

var (
	errTrailing = errors.New("text after the value")
	errDepth    = errors.New("nested too deeply")
	errUTF8     = errors.New("invalid UTF-8")
)

// Parse reads the one value that data holds.
func Parse(w *interrupt.Work, data []byte) (any, error) {
	if !utf8.Valid(data) {
		return nil, errUTF8
	}
	dec := json.NewDecoder(w.Reader(bytes.NewReader(data)))
	dec.UseNumber()
	v, err := parse(dec, 0)
	w.Look()
	if err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return nil, err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errTrailing
	}
	return v, nil
}

func parse(dec *json.Decoder, depth int) (any, error) {
	if depth > maxDepth {
		return nil, errDepth
	}
	token, err := dec.Token()
	if err != nil {
		return nil, err
	}
	switch t := token.(type) {
	case json.Number:
		return Number(t), nil
	case json.Delim:
		if t == '[' {
			return parseArray(dec, depth)
		}
		return parseObject(dec, depth)
	default:
		return token, nil
	}
}

func parseArray(dec *json.Decoder, depth int) (any, error) {
	list := []any{}
	for dec.More() {
		v, err := parse(dec, depth+1)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	_, err := dec.Token()
	return list, err
}

func parseObject(dec *json.Decoder, depth int) (any, error) {
	object := &Object{}
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return nil, err
		}
		v, err := parse(dec, depth+1)
		if err != nil {
			return nil, err
		}
		object.Set(name.(string), v)
	}
	_, err := dec.Token()
	return object, err
}

// Append appends a value as JSON without white space, members in their order.
func Append(dst []byte, v any) []byte {
	switch v := v.(type) {
	case nil:
		return append(dst, "null"...)
	case bool:
		if v {
			return append(dst, "true"...)
		}
		return append(dst, "false"...)
	case Number:
		return append(dst, v...)
	case string:
		return AppendString(dst, v)
	case []any:
		dst = append(dst, '[')
		for i, item := range v {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = Append(dst, item)
		}
		return append(dst, ']')
	case *Object:
		dst = append(dst, '{')
		for i, name := range v.Names {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = append(AppendString(dst, name), ':')
			dst = Append(dst, v.Values[name])
		}
		return append(dst, '}')
	}
	return dst
}

// AppendString appends a string of JSON with as few escapes as possible.
func AppendString(dst []byte, s string) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c == '\n':
			dst = append(dst, '\\', 'n')
		case c == '\r':
			dst = append(dst, '\\', 'r')
		case c == '\t':
			dst = append(dst, '\\', 't')
		case c == '\b':
			dst = append(dst, '\\', 'b')
		case c == '\f':
			dst = append(dst, '\\', 'f')
		case c < ' ':
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		default:
			dst = append(dst, c)
		}
	}
	return append(dst, '"')
}
