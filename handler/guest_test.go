package handler

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wasihttp/wasihttp/component"
	"github.com/wasihttp/wasihttp/internal/engine"
	"github.com/wasihttp/wasihttp/internal/timetest"
	"github.com/wasihttp/wasihttp/internal/wasi"
	"github.com/wasihttp/wasihttp/internal/wasi/p2"
	"github.com/wasihttp/wasihttp/internal/wasi/p3"
)

// loaded is a real component, ready for instances.
type loaded struct {
	engine *engine.Engine
	linked *component.Linked
	pre    *ProxyPre
}

func load(t testing.TB, guest string) *loaded {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "testdata", "guests", guest))
	if err != nil {
		t.Fatal(err)
	}
	c, err := component.Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	e, err := engine.New(engine.Config{})
	if err != nil {
		t.Fatal(err)
	}
	linker := component.NewLinker()
	p2.AddTo(linker, view)
	p3.AddTo(linker, view)
	linked, err := c.Link(t.Context(), e, linker, component.LinkOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(linked.Close(context.Background()), e.Close()); err != nil {
			t.Error(err)
		}
	})
	pre, err := NewProxyPre(linked, c.ExportNames())
	if err != nil {
		t.Fatal(err)
	}
	return &loaded{e, linked, pre}
}

func view(data any) *wasi.State { return data.(*wasi.State) }

// guestHost is an embedder of a real component.
type guestHost struct {
	*loaded
	config   wasi.Config
	timeouts Timeouts
	reuse    Reuse
	// fast is a limit for requests whose data is "fast".
	fast time.Duration
	// dropped, unless nil, receives how instances end.
	dropped func(error)
	// reported, unless nil, receives reports.
	reported func(data any, err error)
}

func (h *guestHost) Instantiate(ctx context.Context) (*Instance, error) {
	state := wasi.NewState(&h.config)
	store := h.linked.NewStore(ctx, state, component.Limits{MemoryBytes: 256 << 20})
	proxy, err := h.pre.Instantiate(ctx, store)
	if err != nil {
		state.Close()
		return nil, errors.Join(err, store.Close())
	}
	return &Instance{
		Store:      store,
		Proxy:      proxy,
		View:       view,
		Expiration: h.timeouts,
		State:      &guestWorker{h, state},
	}, nil
}

type guestWorker struct {
	h     *guestHost
	state *wasi.State
}

func (w *guestWorker) ShouldAcceptRequest(concurrent, total int) ShouldAccept {
	return w.h.reuse.ShouldAcceptRequest(concurrent, total)
}

func (w *guestWorker) OnRequestStart(_ Store, data any, _ TaskID) time.Time {
	if data == "fast" {
		return time.Now().Add(w.h.fast)
	}
	return time.Time{}
}

func (w *guestWorker) Report(data any, err error) {
	if w.h.reported != nil {
		w.h.reported(data, err)
	}
}

func (w *guestWorker) Drop(store Store, err error) {
	err = errors.Join(err, store.(*component.Store).Close())
	w.state.Close()
	if w.h.dropped != nil {
		w.h.dropped(err)
	}
}

func request(target string) *Request {
	rules := &wasi.FieldRules{}
	return &Request{
		Method:        "GET",
		Scheme:        "HTTP",
		Authority:     "localhost",
		PathWithQuery: target,
		Header:        wasi.NewFields(rules).Freeze(),
	}
}

// fetch sends a request and returns the whole body.
func fetch(ctx context.Context, p *ProxyHandler, data any, target string) (string, error) {
	res, err := p.Handle(ctx, data, request(target))
	if err != nil {
		return "", err
	}
	return readAll(res)
}

func TestHelloFromARealGuest(t *testing.T) {
	for _, guest := range []string{
		"rust-hello/rust-hello.wasm", "rust-hello/rust-hello-0.2.0.wasm", "rust-hello/rust-hello-0.2.12.wasm",
		"rust-hello/rust-hello-std.wasm", "rust-kitchen/rust-kitchen.wasm", "c-kitchen/c-kitchen.wasm", "rust-kitchen-p3/rust-kitchen-p3.wasm",
	} {
		t.Run(guest, func(t *testing.T) {
			p := New(t.Context(), &guestHost{loaded: load(t, guest)})
			defer p.Close(context.Background())
			body, err := fetch(t.Context(), p, nil, "/")
			wantHello(t, body, err)
		})
	}
}

func TestInstancesOfARealGuestAreUsedAgain(t *testing.T) {
	h := &guestHost{
		loaded:   load(t, "rust-kitchen/rust-kitchen.wasm"),
		reuse:    Reuse{Max: 3},
		timeouts: Timeouts{Idle: time.Minute},
	}
	ended := make(chan error, 10)
	h.dropped = func(err error) { ended <- err }
	p := New(t.Context(), h)
	var got []string
	for i := range 6 {
		body, err := fetch(t.Context(), p, nil, "/counter")
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, body)
		if i%3 == 2 {
			<-ended
		} else {
			awaitIdle(p)
		}
	}
	p.Close(context.Background())
	if diff := cmp.Diff([]string{"1\n", "2\n", "3\n", "1\n", "2\n", "3\n"}, got); diff != "" {
		t.Errorf("counters (-want +got):\n%s", diff)
	}
}

// awaitIdle returns when a worker waits for a request: nothing tells of it, and it is a moment
// after the response.
func awaitIdle(p *ProxyHandler) {
	for {
		if _, idle := p.Workers(); idle > 0 {
			return
		}
		runtime.Gosched()
	}
}

func TestRealGuestsFailEachInItsOwnWay(t *testing.T) {
	h := &guestHost{loaded: load(t, "rust-kitchen/rust-kitchen.wasm")}
	p := New(t.Context(), h)
	defer p.Close(context.Background())
	trapped := func(t *testing.T, err error) {
		if trap := wantError[*TrapError](t, err); len(trap.Frames()) == 0 {
			t.Error("no backtrace")
		}
	}
	for _, tc := range []struct {
		target string
		check  func(*testing.T, error)
	}{
		{"/trap?kind=unreachable", trapped},
		{"/trap", trapped},
		{"/trap-after-head", trapped},
		{"/none", func(t *testing.T, err error) { wantError[*NoResponseError](t, err) }},
		{"/error?code=loop-detected", func(t *testing.T, err error) {
			if code := wantError[*ErrorCode](t, err); code.Case != wasi.LoopDetected {
				t.Errorf("error-code %v", code)
			}
		}},
		{"/exit?code=0", func(t *testing.T, err error) {
			if err != nil {
				if e := wantError[*NoResponseError](t, err); e.Exit == nil {
					t.Errorf("got %v", e)
				}
				return
			}
			t.Error("no error")
		}},
		{"/drop-body", func(t *testing.T, err error) {
			if !errors.Is(err, wasi.ErrBodyDropped) {
				t.Errorf("got %v", err)
			}
		}},
	} {
		t.Run(tc.target, func(t *testing.T) {
			_, err := fetch(t.Context(), p, nil, tc.target)
			if err == nil {
				t.Fatal("no error")
			}
			tc.check(t, err)
			body, err := fetch(t.Context(), p, nil, "/")
			wantHello(t, body, err)
		})
	}
}

func TestRealGuestsExpireWhereTheyAre(t *testing.T) {
	loaded := load(t, "rust-kitchen/rust-kitchen.wasm")
	for target, call := range map[string]string{
		"/spin": "", "/sleep?ms=100000": "#[method]pollable.block",
	} {
		t.Run(target, func(t *testing.T) {
			timetest.Scaled(t, func(t testing.TB, scale time.Duration) {
				h := &guestHost{loaded: loaded, fast: scale * 50 * time.Millisecond}
				p := New(t.Context(), h)
				defer p.Close(context.Background())
				_, err := fetch(t.Context(), p, "fast", target)
				e := wantError[*ExpirationError](t, err)
				if len(e.Frames()) == 0 || (e.HostCall() == "") != (call == "") ||
					!strings.HasSuffix(e.HostCall(), call) {
					t.Errorf("doing %q, host call %q, %d frames", e.Doing(), e.HostCall(), len(e.Frames()))
				}
				if e.After < h.fast || e.After > h.fast+10*time.Second {
					t.Errorf("expired after %v", e.After)
				}
				body, err := fetch(t.Context(), p, nil, "/")
				wantHello(t, body, err)
			})
		})
	}
}

func TestFailuresOfRealGuestsLeaveNothingBehind(t *testing.T) {
	h := &guestHost{
		loaded:   load(t, "rust-kitchen/rust-kitchen.wasm"),
		fast:     20 * time.Millisecond,
		timeouts: Timeouts{PostReturn: 20 * time.Millisecond},
	}
	round := func(n int) {
		p := New(t.Context(), h)
		var wg sync.WaitGroup
		for _, target := range []string{"/trap", "/spin", "/sleep?ms=100000", "/none", "/drop-body", "/grow?mib=1000", "/abort", "/trap-after-head"} {
			wg.Go(func() {
				for range n {
					if _, err := fetch(t.Context(), p, "fast", target); err == nil &&
						target != "/grow?mib=1000" {
						t.Errorf("%s: no error", target)
					}
				}
			})
			wg.Go(func() {
				for range n {
					body, err := fetch(t.Context(), p, nil, "/")
					if err != nil || body != "hello from rust\n" {
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
	round(3)
	if now := h.engine.Stats(); now.Groups != int64(h.linked.Idle()) {
		t.Errorf("%d groups, of which %d wait for another use", now.Groups, h.linked.Idle())
	}
	// Goroutines whose work is over may need a moment to be gone.
	for deadline := time.Now().Add(time.Minute); runtime.NumGoroutine() > goroutines; runtime.Gosched() {
		if time.Now().After(deadline) {
			buf := make([]byte, 1<<20)
			t.Fatalf("%d goroutines, before %d:\n%s", runtime.NumGoroutine(), goroutines,
				buf[:runtime.Stack(buf, true)])
		}
	}
}

func TestPostReturnWorkOfARealGuestIsStopped(t *testing.T) {
	ended := make(chan error, 1)
	h := &guestHost{
		loaded:   load(t, "rust-kitchen/rust-kitchen.wasm"),
		timeouts: Timeouts{PostReturn: 50 * time.Millisecond},
		dropped:  func(err error) { ended <- err },
	}
	p := New(t.Context(), h)
	defer p.Close(context.Background())
	if _, err := fetch(t.Context(), p, nil, "/after?ms=100000"); err != nil {
		t.Fatal(err)
	}
	if e := wantError[*ExpirationError](t, <-ended); e.Status != PostReturn || e.HostCall() == "" {
		t.Errorf("got %v", e)
	}
}

func TestARealGuestEchoesWhileItReads(t *testing.T) {
	h := &guestHost{loaded: load(t, "rust-kitchen/rust-kitchen.wasm")}
	p := New(t.Context(), h)
	defer p.Close(context.Background())
	req := request("/echo")
	req.Method = "POST"
	in, out := io.Pipe()
	req.Body = in
	res, err := p.Handle(t.Context(), nil, req)
	if err != nil {
		t.Fatal(err)
	}
	piece := bytes.Repeat([]byte("0123456789abcdef"), 4<<10)
	got := make([]byte, len(piece))
	for i := range 40 {
		if _, err := out.Write(piece); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(res.Body, got); err != nil || !bytes.Equal(got, piece) {
			t.Fatalf("piece %d came back changed, error %v", i, err)
		}
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	if n, err := io.Copy(io.Discard, res.Body); n != 0 || err != nil {
		t.Errorf("at the end %d bytes, %v", n, err)
	}
	if err := res.Body.Close(); err != nil {
		t.Error(err)
	}
}

func TestARealGuestLearnsThatItsClientHasGone(t *testing.T) {
	for _, tc := range []struct {
		name, target string
		leave        func(cancel func(), res *Response)
	}{
		{"closing an endless stream", "/sse?n=0&ms=1", func(_ func(), res *Response) { _ = res.Body.Close() }},
		{"cancelling an endless stream", "/sse?n=0&ms=1", func(cancel func(), _ *Response) { cancel() }},
		{"while the guest waits for the reader", "/big?n=100000000", func(cancel func(), _ *Response) { cancel() }},
		{"while the guest reads", "/echo", func(cancel func(), _ *Response) { cancel() }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			ended := make(chan error, 1)
			h := &guestHost{
				loaded:   load(t, "rust-kitchen/rust-kitchen.wasm"),
				timeouts: Timeouts{PostReturn: time.Minute},
				dropped:  func(err error) { ended <- err },
			}
			p := New(t.Context(), h)
			defer p.Close(context.Background())
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			req := request(tc.target)
			if tc.target == "/echo" {
				req.Method, req.Body = "POST", newRequestBody()
			}
			res, err := p.Handle(ctx, nil, req)
			if err != nil {
				t.Fatal(err)
			}
			tc.leave(cancel, res)
			// The guest ends by itself, long before it would be stopped.
			if err := <-ended; err != nil {
				t.Errorf("the instance ended with %v", err)
			}
			if err := res.Body.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestARequestNeedsLittleMemory counts what a request to a real guest that is used again allocates:
// an object more for each request is a slower server.
func TestARequestNeedsLittleMemory(t *testing.T) {
	for guest, most := range map[string]float64{
		"rust-hello/rust-hello.wasm":       10, // 8, and the collector may empty pools meanwhile
		"rust-hello-p3/rust-hello-p3.wasm": 24, // 20
	} {
		h := &guestHost{
			loaded:   load(t, guest),
			reuse:    Reuse{Max: 1 << 30, Concurrent: 16},
			timeouts: Timeouts{Requests: time.Minute, Idle: time.Minute},
		}
		p := New(t.Context(), h)
		req, buf := request("/"), make([]byte, 100)
		n := testing.AllocsPerRun(200, func() {
			res, err := p.Handle(t.Context(), nil, req)
			for err == nil {
				_, err = res.Body.Read(buf)
			}
			if err != io.EOF {
				t.Error(err)
			}
		})
		if t.Logf("%s: %v allocations", guest, n); n > most {
			t.Errorf("%s: %v allocations for a request, more than %v", guest, n, most)
		}
		p.Close(context.Background())
	}
}

func BenchmarkHello(b *testing.B) {
	const p2, p3 = "rust-hello/rust-hello.wasm", "rust-hello-p3/rust-hello-p3.wasm"
	for _, bc := range []struct {
		name, guest string
		reuse       Reuse
	}{
		{"fresh", p2, Reuse{Max: 1}}, {"reused", p2, Reuse{Max: 1 << 30}},
		{"p3", p3, Reuse{Max: 128, Concurrent: 16}}, {"p3-fresh", p3, Reuse{Max: 1}},
	} {
		b.Run(bc.name, func(b *testing.B) {
			h := &guestHost{
				loaded: load(b, bc.guest), reuse: bc.reuse,
				timeouts: Timeouts{
					Requests:   30 * time.Second,
					PostReturn: 10 * time.Second,
					Idle:       time.Second,
				},
			}
			p := New(b.Context(), h)
			defer p.Close(context.Background())
			ctx, cancel := context.WithCancel(b.Context())
			defer cancel()
			b.ReportAllocs()
			for b.Loop() {
				res, err := p.Handle(ctx, nil, request("/"))
				if err != nil {
					b.Fatal(err)
				}
				res.Body.Ready()
				if _, err := readAll(res); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
