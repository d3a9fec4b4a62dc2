package testrunner_test

import (
	"context"
	"strings"
	"sync"
	"testing"

	"github.com/wasihttp/wasihttp/testrunner"
)

// meetingHost makes one instance whose requests wait for each other: none is
// responded to before as many as are expected are there.
type meetingHost struct {
	fakeHost
	expect int

	mu    sync.Mutex
	there int
	all   chan struct{}
}

func (h *meetingHost) Open(ctx context.Context, spec testrunner.Spec) (testrunner.Target, error) {
	t, err := h.fakeHost.Open(ctx, spec)
	return &meetingTarget{t, h}, err
}

type meetingTarget struct {
	testrunner.Target
	host *meetingHost
}

func (t *meetingTarget) Do(ctx context.Context, r *testrunner.Request) (*testrunner.Response, error) {
	r.Taken()
	h := t.host
	h.mu.Lock()
	h.there++
	if h.there == h.expect {
		close(h.all)
	}
	h.mu.Unlock()
	select {
	case <-h.all:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	return text(200, r.Target), nil
}

func TestConcurrentEntriesAreInOneInstanceAtOnce(t *testing.T) {
	for name, files := range map[string][]string{
		"of one file":      {strings.Repeat(get+"\n", 6)},
		"of several files": {get, get + "\n" + get, strings.Repeat(get+"\n", 3)},
	} {
		t.Run(name, func(t *testing.T) {
			h := &meetingHost{fakeHost: fakeHost{reusable: true}, expect: 6, all: make(chan struct{})}
			var results []*testrunner.FileResult
			summary, err := testrunner.Run(t.Context(), h, parse(t, files...),
				&testrunner.Options{Concurrent: 6},
				func(f *testrunner.FileResult) { results = append(results, f) })
			if err != nil {
				t.Fatal(err)
			}
			if summary.Counts[testrunner.Pass] != 6 || len(h.opened) != 1 || h.open != 0 {
				t.Errorf("counts %v, %d instances, %d left open", summary.Counts, len(h.opened), h.open)
			}
			for i, f := range results {
				if want := string(rune('a'+i)) + ".hurl"; f.Path != want {
					t.Errorf("result %d is that of %s", i, f.Path)
				}
			}
		})
	}
}

func TestConcurrentEntriesWaitForWhatTheyBuildOn(t *testing.T) {
	h := &fakeHost{reusable: true, response: func(_ int, r *testrunner.Request) *testrunner.Response { return text(200, r.Target) }}
	files, _ := run(t, h, testrunner.Options{Concurrent: 4}, parse(t,
		"GET http://localhost/1\nHTTP 200\n[Captures]\nx: body\n\nGET http://localhost{{x}}\n[Options]\n"+
			"variable: y=2\nHTTP 200\n\nGET http://localhost{{x}}{{y}}\nHTTP 200\n`/12`\n"))
	if got := outcomes(files); got != "pass pass pass" {
		t.Errorf("outcomes %s, bodies %s", got, bodies(files))
	}
}

func TestNothingIsConcurrentInInstancesThatTakeOneRequestAtATime(t *testing.T) {
	var mu sync.Mutex
	running, most := 0, 0
	count := func(by int) {
		mu.Lock()
		defer mu.Unlock()
		running += by
		most = max(most, running)
	}
	h := &fakeHost{response: func(_ int, r *testrunner.Request) *testrunner.Response {
		r.Taken()
		count(1)
		defer count(-1)
		return text(200, "")
	}}
	files, _ := run(t, h, testrunner.Options{Concurrent: 8}, parse(t, strings.Repeat(get+"\n", 40)))
	notes := 0
	for _, r := range files[0].Results {
		notes += len(r.Notes)
	}
	if most != 1 || notes != 1 || len(h.opened) != 1 {
		t.Errorf("%d at once, %d notes, %d instances; want 1 of each", most, notes, len(h.opened))
	}
}

func TestBystandersOfATrapAreNotBlamed(t *testing.T) {
	h := &fakeHost{reusable: true, response: func(_ int, r *testrunner.Request) *testrunner.Response {
		if r.Target == "/bystander" {
			a := failure(testrunner.Trap, "")
			a.Failure.Bystander = true
			return a
		}
		return text(200, "")
	}}
	files, _ := run(t, h, testrunner.Options{Concurrent: 2}, parse(t, get+"\nGET http://localhost/bystander\nHTTP 200\n"))
	if got := outcomes(files); got != "pass trap" {
		t.Errorf("outcomes %s, want a trap, and no second try", got)
	}
}

func TestFailFastStopsConcurrentEntries(t *testing.T) {
	h := &fakeHost{reusable: true, response: func(int, *testrunner.Request) *testrunner.Response { return text(500, "") }}
	// The first one ends before the next begin, as it has a capture.
	files, _ := run(t, h, testrunner.Options{Concurrent: 2, FailFast: true},
		parse(t, "GET http://localhost/\nHTTP 200\n[Captures]\nx: status\n\n"+get+"\n"+get))
	if got := outcomes(files); got != "mismatch skipped skipped" {
		t.Errorf("outcomes %s", got)
	}
}

// goneHost makes instances that end after their first response.
type goneHost struct{ fakeHost }

func (h *goneHost) Open(ctx context.Context, spec testrunner.Spec) (testrunner.Target, error) {
	t, err := h.fakeHost.Open(ctx, spec)
	return &goneTarget{Target: t}, err
}

type goneTarget struct {
	testrunner.Target
	n int
}

func (t *goneTarget) Do(ctx context.Context, r *testrunner.Request) (*testrunner.Response, error) {
	if t.n++; t.n > 1 {
		return nil, &testrunner.GoneError{}
	}
	return t.Target.Do(ctx, r)
}

func TestAnInstanceThatEndedBetweenEntriesIsReplaced(t *testing.T) {
	h := &goneHost{fakeHost{response: counter}}
	var files []*testrunner.FileResult
	if _, err := testrunner.Run(t.Context(), h, parse(t, get+"\n"+get), &testrunner.Options{},
		func(f *testrunner.FileResult) { files = append(files, f) }); err != nil {
		t.Fatal(err)
	}
	second := files[0].Results[1]
	if got := outcomes(files); got != "pass pass" || len(h.opened) != 2 || len(second.Notes) != 1 ||
		!strings.Contains(second.Notes[0], "a new instance") || h.open != 0 {
		t.Errorf("outcomes %s, %d instances, notes %q, %d left open", got, len(h.opened), second.Notes, h.open)
	}
}
