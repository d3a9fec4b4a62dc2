package sockets

import (
	"os"
	"runtime"
	"testing"

	"github.com/wasihttp/wasihttp/internal/wasi"
)

func descriptors(t *testing.T) int {
	t.Helper()
	return len(must[[]os.DirEntry](t)(os.ReadDir("/proc/self/fd")))
}

// The end of a guest closes all that it had open, whatever that was in the middle of, and ends the
// goroutines that waited.
func TestNothingIsLeftOfAGuest(t *testing.T) {
	l, at := listener(t)
	var peers []interface{ Close() error }
	before, goroutines := descriptors(t), runtime.NumGoroutine()
	h := newHost(everything)
	for range 100 {
		s := connect(t, h, at)
		peers = append(peers, must[interface{ Close() error }](t)(l.Accept()))
		i := must[*TCPInput](t)(s.Input())
		must[*TCPOutput](t)(s.Output())
		i.Subscribe(wasi.NewWaiter())
		u := must[*UDP](t)(h.NewUDP(false))
		ok(t, u.Connect(at))
		u.Incoming().Subscribe(wasi.NewWaiter())
		n := must[*TCP](t)(h.NewTCP(false))
		_ = must[*Listener](t)(n.Listener())
		ok(t, n.Close()) // the listener remains
		n.Subscribe(wasi.NewWaiter())
		ok(t, must[*TCP](t)(h.NewTCP(false)).Bind(addr("0.0.0.0:0")))
	}
	if n := h.Open(); n != 400 || descriptors(t) < before+500 {
		t.Errorf("%d sockets, %d descriptors more", n, descriptors(t)-before)
	}
	ok(t, h.Close())
	for _, p := range peers {
		ok(t, p.Close())
	}
	if n := descriptors(t); n > before {
		t.Errorf("%d descriptors are left", n-before)
	}
	// They have told their end before they are gone.
	for range 1_000_000 {
		if runtime.NumGoroutine() <= goroutines {
			return
		}
		runtime.Gosched()
	}
	t.Errorf("%d goroutines are left", runtime.NumGoroutine()-goroutines)
}
