package p3

import (
	"sync/atomic"

	"github.com/wasihttp/wasihttp/component"
	"github.com/wasihttp/wasihttp/internal/wasi"
)

// wait calls wake once, from any goroutine, when src has become ready; stop ends that.
func wait(src wasi.Source, wake func()) (stop func()) {
	var woken atomic.Bool
	once := func() {
		if !woken.Swap(true) {
			wake()
		}
	}
	stop = src.Subscribe(wasi.NewCaller(once))
	if src.Ready() {
		// src became ready before the subscription.
		once()
	}
	return stop
}

// when calls f, on the goroutine of the store's owner, once src is ready, unless cancel is called
// before. The owner calls both.
func when(s *component.Store, src wasi.Source, f func()) (cancel func()) {
	a := &awaiting{store: s, src: src, then: f}
	a.arm()
	return a.cancel
}

type awaiting struct {
	store *component.Store
	src   wasi.Source
	then  func()
	stop  func()
	ended bool
}

func (a *awaiting) arm() {
	a.stop = wait(a.src, func() { a.store.Post(a.woken) })
}

func (a *awaiting) woken() {
	if a.ended {
		return
	}
	a.stop()
	if !a.src.Ready() {
		a.arm()
		return
	}
	a.ended = true
	a.then()
}

func (a *awaiting) cancel() {
	if !a.ended {
		a.ended = true
		a.stop()
	}
}
