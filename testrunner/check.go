package testrunner

import (
	"bytes"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"unsafe"

	"github.com/wasihttp/wasihttp/internal/fixture/hurl"
	"github.com/wasihttp/wasihttp/testrunner/diff"
	"github.com/wasihttp/wasihttp/testrunner/internal/eval"
	"github.com/wasihttp/wasihttp/testrunner/internal/jsonpath"
	"github.com/wasihttp/wasihttp/testrunner/internal/jsontree"
)

// checker compares a response with what an entry expects.
type checker struct {
	scope    *eval.Scope
	want     *hurl.Response
	settings hurl.Settings
	ignored  []*jsonpath.Path
	// all reports whether the checks go on after a wrong status and make edits
	// from the response.
	all bool
	// hide replaces secrets; nil if there are none.
	hide     func(string) string
	source   []byte // of the file
	problems []Problem
	captures []Capture
}

// check does all checks, in hurl's order: a wrong status or version ends the
// checks unless all is set, and so does a capture that fails.
func (c *checker) check() {
	c.version()
	c.status()
	if len(c.problems) > 0 && !c.all || !c.capture() {
		return
	}
	c.headers()
	c.trailers()
	if c.want.Body != nil && !c.ignores(hurl.IgnoreBody, "") {
		c.body(c.want.Body)
	}
	for _, a := range c.want.Asserts() {
		c.assert(a)
	}
}

func (c *checker) report(p Problem) { c.problems = append(c.problems, p) }

// reportError reports an expression that could not be evaluated.
func (c *checker) reportError(kind ProblemKind, err *eval.Error) {
	c.report(Problem{Kind: kind, Range: err.Range, Title: err.Title, Actual: err.Message})
}

func (c *checker) ignores(kind hurl.IgnoreKind, arg string) bool {
	return slices.ContainsFunc(c.settings.Ignore, func(i hurl.Ignore) bool {
		return i.Kind == kind && strings.EqualFold(i.Arg, arg)
	})
}

func (c *checker) version() {
	got := "HTTP/" + c.scope.Response.Version
	if c.want.Version != hurl.VersionAny && string(c.want.Version) != got {
		c.report(Problem{
			Kind: ProblemVersion, Range: c.want.VersionRange, Title: "HTTP version",
			Expected: string(c.want.Version), Actual: got,
			Edits: []hurl.Edit{{Range: c.want.VersionRange, Text: got}},
		})
	}
}

func (c *checker) status() {
	got := c.scope.Response.Status
	if c.want.Status == hurl.AnyStatus || c.want.Status == got {
		return
	}
	c.report(Problem{
		Kind: ProblemStatus, Range: c.want.StatusRange, Title: "Status",
		Expected: statusText(c.want.Status), Actual: statusText(got),
		Edits: []hurl.Edit{{Range: c.want.StatusRange, Text: strconv.Itoa(got)}},
	})
}

func statusText(code int) string {
	return strings.TrimSpace(strconv.Itoa(code) + " " + http.StatusText(code))
}

// capture sets the variables; false if one has no value.
func (c *checker) capture() bool {
	for _, capture := range c.want.Captures() {
		set, err := c.scope.Capture(capture)
		if err != nil {
			c.report(Problem{
				Kind: ProblemCapture, Range: err.Range, Title: "Capture: " + err.Title,
				Actual: err.Message,
			})
			return false
		}
		c.captures = append(c.captures, Capture{Name: set.Name, Value: set.Value.JSON()})
		if capture.Redact {
			c.captures[len(c.captures)-1].Value = "***"
		}
	}
	return true
}

// headers compares the fields that the entry names. If the response repeats a
// field, any of its values may match; if the entry repeats a field, its values
// must match in that order.
func (c *checker) headers() {
	next := make(map[string]int) // by name, which value comes next
	for _, h := range c.want.Headers {
		name, err := c.scope.Template(&h.Key)
		if err != nil {
			c.reportError(ProblemHeader, err)
			continue
		}
		if c.ignores(hurl.IgnoreHeader, name) {
			continue
		}
		want, err := c.scope.Template(&h.Value)
		if err != nil {
			c.reportError(ProblemHeader, err)
			continue
		}
		c.header(h, name, want, next)
	}
}

func (c *checker) header(h *hurl.KeyValue, name, want string, next map[string]int) {
	key := strings.ToLower(name)
	got := eval.FieldTexts(c.scope.Response.Headers, name)
	p := Problem{Kind: ProblemHeader, Range: h.Value.Range, Title: "Header " + name, Expected: want}
	at := slices.Index(got, want)
	later := -1
	if next[key] <= len(got) {
		later = slices.Index(got[next[key]:], want)
	}
	switch {
	case len(got) == 0:
		p.Range, p.Actual = h.Range, "no such header"
		p.Edits = []hurl.Edit{{Range: h.FullRange()}}
		c.report(p)
	case at < 0:
		p.Actual = strings.Join(got, " | ")
		if value, ok := quoteValue(got[min(next[key], len(got)-1)]); ok {
			p.Edits = []hurl.Edit{{Range: h.Value.Range, Text: value}}
		}
		c.report(p)
		next[key]++
	case later < 0:
		p.Title, p.Actual = "Order of the repeated header "+name, strings.Join(got, " | ")
		c.report(p)
	default:
		next[key] += later + 1
	}
}

// trailers compares the trailers that the entry names, as headers are compared.
func (c *checker) trailers() {
	next := make(map[string]int)
	for _, t := range c.settings.Trailers {
		if c.ignores(hurl.IgnoreTrailer, t.Name) {
			continue
		}
		got := eval.FieldTexts(c.scope.Response.Trailers, t.Name)
		key := strings.ToLower(t.Name)
		p := Problem{
			Kind: ProblemTrailer, Range: t.ValueRange, Title: "Trailer " + t.Name,
			Expected: t.Value,
		}
		rest := got[min(next[key], len(got)):]
		switch at := slices.Index(rest, t.Value); {
		case at >= 0:
			next[key] += at + 1
			continue
		case len(rest) == 0:
			p.Range, p.Actual = t.Range, "no such trailer"
		default:
			p.Actual = strings.Join(got, " | ")
			p.Edits = []hurl.Edit{{Range: t.ValueRange, Text: rest[0]}}
			next[key]++
		}
		c.report(p)
	}
}

// body compares the body as a whole: text as text, other kinds as bytes.
func (c *checker) body(b *hurl.Body) {
	want, isText, evalErr := c.scope.Payload(&b.Payload)
	if evalErr != nil {
		c.reportError(ProblemBody, evalErr)
		return
	}
	got, err := c.scope.Response.Bytes(c.scope.Work)
	if err != nil {
		c.report(Problem{Kind: ProblemBody, Range: b.Range, Title: "Body", Actual: err.Error()})
		return
	}
	if isText {
		text, err := c.scope.Response.Text(c.scope.Work)
		if err != nil {
			p := Problem{Kind: ProblemBody, Range: b.Range, Title: "Body", Actual: err.Error()}
			if c.all {
				p.Edits = c.bodyEdits(b, want, got, false)
			}
			c.report(p)
			return
		}
		got = unsafe.Slice(unsafe.StringData(text), len(text)) // neither is changed
	}
	if isText {
		got = c.keepIgnored(want, got)
	}
	if bytes.Equal(want, got) {
		return
	}
	d, semantic, err := c.withoutIgnored(want, got)
	switch {
	case err != nil:
		c.report(Problem{Kind: ProblemBody, Range: b.Range, Title: "Body", Actual: err.Error()})
		return
	case semantic && d == nil:
		return
	case !semantic:
		d = c.difference(want, got)
	}
	p := Problem{Kind: ProblemBody, Range: b.Range, Title: "Body", Diff: d}
	if d == nil {
		p.Actual = "it differs in a secret"
	}
	if c.all {
		p.noise = c.withoutSecrets(p.ignoringBody(&c.settings, want, got))
		p.Edits = c.bodyEdits(b, want, got, isText)
	}
	c.report(p)
}

// difference compares bodies that differ, after hiding secrets, so that no part
// of a secret is shown. It returns nil if they differ in secrets only.
func (c *checker) difference(want, got []byte) *diff.Diff {
	if c.hide != nil {
		want, got = c.hideIn(want), c.hideIn(got)
		if bytes.Equal(want, got) {
			return nil
		}
	}
	return diff.Bodies(c.scope.Work, want, got)
}

// withoutSecrets returns directives unless they contain secrets.
func (c *checker) withoutSecrets(directives []string) []string {
	text := strings.Join(directives, "\n")
	if c.hide != nil && c.hide(text) != text {
		return nil
	}
	return directives
}

func (c *checker) hideIn(body []byte) []byte {
	text := unsafe.String(unsafe.SliceData(body), len(body))
	if out := c.hide(text); out != text {
		return []byte(out)
	}
	return body
}

// ignoredPaths compiles the paths that a fixture ignores.
func ignoredPaths(s *hurl.Settings) ([]*jsonpath.Path, *eval.Error) {
	var paths []*jsonpath.Path
	for _, i := range s.Ignore {
		if i.Kind != hurl.IgnoreJSONPath {
			continue
		}
		p, err := jsonpath.Parse(i.Arg)
		if err != nil {
			return nil, &eval.Error{Range: i.Range, Title: "Invalid JSONPath", Message: err.Error()}
		}
		paths = append(paths, p)
	}
	return paths, nil
}

// withoutIgnored compares JSON without the nodes that the fixture ignores, and
// returns the difference; nil for none. semantic is false if the fixture
// ignores no nodes and does not want a comparison by value, or if one side is not JSON.
func (c *checker) withoutIgnored(want, got []byte) (d *diff.Diff, semantic bool, err error) {
	if len(c.ignored) == 0 && !c.settings.JSON {
		return nil, false, nil
	}
	trees := make([]any, 2)
	for i, body := range [][]byte{want, got} {
		if trees[i], err = jsontree.Parse(c.scope.Work, body); err != nil {
			return nil, false, nil
		}
		for _, p := range c.ignored {
			nodes, err := p.Select(c.scope.Work, trees[i])
			if err != nil {
				return nil, false, fmt.Errorf("what is to be ignored cannot be found: %w", err)
			}
			trees[i] = prune(trees[i], nodes)
		}
	}
	return diff.Trees(c.scope.Work, trees[0], trees[1]), true, nil
}

// ignoredNode replaces a node that was removed.
const ignoredNode = "(ignored)"

// prune replaces the nodes by a mark, so that indexes stay and a member that is
// missing still differs from one whose value is ignored.
func prune(root any, nodes []*jsonpath.Match) any {
	for _, n := range nodes {
		location := n.Location()
		if len(location) == 0 {
			return ignoredNode
		}
		parent := root
		for _, step := range location[:len(location)-1] {
			parent = child(parent, step)
		}
		switch last := location[len(location)-1].(type) {
		case string:
			if o, ok := parent.(*jsontree.Object); ok {
				o.Set(last, ignoredNode)
			}
		case int:
			if list, ok := parent.([]any); ok {
				list[last] = ignoredNode
			}
		}
	}
	return root
}

func child(v any, step any) any {
	switch step := step.(type) {
	case string:
		if o, ok := v.(*jsontree.Object); ok {
			return o.Values[step]
		}
	case int:
		if list, ok := v.([]any); ok {
			return list[step]
		}
	}
	return nil
}

// assert checks one line of [Asserts].
func (c *checker) assert(a *hurl.Assert) {
	v, err := c.scope.Query(a.Query)
	if err == nil {
		v, err = c.scope.Filters(v, a.Filters)
	}
	if err != nil {
		c.reportError(ProblemAssert, err)
		return
	}
	m, err := c.scope.Check(a.Predicate, v)
	if err != nil {
		c.reportError(ProblemAssert, err)
		return
	}
	if m == nil {
		return
	}
	p := Problem{
		Kind: ProblemAssert, Range: a.Range, Title: "Assert", Expected: m.Expected,
		Actual: m.Actual,
	}
	if m.TypeError {
		p.Title = "Assert: the kinds do not go together"
	}
	if c.all && v != nil && a.Predicate.Kind == hurl.PredicateEqual && !a.Predicate.Not {
		if literal, ok := literalOf(*v); ok {
			p.Edits = []hurl.Edit{{Range: a.Predicate.Value.Range, Text: literal}}
		}
	}
	c.report(p)
}

// literalOf writes a value as it can stand behind a predicate.
func literalOf(v eval.Value) (string, bool) {
	switch v.Kind {
	case eval.Null, eval.Bool, eval.Integer, eval.BigInteger:
		return v.Render()
	case eval.Float:
		s, ok := v.Render()
		return s, ok && strings.Trim(s, "-.0123456789") == ""
	case eval.String:
		return quoteString(v.Text), true
	case eval.Bytes:
		return fmt.Sprintf("hex,%x;", v.Bytes), true
	}
	return "", false
}
