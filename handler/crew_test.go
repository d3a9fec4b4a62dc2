package handler

import (
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// goroutine returns what names the goroutine that calls it.
func goroutine() string {
	b := make([]byte, 64)
	name, _, _ := strings.Cut(string(b[:runtime.Stack(b, false)]), "[")
	return name
}

// A goroutine whose stack has grown serves one instance after the other.
func TestFreshInstancesRunOnTheSameGoroutine(t *testing.T) {
	var used []string
	h := &host{guest: func(g *guestCall) error {
		used = append(used, goroutine())
		g.hello()
		return nil
	}}
	bubble(t, h, func(t *testing.T, p *ProxyHandler) {
		for range 3 {
			body, err := get(t, p)
			wantHello(t, body, err)
			synctest.Wait()
		}
	})
	if h.created() != 3 || used[0] != used[1] || used[1] != used[2] {
		t.Errorf("%d instances ran on %q", h.created(), used)
	}
}

// Goroutines that have nothing to do are kept in small numbers.
func TestFewGoroutinesRest(t *testing.T) {
	h := &host{guest: func(g *guestCall) error {
		time.Sleep(time.Second)
		g.hello()
		return nil
	}}
	bubble(t, h, func(t *testing.T, p *ProxyHandler) {
		for range 3 * maxResting {
			go func() { _, _ = get(t, p) }()
		}
		synctest.Wait()
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if n := len(p.crew.resting); n != maxResting {
			t.Errorf("%d goroutines rest, want %d", n, maxResting)
		}
	})
	if h.created() != 3*maxResting {
		t.Errorf("%d instances", h.created())
	}
}

// After Retire, whoever comes gets a new instance, also if the old one is still at work.
func TestARetiredInstanceGetsNoMoreRequests(t *testing.T) {
	one := &host{accept: Reuse{Max: 1000}.ShouldAcceptRequest, guest: func(g *guestCall) error {
		time.Sleep(time.Second)
		g.hello()
		return nil
	}}
	several := &loopHost{
		host: &host{accept: Reuse{Max: 1000, Concurrent: 1}.ShouldAcceptRequest},
		guest: func(t *fakeTask) error {
			t.after(time.Second, func() error { t.hello(); t.exit(); return nil })
			return nil
		},
	}
	for _, h := range []interface {
		HandlerState
		created() int
		dropped() []error
	}{one, several} {
		synctest.Test(t, func(t *testing.T) {
			p := Options{MaxWorkers: 1}.New(t.Context(), h)
			finish := func(c <-chan outcome) {
				o := <-c
				wantHello(t, o.body, o.err)
				synctest.Wait()
			}
			finish(send(t, p, nil))
			p.Retire() // while it is idle
			synctest.Wait()
			if n := len(h.dropped()); n != 1 {
				t.Errorf("%d instances have ended, want 1", n)
			}
			busy := send(t, p, nil)
			p.Retire()
			queued := send(t, p, nil)
			finish(busy)
			finish(queued)
			finish(send(t, p, nil)) // the same one, which nobody has retired
			if n := h.created(); n != 3 {
				t.Errorf("%d instances, want 3", n)
			}
			for _, err := range h.dropped() {
				if err != nil {
					t.Error(err)
				}
			}
			p.Close(t.Context())
		})
	}
}
