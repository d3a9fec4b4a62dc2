package handler

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/wasihttp/wasihttp/internal/wasi"
)

// fakeLoop is an instance whose tasks are written in Go. Everything but post belongs to the
// worker's goroutine.
type fakeLoop struct {
	store    *fakeStore
	guest    func(*fakeTask) error
	n        TaskID
	running  TaskID
	live     int // tasks that have not exited
	holds    int // how many hold back
	refusing bool
	work     chan func() error
	wake     chan struct{}
	delayed  func() // is called when the worker begins to wait; may be nil
}

func (p *fakeLoop) Kind() Kind      { return P3 }
func (p *fakeLoop) Culprit() TaskID { return p.running }
func (p *fakeLoop) Refusing() bool  { return p.refusing || p.holds > 0 }
func (p *fakeLoop) Busy() bool      { return len(p.work) > 0 }
func (p *fakeLoop) Quiet() bool     { return p.live == 0 }
func (p *fakeLoop) Idle() bool      { return p.live == 0 && len(p.work) == 0 }

func (p *fakeLoop) Wake() <-chan struct{} {
	if p.delayed != nil {
		p.delayed()
	}
	return p.wake
}

func (p *fakeLoop) Step() (more bool, err error) {
	select {
	case f := <-p.work:
		return true, f()
	default:
		return false, nil
	}
}

// post has f run in the guest.
func (p *fakeLoop) post(f func() error) {
	p.work <- f
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

func (p *fakeLoop) Prepare(
	state *wasi.State,
	req *Request,
	respond func(*wasi.Response, *ErrorCode),
) (*Prepared, error) {
	p.n++
	t := &fakeTask{loop: p, id: p.n, state: state, respond: respond}
	p.live++
	return &Prepared{task: t.id, guest: t}, nil
}

// fakeTask is a task of a fakeLoop.
type fakeTask struct {
	loop      *fakeLoop
	id        TaskID
	state     *wasi.State
	respond   func(*wasi.Response, *ErrorCode)
	exited    bool
	onExit    func()
	cancelled func() // may be nil
}

func (t *fakeTask) OnExit(f func())  { t.onExit = f }
func (t *fakeTask) OnRun(func(bool)) {}
func (t *fakeTask) Waiting() string  { return "for the test" }
func (t *fakeTask) Runnable() bool   { return false }

func (t *fakeTask) Start() error {
	t.loop.running = t.id
	err := t.loop.guest(t)
	if err == nil {
		t.loop.running = 0
	}
	return err
}

func (t *fakeTask) Cancel() error {
	if t.cancelled != nil {
		t.cancelled()
	}
	return nil
}

// hello responds completely; exit ends the task.
func (t *fakeTask) hello() {
	res := t.state.NewOutgoingResponse(wasi.NewFields(t.state.FieldRules()))
	body, _ := res.Body()
	stream, _ := body.Stream()
	_ = stream.Write([]byte("hello"))
	_ = body.Finish(nil)
	wasi.NewResponseOutparam(t.respond).Set(res, nil)
}

func (t *fakeTask) exit() {
	t.exited = true
	t.loop.live--
	t.onExit()
}

// after lets time pass for the task, which then goes on with f.
func (t *fakeTask) after(d time.Duration, f func() error) {
	time.AfterFunc(d, func() { t.loop.post(f) })
}

// loopHost is an embedder of fakeLoops.
type loopHost struct {
	*host
	guest func(*fakeTask) error
	waits func(bool) // may be nil
}

func (h *loopHost) Instantiate(ctx context.Context) (*Instance, error) {
	inst, err := h.host.Instantiate(ctx)
	if err == nil {
		inst.Waits = h.waits
		inst.Proxy = &fakeLoop{
			store: inst.Store.(*fakeStore),
			guest: h.guest,
			work:  make(chan func() error, 100),
			wake:  make(chan struct{}, 1),
		}
	}
	return inst, err
}

// loopBubble is bubble for a loopHost.
func loopBubble(t *testing.T, h *loopHost, f func(t *testing.T, p *ProxyHandler)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		p := New(t.Context(), h)
		f(t, p)
		p.Close(t.Context())
		if all, free := p.Workers(); all != 0 || free != 0 {
			t.Errorf("after Close there are %d workers, %d free", all, free)
		}
	})
}

// outcome is how a request went.
type outcome struct {
	body string
	err  error
}

// send sends a request on a goroutine of its own and returns when all is at rest.
func send(t *testing.T, p *ProxyHandler, data any) <-chan outcome {
	t.Helper()
	c := make(chan outcome, 1)
	go func() {
		body, err := getData(t, p, data)
		c <- outcome{body, err}
	}()
	synctest.Wait()
	return c
}

// expiring lets requests expire whose data is a duration.
func expiring(_ *fakeStore, data any, _ TaskID) time.Time {
	if d, ok := data.(time.Duration); ok {
		return time.Now().Add(d)
	}
	return time.Time{}
}

var _ HandlerState = (*loopHost)(nil)

func many(int, int) ShouldAccept { return Yes }

func TestAGuestThatHoldsBackGetsNoMoreRequests(t *testing.T) {
	h := &loopHost{host: &host{accept: many}, guest: func(t *fakeTask) error {
		t.loop.refusing = true
		t.after(time.Second, func() error {
			t.loop.refusing = false
			t.hello()
			t.exit()
			return nil
		})
		return nil
	}}
	loopBubble(t, h, func(t *testing.T, p *ProxyHandler) {
		first, second := send(t, p, nil), send(t, p, nil)
		if n := h.created(); n != 2 {
			t.Errorf("%d instances while the first holds back, want 2", n)
		}
		for _, c := range []<-chan outcome{first, second} {
			if o := <-c; o.body != "hello" || o.err != nil {
				t.Errorf("got %+v", o)
			}
		}
		synctest.Wait()
		if o := <-send(t, p, nil); o.err != nil || h.created() != 2 {
			t.Errorf("got %+v from %d instances", o, h.created())
		}
	})
}

func TestExpiredTasksMayCleanUp(t *testing.T) {
	for name, tc := range map[string]struct {
		takes time.Duration
		ended bool // by force
	}{
		"in time":  {cleanUp / 2, false},
		"too long": {2 * cleanUp, true},
	} {
		t.Run(name, func(t *testing.T) {
			var cleaned bool
			h := &loopHost{
				host: &host{accept: many, start: expiring},
				guest: func(t *fakeTask) error {
					t.cancelled = func() {
						t.after(tc.takes, func() error {
							cleaned = true
							t.exit()
							return nil
						})
					}
					return nil
				},
			}
			loopBubble(t, h, func(t *testing.T, p *ProxyHandler) {
				start := time.Now()
				o := <-send(t, p, time.Second)
				want := &ExpirationError{
					Status:  Requests,
					After:   time.Second,
					Task:    1,
					Waiting: "for the test",
				}
				var got *ExpirationError
				if !errors.As(o.err, &got) || !cmp.Equal(want, got) {
					t.Errorf("(-want +got):\n%s", cmp.Diff(want, got))
				}
				p.Close(t.Context())
				if took, want := time.Since(start), time.Second+min(tc.takes, cleanUp); took != want {
					t.Errorf("the instance ended after %v, want %v", took, want)
				}
				if cleaned == tc.ended {
					t.Errorf("cleaned up: %v", cleaned)
				}
				var by *ExpirationError
				if err := h.dropped()[0]; errors.As(err, &by) != tc.ended {
					t.Errorf("dropped with %v", err)
				}
			})
		})
	}
}

func TestAnInstanceWithAnExpiredRequestLetsTheOthersFinish(t *testing.T) {
	h := &loopHost{host: &host{accept: many, start: expiring}, guest: func(t *fakeTask) error {
		t.cancelled = t.exit
		t.after(10*time.Second, func() error {
			if !t.exited {
				t.hello()
				t.exit()
			}
			return nil
		})
		return nil
	}}
	loopBubble(t, h, func(t *testing.T, p *ProxyHandler) {
		slow, fast := send(t, p, nil), send(t, p, time.Second)
		var expired *ExpirationError
		if o := <-fast; !errors.As(o.err, &expired) {
			t.Errorf("got %v", o.err)
		}
		synctest.Wait()
		third := send(t, p, nil)
		if n := h.created(); n != 2 {
			t.Errorf("%d instances, want another one for new requests", n)
		}
		for _, c := range []<-chan outcome{slow, third} {
			if o := <-c; o.body != "hello" || o.err != nil {
				t.Errorf("got %+v", o)
			}
		}
		synctest.Wait()
		if diff := cmp.Diff([]error{nil}, h.dropped(), cmpopts.EquateErrors()); diff != "" {
			t.Errorf("the first instance ended otherwise: %s", diff)
		}
	})
}

func TestAPanicOfTheHostFailsAllRequestsOfTheInstance(t *testing.T) {
	h := &loopHost{host: &host{accept: many}, guest: func(t *fakeTask) error {
		if t.id == 2 {
			t.after(time.Second, func() error { panic("a defect") })
		}
		return nil
	}}
	loopBubble(t, h, func(t *testing.T, p *ProxyHandler) {
		for _, c := range []<-chan outcome{send(t, p, nil), send(t, p, nil)} {
			var lost *TrapOrPanicError
			if o := <-c; !errors.As(o.err, &lost) || lost.Panic() == nil {
				t.Errorf("got %v", o.err)
			}
		}
	})
}

func TestTheTimeOfAnInstanceThatIsShared(t *testing.T) {
	h := &loopHost{
		host: &host{
			accept:   many,
			timeouts: Timeouts{Requests: 2 * time.Second, Idle: 3 * time.Second},
		},
		guest: func(t *fakeTask) error {
			if t.id == 1 {
				t.hello()
				t.exit()
			}
			return nil
		},
	}
	loopBubble(t, h, func(t *testing.T, p *ProxyHandler) {
		if o := <-send(t, p, nil); o.err != nil {
			t.Error(o.err)
		}
		time.Sleep(2 * time.Second)
		second := send(t, p, nil)
		time.Sleep(time.Second)
		third := send(t, p, nil)
		start := time.Now()
		for _, c := range []<-chan outcome{second, third} {
			var expired *ExpirationError
			if o := <-c; !errors.As(o.err, &expired) {
				t.Errorf("got %v", o.err)
			}
		}
		if took := time.Since(start); took != 2*time.Second {
			t.Errorf("%v after the latest request, want 2s", took)
		}
		if n := h.created(); n != 1 {
			t.Errorf("%d instances", n)
		}
		if o := <-send(t, p, nil); o.err != nil {
			t.Error(o.err)
		}
		time.Sleep(3 * time.Second)
		synctest.Wait()
		if drops := h.dropped(); len(drops) != 2 || drops[1] != nil {
			t.Errorf("idle: %v", drops)
		}
	})
}

func TestCloseEndsWhatASharedInstanceDoes(t *testing.T) {
	h := &loopHost{host: &host{accept: many}, guest: func(*fakeTask) error { return nil }}
	synctest.Test(t, func(t *testing.T) {
		p := New(t.Context(), h)
		first, second := send(t, p, nil), send(t, p, nil)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		p.Close(ctx)
		for _, c := range []<-chan outcome{first, second} {
			if o := <-c; !errors.Is(o.err, ErrClosed) {
				t.Errorf("got %v", o.err)
			}
		}
	})
}

func TestABusyTaskDoesNotHoldBackTheHeadOfAnother(t *testing.T) {
	var stop atomic.Bool
	var first *fakeTask
	h := &loopHost{host: &host{accept: many}, guest: func(t *fakeTask) error {
		if first == nil {
			first = t
			return nil
		}
		var spin func() error
		spin = func() error {
			if stop.Load() {
				first.exit()
				t.hello()
				t.exit()
				return nil
			}
			t.loop.post(spin)
			return nil
		}
		res := first.state.NewOutgoingResponse(wasi.NewFields(first.state.FieldRules()))
		_, _ = res.Body()
		wasi.NewResponseOutparam(first.respond).Set(res, nil)
		return spin()
	}}
	loopBubble(t, h, func(t *testing.T, p *ProxyHandler) {
		head := make(chan *Response, 1)
		go func() {
			res, err := p.Handle(t.Context(), nil, newRequest())
			if err != nil {
				t.Error(err)
			}
			stop.Store(true)
			head <- res
		}()
		synctest.Wait()
		start := time.Now()
		// The instance is busy until the head has come, and no time passes meanwhile.
		if body, err := getData(t, p, nil); body != "hello" || err != nil {
			t.Errorf("the busy task: %q, %v", body, err)
		}
		if res := <-head; res == nil || time.Since(start) != 0 || h.created() != 1 {
			t.Errorf("after %v, from %d instances", time.Since(start), h.created())
		} else if err := res.Body.Close(); err != nil {
			t.Error(err)
		}
	})
}
