package handler

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wasihttp/wasihttp/internal/timetest"
	"github.com/wasihttp/wasihttp/internal/wasi"
)

// kitchenP3 is a host of the 0.3 kitchen whose instances take many requests.
func kitchenP3(t testing.TB) *guestHost {
	return &guestHost{
		loaded:   load(t, "rust-kitchen-p3/rust-kitchen-p3.wasm"),
		reuse:    Reuse{Max: 100_000, Concurrent: 50_000},
		timeouts: Timeouts{Idle: time.Minute},
	}
}

// together sends requests one after the other, each when the instance waits with those before it,
// so that one instance gets them all. It returns how to wait for the outcomes, in the order of the
// targets.
func together(
	t testing.TB, p *ProxyHandler, ctx context.Context, data any, targets ...string,
) (wait func() (bodies []string, errs []error)) {
	t.Helper()
	var wg sync.WaitGroup
	bodies, errs := make([]string, len(targets)), make([]error, len(targets))
	for i, target := range targets {
		started := make(chan struct{})
		wg.Go(func() {
			x := newExchange(request(target), data, nil)
			if _, errs[i] = p.dispatch(x, false); errs[i] != nil {
				close(started)
				return
			}
			close(started)
			res, err := x.wait(ctx, nil, nil)
			if errs[i] = err; err == nil {
				bodies[i], errs[i] = readAll(res)
			}
		})
		<-started
		if i < len(targets)-1 {
			waitFree(t, p)
		}
	}
	return func() ([]string, []error) {
		wg.Wait()
		return bodies, errs
	}
}

// waitFree waits until there is a worker that takes requests.
func waitFree(t testing.TB, p *ProxyHandler) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); ; runtime.Gosched() {
		if _, free := p.Workers(); free > 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("no worker takes requests")
		}
	}
}

func repeat(target string, n int) []string {
	list := make([]string, n)
	for i := range list {
		list[i] = target
	}
	return list
}

func TestRequestsWaitSideBySideInOneInstance(t *testing.T) {
	// On a busy machine, a request that finds the instance computing would start another one.
	p := Options{MaxWorkers: 1}.New(t.Context(), kitchenP3(t))
	defer p.Close(context.Background())
	if _, err := fetch(t.Context(), p, nil, "/"); err != nil {
		t.Fatal(err)
	}
	waitFree(t, p)
	start := time.Now()
	bodies, errs := together(t, p, t.Context(), nil, repeat("/sleep?ms=1000", 16)...)()
	if took := time.Since(start); took >= 16*time.Second { // as one after the other
		t.Errorf("took %v", took)
	}
	for i := range bodies {
		if bodies[i] != "slept\n" || errs[i] != nil {
			t.Errorf("request %d: %q, %v", i, bodies[i], errs[i])
		}
	}
	waitFree(t, p)
	if n, err := fetch(t.Context(), p, nil, "/counter"); n != "18\n" || err != nil {
		t.Errorf("the instance has seen %q requests, want 18; %v", n, err)
	}
}

func TestOnlyTheRequestThatTrappedGetsTheTrap(t *testing.T) {
	h := kitchenP3(t)
	drops := make(chan error, 2)
	h.dropped = func(err error) { drops <- err }
	p := New(t.Context(), h)
	defer p.Close(context.Background())
	targets := append(repeat("/sleep?ms=60000", 15), "/trap?ms=10")
	_, errs := together(t, p, t.Context(), nil, targets...)()
	for i, err := range errs {
		var trap *TrapError
		var other *TrapOrPanicError
		if last := i == len(errs)-1; last != errors.As(err, &trap) || last == errors.As(err, &other) {
			t.Errorf("%s: %v", targets[i], err)
		} else if last && trap.Task == 0 || !last && (other.Task == 0 || !strings.HasPrefix(other.Waiting, "for wasi:clocks/")) {
			t.Errorf("%s: %v: does not name the task and what it waited for", targets[i], err)
		}
	}
	var trap *TrapError
	if err := <-drops; !errors.As(err, &trap) || len(trap.Frames()) == 0 {
		t.Errorf("the instance ended with %v", err)
	}
	if n, err := fetch(t.Context(), p, nil, "/counter"); n != "1\n" || err != nil {
		t.Errorf("the next instance has seen %q requests, want 1; %v", n, err)
	}
}

func TestExpiredRequestsSayWhatTheirTaskWaitsFor(t *testing.T) {
	timetest.Scaled(t, func(t testing.TB, scale time.Duration) {
		h := kitchenP3(t)
		h.fast = scale * 20 * time.Millisecond
		p := New(t.Context(), h)
		defer p.Close(context.Background())
		wait := together(t, p, t.Context(), nil, fmt.Sprintf("/sleep?ms=%d", 300*scale))
		waitFree(t, p)
		_, err := fetch(t.Context(), p, "fast", "/sleep?ms=60000")
		var expired *ExpirationError
		if !errors.As(err, &expired) || expired.Task != 2 ||
			!strings.HasPrefix(expired.Waiting, "for wasi:clocks/monotonic-clock@0.3.") ||
			expired.Status != Requests {
			t.Errorf("got %#v", err)
		}
		if bodies, errs := wait(); bodies[0] != "slept\n" || errs[0] != nil {
			t.Errorf("the other request: %q, %v", bodies[0], errs[0])
		}
		if n, err := fetch(t.Context(), p, nil, "/counter"); n != "1\n" || err != nil {
			t.Errorf("after an expired request the instance took another: %q, %v", n, err)
		}
	})
}

func TestASpinningTaskTakesItsInstanceDown(t *testing.T) {
	timetest.Scaled(t, func(t testing.TB, scale time.Duration) {
		h := kitchenP3(t)
		h.fast = scale * 50 * time.Millisecond
		p := New(t.Context(), h)
		defer p.Close(context.Background())
		wait := together(t, p, t.Context(), nil, "/sleep?ms=60000")
		waitFree(t, p)
		start := time.Now()
		_, err := fetch(t.Context(), p, "fast", "/spin")
		var expired *ExpirationError
		if !errors.As(err, &expired) || expired.Trap == nil || expired.Task != 2 {
			t.Errorf("got %v", err)
		}
		if took := time.Since(start); took > 30*time.Second {
			t.Errorf("took %v", took)
		}
		_, errs := wait()
		var other *TrapOrPanicError
		if !errors.As(errs[0], &other) {
			t.Errorf("the other request: %v", errs[0])
		}
	})
}

func TestABusyInstanceGetsNoMoreRequests(t *testing.T) {
	timetest.Scaled(t, func(t testing.TB, scale time.Duration) {
		h := kitchenP3(t)
		h.fast = scale * 200 * time.Millisecond
		p := New(t.Context(), h)
		defer p.Close(context.Background())
		spun := make(chan error, 1)
		go func() {
			_, err := fetch(t.Context(), p, "fast", "/spin")
			spun <- err
		}()
		for n := 0; ; n++ {
			select {
			case err := <-spun:
				var expired *ExpirationError
				if !errors.As(err, &expired) || n == 0 {
					t.Errorf("%v; %d other requests meanwhile", err, n)
				}
				return
			default:
				if body, err := fetch(t.Context(), p, nil, "/"); body != "hello from rust 0.3\n" || err != nil {
					t.Fatalf("beside a busy instance: %q, %v", body, err)
				}
			}
		}
	})
}

func TestTheGuestLearnsThatTheClientHasGone(t *testing.T) {
	p := New(t.Context(), kitchenP3(t))
	defer p.Close(context.Background())
	ctx, cancel := context.WithCancel(t.Context())
	wait := together(t, p, ctx, nil, "/sleep?ms=60000", "/sleep?ms=60000")
	waitFree(t, p)
	cancel()
	if _, errs := wait(); !errors.Is(errs[0], context.Canceled) || !errors.Is(errs[1], context.Canceled) {
		t.Errorf("got %v", errs)
	}
	for deadline := time.Now().Add(time.Minute); ; {
		n, err := fetch(t.Context(), p, nil, "/cancelled")
		if n == "2\n" && err == nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%q sleeps were ended, want 2; %v", n, err)
		}
	}
}

func TestWritesAfterTheReceiverHasLeftFail(t *testing.T) {
	h := kitchenP3(t)
	var out syncBuffer
	h.config.Stderr = &out
	p := New(t.Context(), h)
	res, err := p.Handle(t.Context(), nil, request("/sse?n=0&ms=1"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(res.Body, make([]byte, 20)); err != nil {
		t.Error(err)
	}
	if err := res.Body.Close(); err != nil {
		t.Error(err)
	}
	p.Close(context.Background())
	if got := out.String(); got != "sse: the client has gone\n" {
		t.Errorf("stderr %q", got)
	}
}

func TestWorkAfterTheResponseIsAwaited(t *testing.T) {
	for name, tc := range map[string]struct {
		limit  time.Duration
		target string
		want   string
	}{
		"in time":  {time.Minute, "/after?ms=200", "after: done\n"},
		"too long": {10 * time.Millisecond, "/after?ms=600000", ""},
	} {
		t.Run(name, func(t *testing.T) {
			h := kitchenP3(t)
			h.timeouts.PostReturn = tc.limit
			var ended error
			h.dropped = func(err error) { ended = err }
			var out syncBuffer
			h.config.Stderr = &out
			p := New(t.Context(), h)
			if body, err := fetch(t.Context(), p, nil, tc.target); body != "more to come\n" ||
				err != nil {
				t.Errorf("%q, %v", body, err)
			}
			p.Close(context.Background())
			if diff := cmp.Diff(tc.want, out.String()); diff != "" {
				t.Error(diff)
			}
			var expired *ExpirationError
			if late := tc.want == ""; late != errors.As(ended, &expired) ||
				late && expired.Status != PostReturn {
				t.Errorf("the instance ended with %v", ended)
			}
		})
	}
}

// letters is a long body.
type letters struct{ left int }

func (l *letters) Read(p []byte) (int, error) {
	if l.left == 0 {
		return 0, io.EOF
	}
	n := min(l.left, len(p))
	for i := range p[:n] {
		p[i] = 'x'
	}
	l.left -= n
	return n, nil
}

func (l *letters) Close() error { return nil }

func TestErrorCodesOf03AreReturned(t *testing.T) {
	p := New(t.Context(), kitchenP3(t))
	defer p.Close(context.Background())
	_, err := fetch(t.Context(), p, nil, "/error")
	var code *ErrorCode
	if !errors.As(err, &code) || code.Case != wasi.ConfigurationError {
		t.Errorf("got %v", err)
	}
	if _, err := fetch(t.Context(), p, nil, "/short"); !errors.As(err, &code) ||
		code.Case != wasi.HTTPResponseBodySize {
		t.Errorf("got %v", err)
	}
	var trap *TrapError
	if body, err := fetch(t.Context(), p, nil, "/trap-after-head"); body != "the beginning\n" ||
		!errors.As(err, &trap) {
		t.Errorf("%q, %v", body, err)
	}
}

func TestTenThousandTasksWaitInOneInstance(t *testing.T) {
	p := New(t.Context(), kitchenP3(t))
	defer p.Close(context.Background())
	const tasks = 10_000
	threads := threadCount()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	wait := together(t, p, ctx, nil, repeat("/sleep?ms=600000", tasks)...)
	waitFree(t, p)
	if n, err := fetch(t.Context(), p, nil, "/counter"); n != fmt.Sprintf("%d\n", tasks+1) || err != nil {
		t.Errorf("the instance has seen %q requests; %v", n, err)
	}
	if now := threadCount(); now > threads+50 {
		t.Errorf("%d threads, before %d", now, threads)
	}
	cancel()
	if _, errs := wait(); !errors.Is(errs[0], context.Canceled) ||
		!errors.Is(errs[tasks-1], context.Canceled) {
		t.Errorf("got %v", errs[0])
	}
	for deadline := time.Now().Add(time.Minute); ; {
		n, err := fetch(t.Context(), p, nil, "/cancelled")
		if n == fmt.Sprintf("%d\n", tasks) && err == nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%q were ended; %v", n, err)
		}
	}
}

// threadCount is how many threads the process has ever started.
func threadCount() int {
	n, _ := runtime.ThreadCreateProfile(nil)
	return n
}

func TestRequestsAndFailuresOf03LeaveNothingBehind(t *testing.T) {
	h := kitchenP3(t)
	h.fast, h.timeouts = 20*time.Millisecond, Timeouts{
		PostReturn: 20 * time.Millisecond,
		Idle:       20 * time.Millisecond,
	}
	h.reuse = Reuse{Max: 20, Concurrent: 4}
	var good atomic.Int64
	round := func(n int) {
		p := New(t.Context(), h)
		var wg sync.WaitGroup
		for _, target := range []string{"/trap", "/spin", "/sleep?ms=100000", "/trap?ms=5", "/short", "/trap-after-head", "/error"} {
			wg.Go(func() {
				for range n {
					if _, err := fetch(t.Context(), p, "fast", target); err == nil {
						t.Errorf("%s: no error", target)
					}
				}
			})
			wg.Go(func() {
				for range n {
					body, err := fetch(t.Context(), p, nil, "/")
					var other *TrapOrPanicError
					switch {
					case body == "hello from rust 0.3\n" && err == nil:
						good.Add(1)
					case !errors.As(err, &other):
						t.Errorf("beside %s: %q, %v", target, body, err)
					}
				}
			})
		}
		wg.Wait()
		p.Close(context.Background())
	}
	round(1)
	goroutines := runtime.NumGoroutine()
	round(5)
	if good.Load() == 0 {
		t.Error("no good request got a response")
	}
	// Each idle instance may keep a coroutine for its next call.
	for deadline := time.Now().Add(time.Minute); ; runtime.Gosched() {
		now := runtime.NumGoroutine()
		if now <= goroutines+h.linked.Idle() {
			break
		}
		if time.Now().After(deadline) {
			buf := make([]byte, 1<<20)
			t.Fatalf("%d goroutines, and %d idle instances, before %d:\n%s", now, h.linked.Idle(),
				goroutines, buf[:runtime.Stack(buf, true)])
		}
	}
}

// syncBuffer is a buffer that a guest writes while a test reads.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}
