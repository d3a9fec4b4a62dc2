package load

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wasihttp/wasihttp/internal/fixture"
	"github.com/wasihttp/wasihttp/testrunner"
)

// fakeHost makes instances that are a function, which may take its time.
type fakeHost struct {
	// respond makes the response to the n-th request, from 1, of an instance.
	respond func(n int, r *testrunner.Request) *testrunner.Response
	single  bool // instances take one request only

	mu     sync.Mutex
	opened int
	open   int
	err    error
}

func (h *fakeHost) Open(context.Context, testrunner.Spec) (testrunner.Target, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.err != nil {
		return nil, h.err
	}
	h.opened++
	h.open++
	return &fakeTarget{host: h}, nil
}

type fakeTarget struct {
	host *fakeHost
	n    int
}

func (t *fakeTarget) Do(ctx context.Context, r *testrunner.Request) (*testrunner.Response, error) {
	t.n++
	began := time.Now()
	a := t.host.respond(t.n, r)
	a.Duration = time.Since(began)
	return a, ctx.Err()
}

func (t *fakeTarget) Reusable() bool { return !t.host.single }

func (t *fakeTarget) Close() {
	t.host.mu.Lock()
	defer t.host.mu.Unlock()
	t.host.open--
}

func text(body string) *testrunner.Response {
	return &testrunner.Response{Status: 200, Body: []byte(body), Memory: 1 << 20}
}

func failed(o testrunner.Outcome) *testrunner.Response {
	return &testrunner.Response{Failure: &testrunner.Failure{Outcome: o, Cause: "it did"}}
}

// takes returns a host whose responses take some time.
func takes(d time.Duration) *fakeHost {
	return &fakeHost{respond: func(int, *testrunner.Request) *testrunner.Response {
		time.Sleep(d)
		return text("ok")
	}}
}

const get = "GET {{base}}/\nHTTP 200\n`ok`\n"

// loadOf makes a load of the texts of fixtures.
func loadOf(t *testing.T, h *fakeHost, o testrunner.Options, texts ...string) *testrunner.Load {
	t.Helper()
	var sources []*testrunner.Source
	for i, s := range texts {
		source := testrunner.Parse(fmt.Sprintf("%d.hurl", i), []byte(s))
		for _, err := range source.Errors {
			t.Fatal(err.Render())
		}
		sources = append(sources, source)
	}
	if o.Isolate == "" {
		o.Isolate = testrunner.IsolateFile
	}
	return testrunner.NewLoad(h, sources, &o)
}

// measure runs a load that must succeed, and closes all instances.
func measure(t *testing.T, c Config, h *fakeHost, texts ...string) *Side {
	t.Helper()
	m, err := Run(t.Context(), c, loadOf(t, h, testrunner.Options{}, texts...), nil)
	if err != nil {
		t.Fatal(err)
	}
	if h.open != 0 {
		t.Errorf("%d instances are left open", h.open)
	}
	return m.New
}

func near(got, want, tolerance float64) bool {
	return got >= want-tolerance && got <= want+tolerance
}

func TestRequestsFollowEachOtherWithoutARate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := takes(10 * time.Millisecond)
		s := measure(t, Config{Users: 4, For: 2 * time.Second, WarmUp: time.Second}, h, get)
		if s.Requests != 800 || !near(s.PerSecond, 400, 1) || s.Seconds != 2 {
			t.Errorf("%d requests in %v s, %v in a second", s.Requests, s.Seconds, s.PerSecond)
		}
		if !near(s.Latency.P50, 10, 0.1) || !near(s.Latency.Max, 10, 0.1) || s.Service != nil {
			t.Errorf("latencies %+v", s.Latency)
		}
		if len(s.Rounds) != 20 || s.Outcomes["pass"] != 800 || s.WarmUp != nil || s.Memory.Max != 1<<20 {
			t.Errorf("%d rounds, outcomes %v", len(s.Rounds), s.Outcomes)
		}
		for i, r := range s.Rounds {
			// Those on their way at the end of a round count for the next one.
			if !near(float64(r.Requests), 40, 4) || !near(r.PerSecond, 400, 40) || !near(r.Typical, 10, 0.1) {
				t.Errorf("round %d: %+v", i, r)
			}
		}
		// With an instance for each time that the fixture is played, those to warm up included.
		if want := 1200; h.opened < want || h.opened > want+8 {
			t.Errorf("%d instances, want %d", h.opened, want)
		}
	})
}

// A server that stalls gets no requests meanwhile, but they were due: their latencies count.
func TestLatenciesAreCountedFromWhenARequestWasDue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began, stalled := time.Now(), false
		h := &fakeHost{respond: func(int, *testrunner.Request) *testrunner.Response {
			time.Sleep(time.Millisecond)
			if !stalled && time.Since(began) > time.Second {
				stalled = true
				time.Sleep(time.Second)
			}
			return text("ok")
		}}
		s := measure(t, Config{Users: 1, For: 4 * time.Second, Rate: 100}, h, get)
		if s.Requests != 400 || s.Unsent != 0 {
			t.Errorf("%d requests, and %d that were due were not sent", s.Requests, s.Unsent)
		}
		// While it stalled, 100 requests were due: one after the other, they waited less and less.
		// 11 more had to wait for these.
		if l := s.Latency; l.P50 != 1 || !near(l.P75, 100, 10) || !near(l.P90, 640, 10) || !near(l.P99, 965, 30) ||
			!near(l.Max, 1001, 2) {
			t.Errorf("latencies %+v", l)
		}
		if l := s.Service; l == nil || !near(l.P99, 1, 0.1) || !near(l.Max, 1001, 2) {
			t.Errorf("once sent %+v", l)
		}
	})
}

// Those that are never sent have waited until the end at least.
func TestRequestsThatAreNeverSentCountToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := measure(t, Config{Users: 1, For: time.Second, Rate: 1000}, takes(20*time.Millisecond), get)
		if s.Requests != 50 || s.Unsent != 950 || s.PerSecond > 51 {
			t.Errorf("%d requests, %v in a second, %d unsent", s.Requests, s.PerSecond, s.Unsent)
		}
		if l := s.Latency; !near(l.P50, 496, 30) || l.Max < 940 {
			t.Errorf("latencies %+v", l)
		}
		if got := (&Text{Styles: plain{}}).Write(&Result{Side: s}); !strings.Contains(got, "950 were due but not sent") {
			t.Errorf("no word about that:\n%s", got)
		}
	})
}

func TestARateIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, users := range []int{1, 3} {
			s := measure(t, Config{Users: users, For: 2 * time.Second, Rate: 50}, takes(time.Millisecond), get, get)
			if s.Requests != 100 || !near(s.Latency.Max, 1, 0.1) || !near(s.PerSecond, 50, 1) {
				t.Errorf("%d users: %d requests, %v in a second, %+v", users, s.Requests, s.PerSecond, s.Latency)
			}
			s = measure(t, Config{Users: users, For: 2 * time.Second, Rate: 300}, takes(time.Millisecond), get)
			if s.Requests != 600 || s.Unsent != 0 {
				t.Errorf("%d users: %d requests in 2 s at 300/s, %d unsent", users, s.Requests, s.Unsent)
			}
			s = measure(t, Config{Users: users, Requests: 30, Rate: 50}, takes(time.Millisecond), get)
			if s.Requests != 30 || !near(s.Seconds, 0.581, 0.002) {
				t.Errorf("%d users: %d requests in %v s", users, s.Requests, s.Seconds)
			}
		}
	})
}

func TestAsManyRequestsAreMeasuredAsWereAskedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, n := range []int64{1, 7, 1000} {
			s := measure(t, Config{Users: 3, Requests: n, WarmUp: time.Second}, takes(time.Millisecond), get)
			var sum int64
			for _, r := range s.Rounds {
				sum += r.Requests
			}
			if s.Requests != n || sum != n || s.Outcomes["pass"] != n {
				t.Errorf("%d requests, %d in rounds, want %d", s.Requests, sum, n)
			}
		}
	})
}

// While one build is measured, the other one gets no request.
func TestBuildsAreMeasuredInTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var turns []string
		running := map[string]int{}
		side := func(name string, d time.Duration) *fakeHost {
			return &fakeHost{respond: func(int, *testrunner.Request) *testrunner.Response {
				mu.Lock()
				if len(turns) == 0 || turns[len(turns)-1] != name {
					turns = append(turns, name)
				}
				running[name]++
				if running["old"] > 0 && running["new"] > 0 {
					t.Error("both at once")
				}
				mu.Unlock()
				time.Sleep(d)
				mu.Lock()
				defer mu.Unlock()
				running[name]--
				return text("ok")
			}}
		}
		for _, c := range []Config{
			{Users: 3, For: 4 * time.Second, WarmUp: time.Second},
			{Users: 3, Requests: 600, WarmUp: time.Second},
			{Users: 3, For: 4 * time.Second, Rate: 150},
		} {
			turns = nil
			o := testrunner.Options{}
			m, err := Run(t.Context(), c, loadOf(t, side("new", 12*time.Millisecond), o, get),
				loadOf(t, side("old", 10*time.Millisecond), o, get))
			if err != nil {
				t.Fatal(err)
			}
			if len(m.Old.Rounds) != 20 || len(m.New.Rounds) != 20 {
				t.Errorf("%d and %d rounds", len(m.Old.Rounds), len(m.New.Rounds))
			}
			// old new, new old, old new: each begins in half of the turns.
			if got := strings.Join(turns[len(turns)-4:], " "); len(turns) < 20 || got != "new old new old" && got != "old new old new" {
				t.Errorf("in the order %v", turns)
			}
			d := Compare(m.Old, m.New, true, c.Rate > 0, 5)
			if d.Verdict != Slower || !near(d.Differences[0].Change, 20, 1) {
				t.Errorf("%s: %s", d.Verdict, d.Says())
			}
			if c.Requests > 0 && (m.Old.Requests != 600 || m.New.Requests != 600) {
				t.Errorf("%d and %d requests", m.Old.Requests, m.New.Requests)
			}
		}
	})
}

func TestResponsesAreChecked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &fakeHost{respond: func(n int, r *testrunner.Request) *testrunner.Response {
			time.Sleep(time.Millisecond)
			switch r.Target {
			case "/trap", "/wanted":
				return failed(testrunner.Trap)
			case "/late":
				time.Sleep(99 * time.Millisecond)
				return failed(testrunner.Expired)
			}
			return text("ok")
		}}
		s := measure(t, Config{Users: 1, Requests: 5}, h,
			get+"\nGET {{base}}/\nHTTP 200\n`other`\n\nGET {{base}}/trap\nHTTP 200\n\n"+
				"GET {{base}}/late\nHTTP 200\n\n# @expect trap\nGET {{base}}/wanted\n")
		if want := "map[expired:1 mismatch:1 pass:2 trap:1]"; fmt.Sprint(s.Outcomes) != want {
			t.Errorf("outcomes %v, want %s", s.Outcomes, want)
		}
		// A trap is no response; what has expired took so long at least.
		if s.Requests != 4 || !near(s.Latency.Max, 100, 1) {
			t.Errorf("%d requests, %+v", s.Requests, s.Latency)
		}
		if len(s.Failures) != 3 || s.Verdict() != testrunner.Broken || s.Failed() != 3 {
			t.Errorf("%d failures are shown, the verdict is %v", len(s.Failures), s.Verdict())
		}
		s = measure(t, Config{Users: 1, Requests: 2}, h, "# @expect trap\nGET {{base}}/wanted\n")
		if s.Verdict() != testrunner.AllPassed || s.Requests != 2 {
			t.Errorf("the verdict is %v of %d requests", s.Verdict(), s.Requests)
		}
	})
}

// A request that an instance cannot respond to because it has had one is sent to another one.
func TestARequestThatIsSentAgainCountsOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &fakeHost{single: true, respond: func(n int, _ *testrunner.Request) *testrunner.Response {
			time.Sleep(time.Millisecond)
			if n > 1 {
				return failed(testrunner.Trap)
			}
			return text("ok")
		}}
		s := measure(t, Config{Users: 2, Requests: 20}, h, get+"\n"+get)
		if s.Requests != 20 || s.Outcomes["pass"] != 20 || len(s.Outcomes) != 1 || s.Latency.Max > 1.1 {
			t.Errorf("%d requests, %v, %+v", s.Requests, s.Outcomes, s.Latency)
		}
	})
}

// TestARequestThatIsTriedOnAnotherInstanceIsOneRequest has instances fail on their second request,
// in rounds of so few requests that the second try would be in the next one.
func TestARequestThatIsTriedOnAnotherInstanceIsOneRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		host := func() *fakeHost {
			return &fakeHost{respond: func(n int, _ *testrunner.Request) *testrunner.Response {
				time.Sleep(time.Millisecond)
				if n > 1 {
					return failed(testrunner.Trap)
				}
				return text("ok")
			}}
		}
		fixture := get + "\n" + get + "\n" + get
		m, err := Run(t.Context(), Config{Users: 2, Requests: 60},
			loadOf(t, host(), testrunner.Options{}, fixture), loadOf(t, host(), testrunner.Options{}, fixture))
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range []*Side{m.New, m.Old} {
			var entries int64
			for _, n := range s.Outcomes {
				entries += n
			}
			if s.Requests != 60 || entries != 60 {
				t.Errorf("%d requests, %v", s.Requests, s.Outcomes)
			}
		}
	})
}

// What fails while nothing is measured fails all the same.
func TestFailuresToWarmUpCount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := 0
		h := &fakeHost{respond: func(int, *testrunner.Request) *testrunner.Response {
			time.Sleep(time.Millisecond)
			if n++; n == 1 {
				return text("not yet")
			}
			return text("ok")
		}}
		s := measure(t, Config{Users: 1, Requests: 5, WarmUp: 100 * time.Millisecond}, h, get)
		if s.Verdict() != testrunner.Mismatches || s.WarmUp["mismatch"] != 1 || s.Failed() != 0 || len(s.Failures) != 1 {
			t.Errorf("the verdict is %v, outcomes %v, to warm up %v", s.Verdict(), s.Outcomes, s.WarmUp)
		}
	})
}

// Each user has its own variables, cookies and instance.
func TestASequenceIsOneUser(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		next := 0
		h := &fakeHost{respond: func(n int, r *testrunner.Request) *testrunner.Response {
			time.Sleep(time.Millisecond)
			if r.Target == "/login" {
				mu.Lock()
				next++
				id := next
				mu.Unlock()
				a := text(fmt.Sprint(id))
				a.Headers = fixture.Fields{{Name: "Set-Cookie", Value: fmt.Sprintf("sid=%d", id)}}
				return a
			}
			if n != 2 || "sid="+r.Target[1:] != r.Headers.Get("Cookie") {
				t.Errorf("request %d of an instance: %s with the cookie %s", n, r.Target, r.Headers.Get("Cookie"))
			}
			return text(r.Target[1:])
		}}
		s := measure(t, Config{Users: 5, Requests: 100}, h,
			"GET {{base}}/login\nHTTP 200\n[Captures]\nid: body\n\nGET {{base}}/{{id}}\nHTTP 200\n[Asserts]\nbody == {{id}}\n")
		if s.Failed() != 0 || len(s.Entries) != 2 || s.Entries[0].Line != 1 {
			t.Errorf("%v, entries %+v", s.Outcomes, s.Entries)
		}
	})
}

func TestAnInterruptedRunHasTheResultsUntilThen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		h := takes(10 * time.Millisecond)
		m, err := Run(ctx, Config{Users: 2, For: time.Hour}, loadOf(t, h, testrunner.Options{}, get), nil)
		if !errors.Is(err, context.DeadlineExceeded) || h.open != 0 {
			t.Errorf("the error is %v, and %d instances are open", err, h.open)
		}
		if s := m.New; !near(float64(s.Requests), 999, 2) || !near(s.PerSecond, 200, 1) || len(s.Rounds) != 1 {
			t.Errorf("%d requests, %v in a second, %d rounds", s.Requests, s.PerSecond, len(s.Rounds))
		}
	})
}

func TestALoadThatCannotBePlayedEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := Config{Users: 3, For: time.Minute, WarmUp: time.Second}
		_, err := Run(t.Context(), c, loadOf(t, takes(0), testrunner.Options{}, "GET {{base}}/\n[Options]\nskip: true\nHTTP 200\n"), nil)
		if !errors.Is(err, ErrNothingSent) {
			t.Errorf("nothing is sent: %v", err)
		}
		var open *testrunner.OpenError
		_, err = Run(t.Context(), c, loadOf(t, &fakeHost{err: errors.New("no component")}, testrunner.Options{}, get), nil)
		if !errors.As(err, &open) {
			t.Errorf("no instance: %v", err)
		}
		m, err := Run(t.Context(), c, loadOf(t, takes(0), testrunner.Options{Upstreams: []string{"missing.upstream.hurl"}}, get), nil)
		if err != nil || m.New.Verdict() != testrunner.Broken || len(m.New.Faults) != 1 {
			t.Errorf("no upstream fixture: %v, %+v", err, m.New)
		}
	})
}

func TestProgressIsReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var said []string
		last := 0
		c := Config{Users: 1, For: time.Second, WarmUp: time.Second}
		c.Progress = func(what string, part, whole int) {
			if said = append(said, what); whole > 0 {
				if last = part; whole != 100_000 {
					t.Errorf("%d of %d", part, whole)
				}
			}
		}
		measure(t, c, takes(time.Millisecond), get)
		if len(said) < 6 || said[0] != "warming up" ||
			!regexp.MustCompile(`^[\d,]+ requests, [\d,]+/s$`).MatchString(said[len(said)-1]) || last < 50_000 {
			t.Errorf("%v, %d", said, last)
		}
	})
}

// plain styles nothing.
type plain struct{}

func (plain) Bad(s string) string    { return s }
func (plain) Fair(s string) string   { return s }
func (plain) Good(s string) string   { return s }
func (plain) Dim(s string) string    { return s }
func (plain) Strong(s string) string { return s }
