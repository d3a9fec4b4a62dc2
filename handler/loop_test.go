package handler

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/wasihttp/wasihttp/internal/engine"
	"github.com/wasihttp/wasihttp/internal/wasi"
)

// brief responds and exits after a moment.
func brief(t *fakeTask) {
	t.after(time.Second/10, func() error {
		t.hello()
		t.exit()
		return nil
	})
}

// A request that hangs is found by the time of the instance, however many others come and go
// meanwhile.
func TestTheStatusRequestsCountsFromTheNewestOutstandingRequest(t *testing.T) {
	h := &loopHost{
		host: &host{
			accept:   Reuse{Max: 1000, Concurrent: 10}.ShouldAcceptRequest,
			timeouts: Timeouts{Requests: 5 * time.Second},
		},
		guest: func(t *fakeTask) error {
			if t.id > 1 {
				brief(t)
			}
			return nil
		},
	}
	loopBubble(t, h, func(t *testing.T, p *ProxyHandler) {
		start := time.Now()
		hangs := send(t, p, nil)
		for time.Since(start) < 4500*time.Millisecond {
			if o := <-send(t, p, nil); o.err != nil {
				t.Fatal(o.err)
			}
			time.Sleep(time.Second / 3)
		}
		if n := h.created(); n != 1 {
			t.Errorf("%d instances took the requests, want one", n)
		}
		o := <-hangs
		if e := wantError[*ExpirationError](t, o.err); e.Status != Requests ||
			e.After != 5*time.Second {
			t.Errorf("got %v, status %v", e, e.Status)
		}
		if took := time.Since(start); took != 5*time.Second {
			t.Errorf("after %v", took)
		}
	})
}

// The same holds for work after a response.
func TestPostReturnWorkThatHangsExpires(t *testing.T) {
	h := &loopHost{
		host: &host{
			accept:   Reuse{Max: 1000, Concurrent: 10}.ShouldAcceptRequest,
			timeouts: Timeouts{PostReturn: 5 * time.Second},
		},
		guest: func(t *fakeTask) error {
			if t.id > 1 || t.loop.store.id > 1 {
				brief(t)
			} else {
				t.hello()
			}
			return nil
		},
	}
	loopBubble(t, h, func(t *testing.T, p *ProxyHandler) {
		start := time.Now()
		for h.created() < 2 && time.Since(start) < time.Minute {
			if o := <-send(t, p, nil); o.err != nil {
				t.Fatal(o.err)
			}
			time.Sleep(time.Second / 3)
		}
		if took := time.Since(start); took < 5*time.Second || took > 6*time.Second {
			t.Errorf("the instance took requests for %v, want 5s", took)
		}
	})
	wantReports(
		t,
		h.host,
		"<nil>: the guest was still working 5s after the response: the guest's task 1 was waiting for the test",
	)
}

func TestAnIdleInstanceThatHoldsRequestsBackEnds(t *testing.T) {
	h := &loopHost{host: &host{accept: many}, guest: func(t *fakeTask) error {
		t.loop.refusing = true // for good
		brief(t)
		return nil
	}}
	loopBubble(t, h, func(t *testing.T, p *ProxyHandler) {
		for range 3 {
			if o := <-send(t, p, nil); o.err != nil {
				t.Fatal(o.err)
			}
			synctest.Wait()
			if all, _ := p.Workers(); all != 0 {
				t.Fatalf("%d instances wait for nothing", all)
			}
		}
	})
	if diff := cmp.Diff(make([]error, 3), h.dropped(), cmpopts.EquateErrors()); diff != "" {
		t.Errorf("drops (-want +got):\n%s", diff)
	}
}

// headOnly responds and leaves the body open.
func (t *fakeTask) headOnly(status int) (*wasi.OutgoingBody, wasi.OutputStream) {
	res := t.state.NewOutgoingResponse(wasi.NewFields(t.state.FieldRules()))
	res.Status = status
	body, _ := res.Body()
	stream, _ := body.Stream()
	_ = stream.Write([]byte("part"))
	wasi.NewResponseOutparam(t.respond).Set(res, nil)
	return body, stream
}

// A body whose task has exited is cut once no guest code could continue it.
func TestStuckBodiesAreCut(t *testing.T) {
	for name, tc := range map[string]struct {
		status int
		other  time.Duration // until when another task runs
		writer bool          // which then finishes the body
		moved  bool          // the embedder moves the rest, and ends it after a second
		took   time.Duration
		want   error
		body   string
	}{
		"alone":                    {200, 0, false, false, 0, wasi.ErrBodyDropped, "part"},
		"beside another task":      {200, time.Minute, false, false, time.Minute, wasi.ErrBodyDropped, "part"},
		"finished by another task": {200, time.Minute, true, false, time.Minute, nil, "part and whole"},
		"moved by the embedder":    {200, 0, false, true, time.Second, nil, "part"},
		"a failure of its own":     {503, 0, false, false, 0, nil, "part"},
	} {
		t.Run(name, func(t *testing.T) {
			var body *wasi.OutgoingBody
			var stream wasi.OutputStream
			h := &loopHost{host: &host{accept: many}, guest: func(task *fakeTask) error {
				if task.id == 1 && tc.other > 0 {
					task.after(tc.other, func() error {
						if tc.writer {
							_ = stream.Write([]byte(" and whole"))
							_ = body.Finish(nil)
						}
						task.hello()
						task.exit()
						return nil
					})
					return nil
				}
				body, stream = task.headOnly(tc.status)
				if tc.moved {
					body.ComesWithoutGuest(embedded{}, true)
					time.AfterFunc(time.Second, func() { _ = body.Finish(nil) })
				}
				task.exit()
				return nil
			}}
			loopBubble(t, h, func(t *testing.T, p *ProxyHandler) {
				start := time.Now()
				var other <-chan outcome
				if tc.other > 0 {
					other = send(t, p, nil)
				}
				o := <-send(t, p, nil)
				if o.body != tc.body || !errors.Is(o.err, tc.want) || time.Since(start) != tc.took {
					t.Errorf("got %q, %v after %v", o.body, o.err, time.Since(start))
				}
				if other != nil {
					if o := <-other; o.err != nil {
						t.Errorf("the other request: %v", o.err)
					}
				}
				// The instance goes on.
				synctest.Wait()
				if all, free := p.Workers(); all != 1 || free != 1 {
					t.Errorf("%d workers, %d free", all, free)
				}
			})
			wantReports(t, h.host)
		})
	}
}

func TestResponsesThatEndedBeforeATrapAreKept(t *testing.T) {
	h := &loopHost{host: &host{accept: many}, guest: func(t *fakeTask) error {
		if t.id < 3 {
			t.after(time.Second, func() error { t.exit(); return nil })
			return nil
		}
		// It computes meanwhile; what has become ready then runs without a pause.
		t.after(time.Second+1, func() error {
			t.loop.running = t.id
			return &engine.Trap{Code: engine.TrapUnreachable}
		})
		time.Sleep(2 * time.Second)
		return nil
	}}
	loopBubble(t, h, func(t *testing.T, p *ProxyHandler) {
		first, second, third := send(t, p, nil), send(t, p, nil), send(t, p, nil)
		for _, c := range []<-chan outcome{first, second} {
			wantError[*NoResponseError](t, (<-c).err)
		}
		wantError[*TrapError](t, (<-third).err)
	})
}

func TestABodyThatTakesTooLongIsCut(t *testing.T) {
	const most = 3 * time.Second
	want := func(t *testing.T, o outcome, took time.Duration) {
		t.Helper()
		if e := wantError[*ExpirationError](t, o.err); o.body != "part" || e.Status != Streaming ||
			e.After != most ||
			took != most {
			t.Errorf("%q, %v after %v", o.body, e, took)
		}
	}
	t.Run("0.2", func(t *testing.T) {
		h := &host{timeouts: Timeouts{Streaming: most}, guest: func(g *guestCall) error {
			_, stream := g.head()
			_ = stream.Write([]byte("part"))
			return g.sleep()
		}}
		bubble(t, h, func(t *testing.T, p *ProxyHandler) {
			start := time.Now()
			body, err := get(t, p)
			want(t, outcome{body, err}, time.Since(start))
		})
		wantReports(t, h)
	})
	t.Run("0.3", func(t *testing.T) {
		h := &loopHost{
			host: &host{accept: many, timeouts: Timeouts{Streaming: most}},
			guest: func(t *fakeTask) error {
				t.cancelled = t.exit
				t.headOnly(200)
				return nil
			},
		}
		loopBubble(t, h, func(t *testing.T, p *ProxyHandler) {
			start := time.Now()
			first := send(t, p, nil)
			time.Sleep(time.Second)
			second := send(t, p, nil)
			want(t, <-first, time.Since(start))
			// Each body has its own time.
			want(t, <-second, time.Since(start)-time.Second)
		})
		wantReports(t, h.host)
		if diff := cmp.Diff([]error{nil}, h.dropped(), cmpopts.EquateErrors()); diff != "" {
			t.Errorf("drops (-want +got):\n%s", diff)
		}
	})
}

// embedded is the rest of a body that the embedder moves.
type embedded struct{}

func (embedded) WithoutGuest() bool { return true }
