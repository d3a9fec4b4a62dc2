package testrunner

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/wasihttp/wasihttp/internal/fixture"
	"github.com/wasihttp/wasihttp/internal/fixture/hurl"
)

// How much is kept of an entry that has ended, in bytes.
const (
	// keptPassed is the size up to which the body of a passed entry is kept.
	keptPassed = 4 << 10
	// keptFailed is how much is kept of the body of a failed entry.
	keptFailed = 256 << 10
	// keptText is how much is kept of one value in a problem.
	keptText = 64 << 10
)

// trim drops everything from an ended entry that reports do not need, so that a
// run needs no more memory than its largest entry.
func (r *Result) trim(hide func(string) string) {
	r.trimRequest(hide)
	a := r.Response
	switch {
	case a == nil:
	case !r.Outcome.Failed() && len(a.Body) > keptPassed:
		a.Body = nil
	case len(a.Body) > keptFailed:
		// The cut must not be within a secret, the rest of which would not be found.
		a.Size = int64(len(a.Body))
		a.Body = []byte(cut(hidden(hide, a.text()), keptFailed))
	}
	for i := range r.Problems {
		p := &r.Problems[i]
		for _, text := range []*string{&p.Expected, &p.Actual} {
			if len(*text) > keptText {
				*text = cut(hidden(hide, *text), keptText) + "…"
			}
		}
	}
}

func (r *Result) trimRequest(hide func(string) string) {
	kept := keptPassed
	if r.Outcome.Failed() {
		kept = keptFailed
	}
	if r.Request == nil || len(r.Request.Body) <= kept {
		return
	}
	slim := *r.Request
	slim.Body, slim.Size = nil, int64(len(slim.Body))
	if r.Outcome.Failed() {
		slim.Body = []byte(cut(hidden(hide, string(r.Request.Body)), kept))
	}
	r.Request = &slim
}

// cut returns the beginning of a text, not within a character.
func cut(s string, size int) string {
	if len(s) <= size {
		return s
	}
	for size > 0 && !utf8.RuneStart(s[size]) {
		size--
	}
	return strings.Clone(s[:size])
}

func hidden(hide func(string) string, s string) string {
	if hide == nil {
		return s
	}
	return hide(s)
}

// redact hides secrets in everything that is reported.
func (f *fileRun) redact() {
	hide := f.scope.Vars.Hide()
	if hide == nil {
		return
	}
	for i := range f.result.Results {
		f.result.Results[i].redact(hide)
	}
}

func (r *Result) redact(hide func(string) string) {
	for i := range r.Problems {
		if p := &r.Problems[i]; p.redact(hide) {
			r.Notes = append(r.Notes, secretNote)
		}
	}
	if r.Missing != nil && r.Missing.redact(hide) {
		r.Missing, r.Notes = nil, append(r.Notes, secretNote)
	}
	for _, e := range r.Earlier {
		for i := range e.Problems {
			e.Problems[i].redact(hide)
		}
	}
	for i := range r.Notes {
		r.Notes[i] = hide(r.Notes[i])
	}
	for i := range r.Captures {
		r.Captures[i].Value = hideIn(r.Captures[i].Value, hide)
	}
	if r.Request != nil {
		r.Request = r.Request.redacted(hide)
	}
	if r.Response != nil {
		r.Response.redact(hide)
	}
}

// redacted returns the request without secrets.
func (r *Request) redacted(hide func(string) string) *Request {
	shown := *r
	shown.Authority, shown.Target = hide(r.Authority), hide(r.Target)
	shown.Headers = slices.Clone(r.Headers)
	for i := range shown.Headers {
		shown.Headers[i].Value = hide(r.Headers[i].Value)
	}
	if text := hide(string(r.Body)); text != string(r.Body) {
		shown.Body = []byte(text)
	}
	return &shown
}

const secretNote = "a difference cannot be accepted: the response has a secret there"

// redact hides secrets in a problem. It reports whether it dropped the edits,
// which would write a secret into a file.
func (p *Problem) redact(hide func(string) string) (dropped bool) {
	for _, text := range []*string{&p.Title, &p.Expected, &p.Actual, &p.Source} {
		*text = hide(*text)
	}
	if p.Diff != nil {
		p.Diff.Map(hide)
	}
	if slices.ContainsFunc(p.Edits, func(e hurl.Edit) bool { return hide(e.Text) != e.Text }) {
		p.Edits = nil
		return true
	}
	return false
}

// hideIn hides secrets in a value as in JSON.
func hideIn(v any, hide func(string) string) any {
	switch v := v.(type) {
	case string:
		return hide(v)
	case []any:
		for i := range v {
			v[i] = hideIn(v[i], hide)
		}
	case map[string]any:
		for name, member := range v {
			delete(v, name)
			v[hide(name)] = hideIn(member, hide)
		}
	}
	return v
}

// redact hides secrets.
func (a *Response) redact(hide func(string) string) {
	for i, line := range a.Stderr {
		a.Stderr[i] = hide(line)
	}
	if text := hide(a.text()); text != a.text() {
		a.Body = []byte(text)
	}
	for _, fields := range []fixture.Fields{a.Headers, a.Trailers} {
		for i := range fields {
			fields[i].Value = hide(fields[i].Value)
		}
	}
	a.Message = hide(a.Message)
	if f := a.Failure; f != nil {
		f.Message = hide(f.Message)
		f.Cause, f.ErrorCode, f.Hint = hide(f.Cause), hide(f.ErrorCode), hide(f.Hint)
	}
}
