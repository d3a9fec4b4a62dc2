package wasi

import (
	"slices"
	"sync"
	"time"
)

// World is a clock for one guest that only events move. A timer that fires sets the clock to
// exactly its own time. If the guest waits for timers alone, the next one fires at once; while the
// guest also waits for something from outside, timers fire in real time. A World belongs to one
// State. It is safe for concurrent use.
type World struct {
	mu       sync.Mutex
	now      uint64 // the monotonic clock, in nanoseconds
	wall     time.Time
	wallAt   uint64 // the value of now at the time wall
	readings int    // of the clock since the guest last waited
	used     bool   // the guest has read a clock or set a timer
	timers   []*worldTimer

	waits     bool // the guest waits,
	alone     bool // for timers and exchanges alone
	exchanges int  // in progress:
	held      int  // those whose work takes no time in the world,
	live      int  // and those with real servers; the others wait for a timer
	alarm     *time.Timer
	alarms    int // changes whenever alarm is set or stopped
}

// worldTimer is an event at an instant.
type worldTimer struct {
	at   uint64
	real time.Time // when it fires if events happen in real time
	fire func()    // must not block
	// exchange is what has set it; nil for the guest.
	exchange *worldExchange
}

// freeReadings is the number of times that a guest may read the clock without waiting. Each further
// reading moves the clock by readingStep, so that a guest that reads it in a loop makes progress.
const (
	freeReadings = 10_000
	readingStep  = uint64(time.Millisecond)
)

// NewWorld returns a World whose time of day is start.
func NewWorld(start time.Time) *World {
	return &World{now: clockOrigin, wall: start, wallAt: clockOrigin}
}

// SetWall sets the time of day. It does not change the monotonic clock.
func (w *World) SetWall(t time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.wall, w.wallAt = t, w.now
}

// read returns the monotonic clock on behalf of the guest.
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

// timeOfDay returns the time of day on behalf of the guest.
func (w *World) timeOfDay() time.Time {
	now := w.read()
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.wall.Add(time.Duration(now - w.wallAt))
}

// Used reports whether the guest has read a clock or waited for a time.
func (w *World) Used() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.used
}

// add adds a timer of the guest. remove removes it.
func (w *World) add(t *worldTimer) (remove func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	unset := w.set(t)
	w.advance()
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		unset()
	}
}

// set adds a timer. unset removes it, and reports whether it had not fired. The lock is held for
// both.
func (w *World) set(t *worldTimer) (unset func() bool) {
	at, _ := slices.BinarySearchFunc(w.timers, t, func(a, b *worldTimer) int {
		if a.at <= b.at {
			return -1 // timers for the same instant fire in the order in which they were set
		}
		return 1
	})
	w.timers = slices.Insert(w.timers, at, t)
	return func() bool {
		i := slices.Index(w.timers, t)
		if i >= 0 {
			w.timers = slices.Delete(w.timers, i, i+1)
		}
		return i >= 0
	}
}

// Wait marks the guest as waiting. alone reports whether it waits for timers and exchanges alone.
// If by is not nil and was woken already, the guest goes on at once.
func (w *World) Wait(by *Waiter, alone bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.waits, w.alone = by == nil || !by.woken(), alone
	w.advance()
}

// WaitFor is Wait for a guest that waits for the given number of events. Those that the World does
// not know come from outside.
func (w *World) WaitFor(pending int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	known := w.exchanges
	for _, t := range w.timers {
		if t.exchange == nil {
			known++
		}
	}
	w.waits, w.alone = true, pending <= known
	w.advance()
}

// Run marks the guest as running.
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

// advance fires timers as long as the guest waits for them. The caller holds the lock.
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

// arm fires the next timer in real time.
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

// next fires the next timer, and sets the clock to its time.
func (w *World) next() {
	w.now = max(w.now, w.timers[0].at)
	w.fire()
}

// due fires all timers whose time has passed.
func (w *World) due() {
	for len(w.timers) > 0 && w.timers[0].at <= w.now {
		w.fire()
	}
}

// fire removes the first timer and fires it: whoever waited for it goes on.
func (w *World) fire() {
	t := w.timers[0]
	w.timers = slices.Delete(w.timers, 0, 1)
	if t.exchange == nil {
		w.run()
	} else {
		t.exchange.hold(!t.exchange.ended)
	}
	t.fire()
}

// worldExchange is an exchange in a World, whose lock guards it.
type worldExchange struct {
	world *World
	began uint64 // the instant
	holds bool   // the world does not move
	ended bool   // its result has come
}

// begin begins an exchange, which holds the world: the clock does not move while the exchange does
// what takes no time.
func (w *World) begin() *worldExchange {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.exchanges++
	x := &worldExchange{world: w, began: w.now}
	x.hold(true)
	return x
}

// hold makes the exchange hold the world or not. The lock is held.
func (x *worldExchange) hold(holds bool) {
	switch {
	case holds == x.holds:
	case holds:
		x.world.held++
	default:
		x.world.held--
	}
	x.holds = holds
}

// end ends an exchange whose result has come. It calls wake, which reports whether the guest was
// waiting for it and now goes on. The lock is held meanwhile, so that the World learns that the
// guest was woken before it learns that the guest waits again.
func (x *worldExchange) end(wake func() bool) {
	w := x.world
	w.mu.Lock()
	defer w.mu.Unlock()
	w.exchanges--
	x.ended = true
	x.hold(false)
	if wake() {
		w.run()
	}
	w.advance()
}

// goLive turns the exchange, which holds the world, into one with a real server, during which
// events happen in real time.
func (x *worldExchange) goLive() {
	x.world.mu.Lock()
	defer x.world.mu.Unlock()
	x.hold(false)
	x.world.live++
	x.world.advance()
}

// endLive undoes goLive, at the time d after the exchange began.
func (x *worldExchange) endLive(d time.Duration) {
	w := x.world
	w.mu.Lock()
	defer w.mu.Unlock()
	w.live--
	x.hold(true)
	w.now = max(w.now, x.began+uint64(d))
	w.due()
}

// after returns a channel that is closed when d has passed in the world, which the exchange does
// not hold meanwhile. The exchange must call the function that after returns, whether or not the
// time has passed. It may wait after its end, too.
func (x *worldExchange) after(d time.Duration) (<-chan struct{}, func()) {
	w := x.world
	passed := make(chan struct{})
	w.mu.Lock()
	defer w.mu.Unlock()
	unset := w.set(&worldTimer{
		at: w.now + uint64(max(d, 0)), real: time.Now().Add(d), exchange: x,
		fire: func() { close(passed) },
	})
	x.hold(false)
	w.advance()
	return passed, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		if unset() {
			x.hold(!x.ended)
		}
	}
}
