package handler

import (
	"slices"
	"sync"
	"time"

	"github.com/wasihttp/wasihttp/internal/wasi"
)

const (
	// settleTime bounds how long a guest that computes after the head of its response, and has
	// written nothing, holds the head back.
	settleTime = 100 * time.Millisecond
	// settleStart bounds it for one that has written a part of the body. It is longer than what a
	// busy machine takes a thread away for, so that the same guest gets the same framing.
	settleStart = 20 * time.Millisecond
	// settleBytes is how much of a body is there when its length is no longer waited for.
	settleBytes = 32 << 10
	// settleTick is how long a whole body is held back at most whose guest goes on.
	settleTick = time.Millisecond
)

// holder, which the workers of a handler share, holds the heads of responses back while their guest
// goes on: most guests write the body and end right after the head, and then all of the message can
// leave at once, with its length, and the receiver wakes once, when the instance is free for the
// next request. A head leaves when the guest waits or returns, or has written a lot; and if it
// computes, soon after the end of the body, later with a part of it, or latest without any.
type holder struct {
	mu    sync.Mutex
	held  []*exchange
	timer *time.Timer // made when first needed
	armed bool
}

// heldBack is what a holder knows of an exchange.
type heldBack struct {
	by    *holder // nil if it is not held back
	since time.Time
}

// hold resolves x with a response that the receiver gets when the exchange settles. It reports
// whether it did, as resolve does.
func (h *holder) hold(x *exchange, res *wasi.Response, now time.Time) bool {
	if !res.Notify(x, settleBytes) {
		return x.resolve(res, nil)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.resolved {
		return false
	}
	x.resolved, x.outcome, x.held = true, result{res: res}, heldBack{h, now}
	h.held = append(h.held, x)
	h.arm()
	return true
}

// settle lets the receiver have the outcome: the guest has responded and will do no more for the
// request soon. It may be called more than once, by any goroutine.
func (x *exchange) settle() {
	x.mu.Lock()
	h := x.held.by
	x.mu.Unlock()
	if h != nil {
		h.let(x)
	}
}

// let lets the receiver of x have the outcome, unless it has been let before.
func (h *holder) let(x *exchange) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if i := slices.Index(h.held, x); i >= 0 {
		h.held = slices.Delete(h.held, i, i+1)
		x.release()
	}
}

// release passes a response that was held back to the receiver.
func (x *exchange) release() {
	x.mu.Lock()
	x.held = heldBack{}
	x.tell()
	x.mu.Unlock()
}

// due reports whether a response has been held back for long enough.
func (x *exchange) due(now time.Time) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	res, since := x.outcome.res, now.Sub(x.held.since)
	return res == nil || since >= settleTime || res.Body.Ended() ||
		since >= settleStart && res.Body.Buffered() > 0
}

// Progress implements wasi.BodyWatcher.
func (x *exchange) Progress() { x.settle() }

// arm sets the timer, which looks at what is held back. The lock is held.
func (h *holder) arm() {
	switch {
	case h.armed:
		return
	case h.timer == nil:
		h.timer = time.AfterFunc(settleTick, h.onTimer)
	default:
		h.timer.Reset(settleTick)
	}
	h.armed = true
}

// onTimer releases what has been held back for long enough.
func (h *holder) onTimer() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.armed = false
	now := time.Now()
	h.held = slices.DeleteFunc(h.held, func(x *exchange) bool {
		if !x.due(now) {
			return false
		}
		x.release()
		return true
	})
	if len(h.held) > 0 {
		h.arm()
	}
}

// stop ends the timer.
func (h *holder) stop() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.timer != nil {
		h.timer.Stop()
	}
}
