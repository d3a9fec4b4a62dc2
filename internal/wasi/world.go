package wasi

import (
	"slices"
	"sync"
	"time"
)

// World is a clock that stands still. Only events move it: a timer that is due sets it to exactly
// its own time. If the guest waits for timers alone, the next one is due at once; while it also
// waits for something from outside, timers take as long as they say. It belongs to one State, and
// is safe for concurrent use.
type World struct {
	mu       sync.Mutex
	now      uint64 // the monotonic clock
	wall     time.Time
	wallAt   uint64 // what now was when it was wall
	readings int    // since the guest last waited
	used     bool   // the guest has read a clock or set a timer
	timers   []*worldTimer

	waits     bool // the guest waits,
	alone     bool // and for timers and exchanges alone
	exchanges int  // that are under way:
	held      int  // those that take no time,
	live      int  // and those with servers themselves; the others wait for a timer
	alarm     *time.Timer
	alarms    int // counts what alarm was set for
}

// worldTimer is something that comes at an instant.
type worldTimer struct {
	at    uint64
	real  time.Time // when it comes if events come in real time
	guest bool      // the guest waits for it, otherwise an exchange
	fire  func()    // it must not block
}

// freeReadings is how often a guest may read the clock without waiting before each reading moves
// it, so that one that reads it in a loop gets on.
const (
	freeReadings = 10_000
	readingStep  = uint64(time.Millisecond)
)

// NewWorld returns a World in which it is start.
func NewWorld(start time.Time) *World {
	return &World{now: clockOrigin, wall: start, wallAt: clockOrigin}
}

// SetWall sets the time of day. The monotonic clock goes on.
func (w *World) SetWall(t time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.wall, w.wallAt = t, w.now
}

// read returns the monotonic clock for the guest.
func (w *World) read() uint64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.used = true
	if w.readings++; w.readings > freeReadings {
		w.now += readingStep
		w.due()
	}
	return w.now
}

// timeOfDay returns the time of day for the guest.
func (w *World) timeOfDay() time.Time {
	now := w.read()
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.wall.Add(time.Duration(now - w.wallAt))
}

// Used reports whether the guest has read a clock, or waited for a time.
func (w *World) Used() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.used
}

// set adds a timer. The function that it returns takes it away, and reports whether it had not
// fired.
func (w *World) set(t *worldTimer) (unset func() bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	at, _ := slices.BinarySearchFunc(w.timers, t, func(a, b *worldTimer) int {
		if a.at <= b.at {
			return -1 // those set before come first
		}
		return 1
	})
	w.timers = slices.Insert(w.timers, at, t)
	w.advance()
	return func() bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		i := slices.Index(w.timers, t)
		if i >= 0 {
			w.timers = slices.Delete(w.timers, i, i+1)
		}
		return i >= 0
	}
}

// Wait says that the guest waits from now on, for timers and exchanges alone or also for other
// things. If by is given and was woken already, the guest goes on at once.
func (w *World) Wait(by *Waiter, alone bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.waits, w.alone = by == nil || !by.woken(), alone
	w.advance()
}

// WaitFor is Wait for a guest that waits for so many things; what the World does not know of them
// is from outside.
func (w *World) WaitFor(pending int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	known := w.exchanges
	for _, t := range w.timers {
		if t.guest {
			known++
		}
	}
	w.waits, w.alone = true, pending <= known
	w.advance()
}

// Run says that the guest goes on.
func (w *World) Run() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.run()
}

func (w *World) run() {
	w.waits, w.readings = false, 0
	w.disarm()
}

func (w *World) disarm() {
	w.alarms++
	if w.alarm != nil {
		w.alarm.Stop()
	}
}

// advance lets the next timer come if the guest waits for it. The lock is held.
func (w *World) advance() {
	w.disarm()
	for w.waits && w.held == 0 && len(w.timers) > 0 {
		if !w.alone || w.live > 0 {
			w.arm()
			return
		}
		w.next()
	}
}

// arm lets the next timer come in real time.
func (w *World) arm() {
	set := w.alarms
	w.alarm = time.AfterFunc(time.Until(w.timers[0].real), func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		if w.alarms == set && len(w.timers) > 0 {
			w.next()
			w.advance()
		}
	})
}

// next lets the next timer come.
func (w *World) next() {
	w.now = max(w.now, w.timers[0].at)
	w.fire()
}

// due lets all timers come whose time has passed.
func (w *World) due() {
	for len(w.timers) > 0 && w.timers[0].at <= w.now {
		w.fire()
	}
}

// fire takes the first timer away and lets it come: whoever has waited for it goes on.
func (w *World) fire() {
	t := w.timers[0]
	w.timers = slices.Delete(w.timers, 0, 1)
	if t.guest {
		w.run()
	} else {
		w.held++
	}
	t.fire()
}

// begin says that an exchange begins, at an instant that it returns. It holds the world, which does
// not move while it does what takes no time.
func (w *World) begin() uint64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.exchanges++
	w.held++
	return w.now
}

// end says that the result of an exchange has come. It calls wake, which reports whether the guest
// waits for it, and so goes on: that the guest was woken, and that it waits again, are seen in this
// order.
func (w *World) end(wake func() bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.exchanges--
	w.held--
	if wake() {
		w.run()
	}
	w.advance()
}

// goLive makes what holds the world an exchange with a server itself, during which events come in
// real time.
func (w *World) goLive() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.held--
	w.live++
	w.advance()
}

// endLive ends that, d after the exchange has begun at an instant.
func (w *World) endLive(began uint64, d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.live--
	w.held++
	w.now = max(w.now, began+uint64(d))
	w.due()
}

// after returns a channel that is closed when d has passed, for an exchange that holds the world
// and lets it go meanwhile, and a function to be called in the end in any case.
func (w *World) after(d time.Duration) (<-chan struct{}, func()) {
	passed := make(chan struct{})
	t := &worldTimer{real: time.Now().Add(d), fire: func() { close(passed) }}
	w.mu.Lock()
	t.at = w.now + uint64(max(d, 0))
	w.mu.Unlock()
	unset := w.set(t)
	w.mu.Lock()
	w.held--
	w.advance()
	w.mu.Unlock()
	return passed, func() {
		if unset() {
			w.mu.Lock()
			w.held++
			w.mu.Unlock()
		}
	}
}
