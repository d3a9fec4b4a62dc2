package eval

import (
	"crypto/md5"
	"crypto/sha256"

	"github.com/wasihttp/wasihttp/internal/fixture/hurl"
	"github.com/wasihttp/wasihttp/testrunner/internal/jsonpath"
	"github.com/wasihttp/wasihttp/testrunner/internal/jsontree"
)

// Query returns a value of the response. A nil value without an error means that the response has
// none.
func (s *Scope) Query(q *hurl.Query) (*Value, *Error) {
	r := s.Response
	some := func(v Value) (*Value, *Error) { return &v, nil }
	switch q.Kind {
	case hurl.QueryStatus:
		return some(integer(int64(r.Status)))
	case hurl.QueryVersion:
		return some(text(r.Version))
	case hurl.QueryURL:
		return some(text(r.URL))
	case hurl.QueryDuration:
		return some(integer(r.Duration.Milliseconds()))
	case hurl.QueryIP:
		return some(text("127.0.0.1"))
	case hurl.QueryRawBytes:
		return some(data(r.Raw))
	case hurl.QueryRedirects:
		return some(redirects(r.Redirects))
	case hurl.QueryCertificate:
		return nil, nil
	case hurl.QueryHeader:
		return s.queryHeader(q)
	case hurl.QueryCookie:
		return s.queryCookie(q)
	case hurl.QueryVariable:
		name, err := s.argument(q.Arg)
		if err != nil {
			return nil, err
		}
		if v, ok := s.Vars.Get(name); ok {
			return &v, nil
		}
		return nil, nil
	}
	return s.queryBody(q)
}

// queryBody returns a value of the body.
func (s *Scope) queryBody(q *hurl.Query) (*Value, *Error) {
	r := s.Response
	body, err := r.Bytes(s.Work)
	if err != nil {
		return nil, errorAt(q.Range, "Decompression error", "%v", err)
	}
	some := func(v Value) (*Value, *Error) { return &v, nil }
	switch q.Kind {
	case hurl.QueryBytes:
		return some(data(body))
	case hurl.QuerySHA256:
		sum := sha256.Sum256(body)
		return some(data(sum[:]))
	case hurl.QueryMD5:
		sum := md5.Sum(body)
		return some(data(sum[:]))
	}
	body2, err := r.Text(s.Work)
	if err != nil {
		return nil, errorAt(q.Range, "Body is not text", "%v", err)
	}
	switch q.Kind {
	case hurl.QueryBody:
		return some(text(body2))
	case hurl.QueryRegex:
		re, err := s.regex(q.Arg)
		if err != nil {
			return nil, err
		}
		return s.firstGroup(re, body2), nil
	case hurl.QueryJSONPath:
		tree, err := r.JSON(s.Work)
		if err != nil {
			return nil, errorAt(q.Range, "Invalid JSON", "the response's body: %v", err)
		}
		return s.jsonPath(q.Arg, tree)
	case hurl.QueryXPath:
		tree, err := r.Tree(s.Work)
		return s.xPath(q.Arg, tree, err)
	}
	return nil, errorAt(q.Range, "Unknown query", "%s", q.Kind)
}

func redirects(hops []Redirect) Value {
	items := []Value{}
	for _, h := range hops {
		items = append(items, Value{Kind: HTTPResponse, Int: int64(h.Status), Text: h.Location})
	}
	return list(items)
}

func (s *Scope) queryHeader(q *hurl.Query) (*Value, *Error) {
	name, err := s.argument(q.Arg)
	if err != nil {
		return nil, err
	}
	values := s.Response.header(name)
	switch len(values) {
	case 0:
		return nil, nil
	case 1:
		v := text(values[0])
		return &v, nil
	}
	items := make([]Value, len(values))
	for i, v := range values {
		items[i] = text(v)
	}
	v := list(items)
	return &v, nil
}

// jsonPath selects from tree, a value of package jsontree: nothing, one value, or a list of
// several.
func (s *Scope) jsonPath(arg *hurl.Value, tree any) (*Value, *Error) {
	source, err := s.argument(arg)
	if err != nil {
		return nil, err
	}
	path, parseErr := jsonpath.Parse(source)
	if parseErr != nil {
		return nil, errorAt(arg.Range, "Invalid JSONPath", "%v", parseErr)
	}
	matches, selectErr := path.Select(s.Work, tree)
	if selectErr != nil {
		return nil, errorAt(arg.Range, "Too much for JSONPath", "%v", selectErr)
	}
	switch len(matches) {
	case 0:
		return nil, nil
	case 1:
		v := FromJSON(matches[0].Value)
		return &v, nil
	}
	items := make([]Value, len(matches))
	for i, m := range matches {
		items[i] = FromJSON(m.Value)
	}
	v := list(items)
	return &v, nil
}

// jsonText selects from JSON text.
func (s *Scope) jsonText(arg *hurl.Value, source string) (*Value, *Error) {
	tree, err := jsontree.Parse(s.Work, bytesOf(source))
	if err != nil {
		return nil, errorAt(arg.Range, "Invalid JSON", "%v", err)
	}
	return s.jsonPath(arg, tree)
}

// Captured is the variable that a capture has set.
type Captured struct {
	Name  string
	Value Value
}

// Capture evaluates a capture and sets its variable.
func (s *Scope) Capture(c *hurl.Capture) (Captured, *Error) {
	name, err := s.Template(&c.Name)
	if err != nil {
		return Captured{}, err
	}
	v, err := s.Query(c.Query)
	if err == nil && v == nil && len(c.Filters) == 0 {
		return Captured{}, errorAt(c.Query.Range, "No value",
			"the response has nothing for this query")
	}
	if err == nil {
		v, err = s.Filters(v, c.Filters)
	}
	if err != nil {
		return Captured{}, err
	}
	if v == nil {
		return Captured{}, errorAt(c.Filters[len(c.Filters)-1].Range, "No value",
			"this filter had no result")
	}
	if !c.Redact {
		s.Vars.Set(name, *v)
		return Captured{name, *v}, nil
	}
	if v.Kind != String {
		return Captured{}, errorAt(c.Range, "Invalid secret",
			"only a string can be redacted, not %s", v.Describe())
	}
	s.Vars.SetSecret(name, v.Text)
	return Captured{name, *v}, nil
}
