package testrunner_test

import (
	"context"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wasihttp/wasihttp/testrunner"
)

// memoryHost makes instances whose response may depend on the requests before it.
type memoryHost struct {
	fakeHost
	handle func(before []string, r *testrunner.Request) *testrunner.Response
}

func (h *memoryHost) Open(context.Context, testrunner.Spec) (testrunner.Target, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.open++
	return &memoryTarget{host: h}, nil
}

type memoryTarget struct {
	host   *memoryHost
	mu     sync.Mutex
	before []string
}

func (t *memoryTarget) Do(ctx context.Context, r *testrunner.Request) (*testrunner.Response, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	response := t.host.handle(t.before, r)
	t.before = append(t.before, r.Target)
	if r.Taken != nil {
		r.Taken()
	}
	return response, ctx.Err()
}

func (t *memoryTarget) Reusable() bool { return true }

func (t *memoryTarget) Close() {
	t.host.mu.Lock()
	defer t.host.mu.Unlock()
	t.host.open--
}

type finder func(context.Context, testrunner.Host, []*testrunner.Source, *testrunner.Options,
	func(*testrunner.FileResult)) (*testrunner.Summary, error)

// find runs a finder, and returns its results in words.
func find(
	t *testing.T, f finder, h *memoryHost, o testrunner.Options, texts ...string,
) (string, *testrunner.Summary) {
	t.Helper()
	var said []string
	summary, err := f(t.Context(), h, parse(t, texts...), &o, func(f *testrunner.FileResult) {
		for _, r := range f.Results {
			line := r.Name() + " " + string(r.Outcome)
			for _, p := range r.Problems {
				line += "; " + p.Title
				if p.Expected != "" {
					line += ": " + p.Expected + " → " + p.Actual
				}
			}
			for _, n := range r.Notes {
				line += "; note " + n
			}
			said = append(said, strings.ReplaceAll(line, "http://localhost", ""))
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if h.open != 0 {
		t.Errorf("%d instances are left open", h.open)
	}
	return strings.Join(said, "\n"), summary
}

const threePlain = "GET http://localhost/a\n\nGET http://localhost/b\n\nGET http://localhost/c\n"

func TestAStateThatLeaksIsShownWithThePairThatMakesIt(t *testing.T) {
	h := &memoryHost{handle: func(before []string, r *testrunner.Request) *testrunner.Response {
		for _, b := range before {
			if b == "/a" && r.Target == "/c" {
				return text(200, "of a")
			}
		}
		return text(200, "fresh")
	}}
	got, summary := find(t, testrunner.Leaks, h, testrunner.Options{}, threePlain, strings.ReplaceAll(threePlain, "/a", "/x"))
	want := "GET /a pass\nGET /b pass\n" +
		"GET /c leak; Leak: the response is different after GET /a (a.hurl:1); Body\n" +
		"GET /x pass\nGET /b pass\n" +
		"GET /c leak; Leak: the response is different after GET /a (a.hurl:1); Body"
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if summary.Verdict() != testrunner.Mismatches || summary.Counts[testrunner.Leak] != 2 {
		t.Errorf("the summary is %+v", summary)
	}
}

func TestALeakThatNeedsSeveralRequestsIsFound(t *testing.T) {
	h := &memoryHost{handle: func(before []string, _ *testrunner.Request) *testrunner.Response {
		return text(200, "", "X-Old", strconv.FormatBool(len(before) >= 2))
	}}
	got, _ := find(t, testrunner.Leaks, h, testrunner.Options{}, threePlain)
	if !strings.Contains(got, "GET /c leak; Leak: the response is different after the 2 entries before it; Header x-old: false → true") {
		t.Errorf("got\n%s", got)
	}
}

func TestWhatIsStatefulOrIgnoredIsNoLeak(t *testing.T) {
	h := &memoryHost{handle: func(before []string, _ *testrunner.Request) *testrunner.Response {
		return text(200, `{"n": `+strconv.Itoa(len(before))+`}`, "X-N", strconv.Itoa(len(before)))
	}}
	for _, directives := range []string{
		"# @stateful\n\n", "# @ignore header x-n\n# @ignore body\n\n", "# @ignore header x-n\n# @ignore jsonpath $.n\n\n",
	} {
		got, summary := find(t, testrunner.Leaks, h, testrunner.Options{}, directives+threePlain)
		if summary.Verdict() != testrunner.AllPassed {
			t.Errorf("%s: got\n%s", directives, got)
		}
	}
}

func TestEntriesKeepTheCapturesThatTheyNeed(t *testing.T) {
	h := &memoryHost{handle: func(_ []string, r *testrunner.Request) *testrunner.Response {
		return text(200, r.Target)
	}}
	got, summary := find(t, testrunner.Leaks, h, testrunner.Options{},
		"GET http://localhost/a\nHTTP 200\n[Captures]\nx: body\n\nGET http://localhost{{x}}b\nHTTP 200\n`/ab`\n", threePlain)
	if summary.Verdict() != testrunner.AllPassed {
		t.Errorf("got\n%s", got)
	}
}

// All runs of an entry are in the same world.
func TestTimeAndRandomNumbersAreNoLeak(t *testing.T) {
	h := &memoryHost{handle: func(_ []string, r *testrunner.Request) *testrunner.Response {
		return text(200, r.Clock.Format(time.RFC3339)+" "+strconv.FormatUint(*r.Seed, 16))
	}}
	got, summary := find(t, testrunner.Leaks, h, testrunner.Options{}, "# @clock 2030-01-01T00:00:00Z\n\n"+threePlain, threePlain)
	if summary.Verdict() != testrunner.AllPassed {
		t.Errorf("got\n%s", got)
	}
}

func TestWhatMovesInFreshInstancesIsSaidAndNoLeak(t *testing.T) {
	var n int
	h := &memoryHost{handle: func([]string, *testrunner.Request) *testrunner.Response {
		n++
		return text(200, strconv.Itoa(n))
	}}
	got, summary := find(t, testrunner.Leaks, h, testrunner.Options{}, "GET http://localhost/a\n")
	if summary.Verdict() != testrunner.AllPassed || !strings.Contains(got, "note two fresh instances respond differently") {
		t.Errorf("got\n%s", got)
	}
}

func TestATrapBehindAnotherRequestIsALeak(t *testing.T) {
	h := &memoryHost{handle: func(before []string, r *testrunner.Request) *testrunner.Response {
		if len(before) > 0 && r.Target == "/b" {
			return failure(testrunner.Trap, "")
		}
		return text(200, "")
	}}
	got, _ := find(t, testrunner.Leaks, h, testrunner.Options{}, threePlain)
	if !strings.Contains(got, "GET /b leak; Leak: the response is different after GET /a (a.hurl:1)") {
		t.Errorf("got\n%s", got)
	}
}
