package testrunner_test

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wasihttp/wasihttp/internal/fixture"
	"github.com/wasihttp/wasihttp/internal/fixture/hurl"
	"github.com/wasihttp/wasihttp/testrunner"
)

// fakeHost makes instances that are a function.
type fakeHost struct {
	reusable bool
	// response makes that to the n-th request, from 1, of an instance.
	response func(n int, r *testrunner.Request) *testrunner.Response

	mu     sync.Mutex
	opened []testrunner.Spec
	open   int
}

func (h *fakeHost) Open(_ context.Context, spec testrunner.Spec) (testrunner.Target, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.opened = append(h.opened, spec)
	h.open++
	return &fakeTarget{host: h}, nil
}

type fakeTarget struct {
	host *fakeHost
	n    atomic.Int64
}

func (t *fakeTarget) Do(ctx context.Context, r *testrunner.Request) (*testrunner.Response, error) {
	return t.host.response(int(t.n.Add(1)), r), ctx.Err()
}

func (t *fakeTarget) Reusable() bool { return t.host.reusable }

func (t *fakeTarget) Close() {
	t.host.mu.Lock()
	defer t.host.mu.Unlock()
	t.host.open--
}

// text returns a response with a body.
func text(status int, body string, headers ...string) *testrunner.Response {
	a := &testrunner.Response{Status: status, Body: []byte(body)}
	for i := 0; i < len(headers); i += 2 {
		a.Headers = append(a.Headers, fixture.Field{Name: headers[i], Value: headers[i+1]})
	}
	return a
}

func failure(o testrunner.Outcome, code string) *testrunner.Response {
	return &testrunner.Response{Failure: &testrunner.Failure{Outcome: o, Cause: "it did", ErrorCode: code}, Lost: o != testrunner.ErrorCode}
}

// parse makes sources of texts, which are named by their number.
func parse(t *testing.T, texts ...string) []*testrunner.Source {
	t.Helper()
	var out []*testrunner.Source
	for i, s := range texts {
		name := string(rune('a'+i)) + ".hurl"
		f, errs := hurl.Parse(name, []byte(s))
		for _, err := range errs {
			t.Fatal(err.Render())
		}
		out = append(out, &testrunner.Source{Path: name, File: f})
	}
	return out
}

// run runs sources and closes all instances.
func run(t *testing.T, h *fakeHost, o testrunner.Options, sources []*testrunner.Source) ([]*testrunner.FileResult, *testrunner.Summary) {
	t.Helper()
	if o.Sleep == nil {
		o.Sleep = func(context.Context, time.Duration) error { return nil }
	}
	var files []*testrunner.FileResult
	summary, err := testrunner.Run(t.Context(), h, sources, &o, func(f *testrunner.FileResult) { files = append(files, f) })
	if err != nil {
		t.Fatal(err)
	}
	if h.open != 0 {
		t.Errorf("%d instances are left open", h.open)
	}
	return files, summary
}

// outcomes lists the outcomes of all entries.
func outcomes(files []*testrunner.FileResult) string {
	var all []string
	for _, f := range files {
		for _, r := range f.Results {
			all = append(all, string(r.Outcome))
		}
	}
	return strings.Join(all, " ")
}
