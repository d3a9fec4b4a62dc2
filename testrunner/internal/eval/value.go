// Package eval evaluates fixtures of the Hurl format: it renders templates, queries responses,
// applies filters and checks predicates. It follows Hurl 8, and the manual of Hurl where the
// program departs from it.
package eval

import (
	"encoding/hex"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/wasihttp/wasihttp/testrunner/internal/jsontree"
)

// Kind is the kind of a Value.
type Kind int

// The kinds.
const (
	Null Kind = iota
	Bool
	Integer
	BigInteger // an integer that does not fit in 64 bits
	Float
	String
	List
	Object
	Bytes
	Nodeset
	Date
	Unit // exists, without a value
	Regex
	HTTPResponse
)

// String returns the name of the kind in messages.
func (k Kind) String() string {
	return [...]string{
		"null", "boolean", "integer", "integer", "float", "string", "list", "object",
		"bytes", "nodeset", "date", "unit", "regex", "http response",
	}[k]
}

// Value is the result of a query or the value of a variable. Kind says which of the other fields
// hold it. Values are never changed.
type Value struct {
	Kind   Kind
	Bool   bool
	Int    int64 // Integer; the size of a Nodeset; the status of an HTTPResponse
	Float  float64
	Text   string // String, BigInteger; the source of a Regex; the location of an HTTPResponse
	List   []Value
	Object map[string]Value
	Bytes  []byte
	Time   time.Time
	Regex  *regexp.Regexp
}

// Constructors of values.
func boolean(b bool) Value     { return Value{Kind: Bool, Bool: b} }
func integer(n int64) Value    { return Value{Kind: Integer, Int: n} }
func float(f float64) Value    { return Value{Kind: Float, Float: f} }
func text(s string) Value      { return Value{Kind: String, Text: s} }
func list(items []Value) Value { return Value{Kind: List, List: items} }
func data(b []byte) Value      { return Value{Kind: Bytes, Bytes: b} }
func date(t time.Time) Value   { return Value{Kind: Date, Time: t} }

// FromJSON returns the value for v, a value of package jsontree.
func FromJSON(v any) Value {
	switch v := v.(type) {
	case bool:
		return boolean(v)
	case string:
		return text(v)
	case jsontree.Number:
		return fromNumber(v)
	case []any:
		items := make([]Value, len(v))
		for i := range v {
			items[i] = FromJSON(v[i])
		}
		return list(items)
	case *jsontree.Object:
		object := make(map[string]Value, len(v.Names))
		for name, member := range v.Values {
			object[name] = FromJSON(member)
		}
		return Value{Kind: Object, Object: object}
	}
	return Value{}
}

func fromNumber(n jsontree.Number) Value {
	if n.IsInteger() {
		if i, err := strconv.ParseInt(string(n), 10, 64); err == nil {
			return integer(i)
		}
		return Value{Kind: BigInteger, Text: string(n)}
	}
	f, err := strconv.ParseFloat(string(n), 64)
	if err != nil {
		return Value{Kind: BigInteger, Text: string(n)}
	}
	return float(f)
}

// Render returns the value as text for templates; ok is false for kinds that cannot be text.
func (v Value) Render() (s string, ok bool) {
	switch v.Kind {
	case Null:
		return "null", true
	case Bool:
		return strconv.FormatBool(v.Bool), true
	case Integer:
		return strconv.FormatInt(v.Int, 10), true
	case BigInteger, String:
		return v.Text, true
	case Float:
		return formatFloat(v.Float), true
	case Date:
		return v.Time.UTC().Format("2006-01-02T15:04:05.000000Z"), true
	}
	return "", false
}

// formatFloat returns the shortest decimal form, always with a point and never with an exponent.
func formatFloat(f float64) string {
	switch {
	case math.IsNaN(f):
		return "NaN"
	case math.IsInf(f, 1):
		return "inf"
	case math.IsInf(f, -1):
		return "-inf"
	}
	s := strconv.FormatFloat(f, 'f', -1, 64)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return s
}

// maxDescribed is the number of bytes of a string, or of bytes, that a description contains. It is
// more than messages show, so that a secret at the end of a message is complete when it is searched
// for.
const maxDescribed = 256 << 10

// Describe returns the value with its kind, as messages show it. It abbreviates a large value.
func (v Value) Describe() string {
	size := max(len(v.Text), len(v.Bytes))
	switch {
	case v.Kind == Null:
		return "null <null>"
	case v.Kind == Unit:
		return "unit"
	case size > maxDescribed:
		v.Text = v.Text[:min(len(v.Text), maxDescribed)]
		v.Bytes = v.Bytes[:min(len(v.Bytes), maxDescribed)]
		return fmt.Sprintf("%s of %d bytes <%s…", v.Kind, size, v.inner())
	}
	return v.Kind.String() + " <" + v.inner() + ">"
}

func (v Value) inner() string {
	switch v.Kind {
	case List:
		items := make([]string, len(v.List))
		for i, item := range v.List {
			items[i] = item.inner()
		}
		return "[" + strings.Join(items, ",") + "]"
	case Object:
		names := make([]string, 0, len(v.Object))
		for name := range v.Object {
			names = append(names, name)
		}
		slices.Sort(names)
		for i, name := range names {
			names[i] = name + ": " + v.Object[name].inner()
		}
		return "{" + strings.Join(names, ", ") + "}"
	case Bytes:
		return hex.EncodeToString(v.Bytes)
	case Nodeset:
		return "size " + strconv.FormatInt(v.Int, 10)
	case Regex:
		return "/" + v.Text + "/"
	case HTTPResponse:
		return strconv.FormatInt(v.Int, 10) + " " + v.Text
	case Unit:
		return "unit"
	}
	s, _ := v.Render()
	return s
}

// JSON returns the value for reports. Bytes and dates become text.
func (v Value) JSON() any {
	switch v.Kind {
	case Null, Unit:
		return nil
	case Bool:
		return v.Bool
	case Integer, Nodeset:
		return v.Int
	case Float:
		if math.IsNaN(v.Float) || math.IsInf(v.Float, 0) {
			return formatFloat(v.Float)
		}
		return v.Float
	case List:
		items := make([]any, len(v.List))
		for i, item := range v.List {
			items[i] = item.JSON()
		}
		return items
	case Object:
		object := make(map[string]any, len(v.Object))
		for name, member := range v.Object {
			object[name] = member.JSON()
		}
		return object
	}
	return v.inner()
}

// Equal reports whether two values are the same: numbers by value, values of
// different kinds never.
func Equal(a, b Value) bool {
	if a.isNumber() && b.isNumber() {
		return compareNumbers(a, b) == 0
	}
	if a.Kind != b.Kind {
		return false
	}
	switch a.Kind {
	case Null, Unit:
		return true
	case Bool:
		return a.Bool == b.Bool
	case String:
		return a.Text == b.Text
	case Bytes:
		return string(a.Bytes) == string(b.Bytes)
	case Date:
		return a.Time.Equal(b.Time)
	case Nodeset:
		return a.Int == b.Int
	case HTTPResponse:
		return a.Int == b.Int && a.Text == b.Text
	case List:
		return slices.EqualFunc(a.List, b.List, Equal)
	case Object:
		if len(a.Object) != len(b.Object) {
			return false
		}
		for name, v := range a.Object {
			if w, ok := b.Object[name]; !ok || !Equal(v, w) {
				return false
			}
		}
		return true
	}
	return false
}

func (v Value) isNumber() bool {
	return v.Kind == Integer || v.Kind == BigInteger || v.Kind == Float
}
