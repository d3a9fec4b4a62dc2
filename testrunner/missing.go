package testrunner

import (
	"bytes"
	"strings"

	"github.com/wasihttp/wasihttp/internal/fixture"
	"github.com/wasihttp/wasihttp/internal/fixture/hurl"
	"github.com/wasihttp/wasihttp/internal/fixture/redact"
	"github.com/wasihttp/wasihttp/testrunner/internal/eval"
	"github.com/wasihttp/wasihttp/testrunner/internal/jsonedit"
	"github.com/wasihttp/wasihttp/testrunner/internal/jsonpath"
	"github.com/wasihttp/wasihttp/testrunner/internal/jsontree"
)

// missing returns the problem of an entry without a response part, with edits
// that add one, as a recording writes it. It returns nil if the response cannot
// be written.
func (f *fileRun) missing(r *Result, response *eval.Response, s *hurl.Settings) *Problem {
	x, err := f.recorded(r, response, s)
	if err != nil {
		return nil
	}
	entry := r.Entry.Range
	source := f.file.Source[entry.Start.Offset:entry.End.Offset]
	end := hurl.LineEndAt(f.file.Source, entry)
	directives, text, err := hurl.ResponsePart(x, end)
	if err != nil || text == "" {
		return nil
	}
	if !bytes.HasSuffix(source, []byte("\n")) {
		text = string(end) + strings.TrimRight(text, "\r\n")
	}
	p := &Problem{
		Kind: ProblemMissing, Range: r.Entry.Request.Range,
		Title: "Nothing is expected of the response",
		Edits: []hurl.Edit{{Range: hurl.Range{Start: entry.End, End: entry.End}, Text: text}},
	}
	if directives != "" {
		p.Edits = append(p.Edits, hurl.Edit{
			Range: hurl.Range{Start: entry.Start, End: entry.Start}, Text: directives,
		})
	}
	return p
}

// recorded returns an exchange as it is recorded: without secrets, and without
// what the fixture ignores.
func (f *fileRun) recorded(
	r *Result, response *eval.Response, s *hurl.Settings,
) (*fixture.Exchange, error) {
	body, err := response.Bytes(f.scope.Work)
	if err != nil {
		return nil, err
	}
	x := &fixture.Exchange{
		Request: fixture.Request{
			Method: r.Request.Method, URL: response.URL, Version: r.Request.Version,
			Headers: r.Request.Headers, Body: r.Request.Body,
		},
		Response: &fixture.Response{
			Status: response.Status, Version: response.Version, Encoded: true,
			Headers: response.Headers, Trailers: response.Trailers,
		},
	}
	if body == nil {
		body = []byte{}
	}
	x.Response.Body = body
	// A secret that is not in the request differs each time: it is neither
	// expected nor written.
	session := redact.NewSession(nil)
	session.Find(x)
	loose := session.Loosen(x)
	ignored := func(kind hurl.IgnoreKind, name string) bool {
		for _, i := range s.Ignore {
			if i.Kind == kind && strings.EqualFold(i.Arg, name) {
				return true
			}
		}
		return false
	}
	got := *loose.Response
	got.Body = f.withoutSecrets(body, session.HideAgain(x).Response)
	got.Headers = fields(got.Headers, func(name string) bool {
		return !ignored(hurl.IgnoreHeader, name)
	})
	got.Trailers = fields(got.Trailers, func(name string) bool {
		return !ignored(hurl.IgnoreTrailer, name)
	})
	if ignored(hurl.IgnoreBody, "") {
		got.Body = nil
	}
	loose.Response = &got
	return &loose, nil
}

// withoutSecrets returns a body without the secrets that differ each time.
func (f *fileRun) withoutSecrets(body []byte, hidden *fixture.Response) []byte {
	if hidden.Unsteady.Body {
		return hidden.Body
	}
	want, wantErr := jsontree.Parse(f.scope.Work, hidden.Body)
	got, gotErr := jsontree.Parse(f.scope.Work, body)
	if len(hidden.Unsteady.Paths) == 0 || wantErr != nil || gotErr != nil {
		return body
	}
	secret := make(map[string]bool)
	for _, path := range hidden.Unsteady.Paths {
		p, err := jsonpath.Parse(path)
		if err != nil {
			return hidden.Body
		}
		nodes, err := p.Select(f.scope.Work, want)
		if err != nil {
			return hidden.Body
		}
		for _, n := range nodes {
			secret[placeKey(n.Location())] = true
		}
	}
	text, ok := jsonedit.Merge(f.scope.Work, string(hidden.Body), want, got,
		func(steps []any) bool { return secret[placeKey(steps)] })
	if !ok {
		return hidden.Body
	}
	return []byte(text)
}

// fields returns the fields whose name is wanted.
func fields(list fixture.Fields, wanted func(name string) bool) fixture.Fields {
	var out fixture.Fields
	for _, f := range list {
		if wanted(f.Name) {
			out = append(out, f)
		}
	}
	return out
}
