package eval

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/wasihttp/wasihttp/internal/fixture/hurl"
	"github.com/wasihttp/wasihttp/testrunner/internal/interrupt"
	"github.com/wasihttp/wasihttp/testrunner/internal/jsontree"
)

// Error says what cannot be evaluated, and where it is written.
type Error struct {
	Range   hurl.Range
	Title   string // in a few words
	Message string // what is wrong with it; may be ""
}

func errorAt(r hurl.Range, title, format string, args ...any) *Error {
	return &Error{r, title, fmt.Sprintf(format, args...)}
}

// Scope holds what the expressions of a fixture refer to. It belongs to one goroutine.
type Scope struct {
	Vars *Vars
	// ReadFile returns the content of a file that a body names.
	ReadFile func(name string) ([]byte, error)
	// Now returns the current time.
	Now func() time.Time
	// Response is the response that queries refer to; nil while the request is made.
	Response *Response
	// Work is the current evaluation; nil if it cannot be interrupted.
	Work *interrupt.Work
}

// Template renders a template with the variables of the scope.
func (s *Scope) Template(t *hurl.Template) (string, *Error) {
	if text, ok := t.Static(); ok {
		return text, nil
	}
	var b strings.Builder
	for _, p := range t.Parts {
		if p.Expr == nil {
			b.WriteString(p.Text)
			continue
		}
		rendered, err := s.placeholder(p.Expr)
		if err != nil {
			return "", err
		}
		b.WriteString(rendered)
	}
	return b.String(), nil
}

// placeholder renders a placeholder for the place where it is written.
func (s *Scope) placeholder(e *hurl.Placeholder) (string, *Error) {
	v, err := s.Lookup(e)
	if err != nil {
		return "", err
	}
	rendered, ok := v.Render()
	if !ok {
		return "", errorAt(e.Range, "Value cannot be text",
			"{{%s}} is %s, which cannot be written into text", e.Name, v.Describe())
	}
	switch e.Context {
	case hurl.InJSONString:
		rendered = jsonEscaper().Replace(rendered)
	case hurl.InJSONValue:
		if !beginsScalar(rendered) {
			return "", errorAt(e.Range, "Invalid JSON",
				"{{%s}} is %s; put quotes around the placeholder for a string", e.Name,
				v.Describe())
		}
	}
	return rendered, nil
}

func jsonEscaper() *strings.Replacer {
	return strings.NewReplacer(`"`, `\"`, `\`, `\\`, "\n", `\n`, "\r", `\r`, "\t", `\t`)
}

// beginsScalar reports whether s begins like null, a boolean or a number.
func beginsScalar(s string) bool {
	for _, word := range []string{"null", "true", "false"} {
		if strings.HasPrefix(s, word) {
			return true
		}
	}
	s = strings.TrimPrefix(s, "-")
	return s != "" && s[0] >= '0' && s[0] <= '9'
}

// Lookup returns the value of a placeholder.
func (s *Scope) Lookup(e *hurl.Placeholder) (Value, *Error) {
	switch e.Func {
	case hurl.FuncNewUUID:
		return text(newUUID()), nil
	case hurl.FuncNewDate:
		return date(s.Now().UTC()), nil
	}
	v, ok := s.Vars.Get(e.Name)
	if !ok {
		return Value{}, errorAt(e.Range, "Undefined variable", "nothing has set {{%s}}", e.Name)
	}
	return v, nil
}

// newUUID returns a random UUID (RFC 9562, version 4).
func newUUID() string {
	var b [16]byte
	// It never fails, see crypto/rand.
	_, _ = rand.Read(b[:])
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	s := hex.EncodeToString(b[:])
	return s[:8] + "-" + s[8:12] + "-" + s[12:16] + "-" + s[16:20] + "-" + s[20:]
}

// Value evaluates a literal.
func (s *Scope) Value(v *hurl.Value) (Value, *Error) {
	switch v.Kind {
	case hurl.ValueBool:
		return boolean(v.Bool), nil
	case hurl.ValueNumber:
		return numberValue(v.Number), nil
	case hurl.ValueString:
		t, err := s.Template(&v.Text)
		return text(t), err
	case hurl.ValuePlaceholder:
		return s.Lookup(v.Placeholder)
	case hurl.ValueRegex:
		re, err := s.regex(v)
		return Value{Kind: Regex, Regex: re, Text: v.Regex}, err
	case hurl.ValuePayload:
		body, isText, err := s.Payload(v.Payload)
		if err != nil {
			return Value{}, err
		}
		if isText {
			return text(string(body)), nil
		}
		return data(body), nil
	}
	return Value{}, nil
}

func numberValue(n hurl.Number) Value {
	switch n.Kind {
	case hurl.NumberInteger:
		return integer(n.Int)
	case hurl.NumberFloat:
		return float(n.Float)
	}
	return Value{Kind: BigInteger, Text: n.Text}
}

// regex compiles an argument that is a regular expression, or a string that holds one.
func (s *Scope) regex(v *hurl.Value) (*regexp.Regexp, *Error) {
	source := v.Regex
	if v.Kind != hurl.ValueRegex {
		value, err := s.Value(v)
		if err != nil {
			return nil, err
		}
		if value.Kind != String {
			return nil, errorAt(v.Range, "Invalid regex", "expected a string, not %s",
				value.Describe())
		}
		source = value.Text
	}
	re, err := hurl.CompileRegex(source)
	if err != nil {
		return nil, errorAt(v.Range, "Invalid regex", "%v", err)
	}
	return re, nil
}

// argument evaluates an argument that must be text.
func (s *Scope) argument(v *hurl.Value) (string, *Error) {
	value, err := s.Value(v)
	if err != nil {
		return "", err
	}
	if value.Kind != String {
		return "", errorAt(v.Range, "Invalid argument", "expected a string, not %s",
			value.Describe())
	}
	return value.Text, nil
}

// Payload returns the content of a body, and whether it is text.
func (s *Scope) Payload(p *hurl.Payload) (body []byte, isText bool, err *Error) {
	switch p.Kind {
	case hurl.PayloadBase64, hurl.PayloadHex:
		return p.Data, false, nil
	case hurl.PayloadFile:
		name, err := s.Template(&p.File)
		if err != nil {
			return nil, false, err
		}
		content, readErr := s.ReadFile(name)
		if readErr != nil {
			return nil, false, errorAt(p.Range, "File cannot be read", "%v", readErr)
		}
		return content, false, nil
	case hurl.PayloadGraphQL:
		body, err = s.graphQL(p)
		return body, true, err
	}
	rendered, err := s.Template(&p.Text)
	return []byte(rendered), true, err
}

// graphQL returns the JSON of a GraphQL request over HTTP.
func (s *Scope) graphQL(p *hurl.Payload) ([]byte, *Error) {
	query, err := s.Template(&p.Text)
	if err != nil {
		return nil, err
	}
	out := append([]byte(`{"query":`), jsontree.AppendString(nil, strings.TrimSpace(query))...)
	if p.Variables != nil {
		rendered, err := s.Template(p.Variables)
		if err != nil {
			return nil, err
		}
		compact := bytes.NewBuffer(append(out, `,"variables":`...))
		if compactErr := json.Compact(compact, []byte(rendered)); compactErr != nil {
			return nil, errorAt(p.Variables.Range, "Invalid JSON", "the variables of the query: %v",
				compactErr)
		}
		out = compact.Bytes()
	}
	return append(out, '}'), nil
}
