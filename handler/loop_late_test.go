package handler

import (
	"errors"
	"testing"
	"time"

	"github.com/wasihttp/wasihttp/internal/engine"
)

func TestExpirationOfABusyInstance(t *testing.T) {
	for name, tc := range map[string]struct {
		guest func(*fakeTask) error
		after time.Duration
		trap  bool
	}{
		"guest code": {func(t *fakeTask) error {
			<-t.loop.store.interrupted
			return &engine.Trap{Code: engine.TrapHost, Cause: t.loop.store.cause}
		}, time.Second + busyGrace, true},
		"a host function that does not return": {func(t *fakeTask) error {
			<-t.loop.store.interrupted
			time.Sleep(time.Minute)
			return &engine.Trap{Code: engine.TrapHost, Cause: t.loop.store.cause}
		}, time.Second + busyGrace + unwind, false},
		"guest code that exits meanwhile": {func(t *fakeTask) error {
			<-t.loop.store.interrupted
			time.Sleep(2 * unwind)
			t.exit()
			return &engine.Trap{Code: engine.TrapHost, Cause: t.loop.store.cause}
		}, time.Second + busyGrace + unwind, false},
	} {
		t.Run(name, func(t *testing.T) {
			h := &loopHost{
				host: &host{accept: many, start: expiring},
				guest: func(t *fakeTask) error {
					if t.id == 1 {
						return nil // it waits
					}
					return tc.guest(t)
				},
			}
			loopBubble(t, h, func(t *testing.T, p *ProxyHandler) {
				first := send(t, p, nil)
				start := time.Now()
				o := <-send(t, p, time.Second)
				var expired *ExpirationError
				if !errors.As(o.err, &expired) || (expired.Trap != nil) != tc.trap {
					t.Errorf("got %v", o.err)
				}
				if took := time.Since(start); took != tc.after {
					t.Errorf("after %v, want %v", took, tc.after)
				}
				// Who only was there loses its instance.
				wantError[*TrapOrPanicError](t, (<-first).err)
			})
		})
	}
}

// A worker that waits is no guest that is busy, even if the machine lets it go on only much later.
func TestABusyMachineDoesNotStopAGuestThatWaits(t *testing.T) {
	h := &loopHost{host: &host{accept: many, start: expiring}, guest: func(t *fakeTask) error {
		if t.cancelled = t.exit; t.id == 1 {
			t.after(10*time.Second, func() error { t.hello(); t.exit(); return nil })
		} else {
			t.loop.delayed = func() { time.Sleep(5 * time.Second) }
		}
		return nil
	}}
	loopBubble(t, h, func(t *testing.T, p *ProxyHandler) {
		first, second := send(t, p, nil), send(t, p, time.Second)
		if e := wantError[*ExpirationError](t, (<-second).err); e.Trap != nil {
			t.Errorf("the guest was stopped: %v", e)
		}
		if o := <-first; o.body != "hello" || o.err != nil {
			t.Errorf("the other request: %+v", o)
		}
	})
}

func TestAResponseThatComesJustTooLateDoesNotEndTheInstance(t *testing.T) {
	h := &loopHost{host: &host{accept: many, start: expiring}, guest: func(t *fakeTask) error {
		if t.id == 1 {
			t.after(10*time.Second, func() error { t.hello(); t.exit(); return nil })
			return nil
		}
		time.Sleep(time.Second + busyGrace/2)
		t.hello()
		time.Sleep(time.Second) // and it is busy for longer
		t.exit()
		return nil
	}}
	loopBubble(t, h, func(t *testing.T, p *ProxyHandler) {
		first := send(t, p, nil)
		for _, c := range []<-chan outcome{send(t, p, time.Second), first} {
			if o := <-c; o.body != "hello" || o.err != nil {
				t.Errorf("got %+v", o)
			}
		}
		if n := h.created(); n != 1 {
			t.Errorf("%d instances", n)
		}
	})
}

func TestARequestThatComesToAStoppedInstanceGoesToAnother(t *testing.T) {
	var late bool
	h := &loopHost{host: &host{accept: many, start: expiring}, guest: func(t *fakeTask) error {
		if t.loop.store.id == 1 {
			late = true
			return nil // it waits
		}
		t.hello()
		t.exit()
		return nil
	}}
	// The worker takes requests, but does not come to wait for them until it is stopped.
	h.waits = func(waits bool) {
		if waits && late {
			late = false
			time.Sleep(2 * time.Second)
		}
	}
	loopBubble(t, h, func(t *testing.T, p *ProxyHandler) {
		first, second := send(t, p, time.Second), send(t, p, nil)
		if n := h.created(); n != 1 {
			t.Errorf("%d instances, want one that takes both", n)
		}
		wantError[*ExpirationError](t, (<-first).err)
		if o := <-second; o.body != "hello" || o.err != nil {
			t.Errorf("the other request: %+v", o)
		}
	})
}
