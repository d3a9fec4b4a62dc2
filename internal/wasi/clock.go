package wasi

import (
	"math"
	"runtime"
	"time"
)

// clockOrigin is what the monotonic clock shows when it starts. Guests compute instants a little
// before now, which must not be negative.
const clockOrigin = uint64(time.Second)

// Clock is a guest's view of time: one monotonic clock, in nanoseconds since an origin of its own,
// and the wall clock. It is safe for concurrent use.
type Clock struct {
	start time.Time
	wall  func() time.Time
	world *World // in place of both; nil for the machine's clocks
}

// NewClock returns a Clock whose monotonic part starts now. wall returns the time of day; nil
// stands for the machine's clock.
func NewClock(wall func() time.Time) *Clock {
	if wall == nil {
		wall = time.Now
	}
	return &Clock{start: time.Now(), wall: wall}
}

// NewWorldClock returns the Clock of a World.
func NewWorldClock(w *World) *Clock {
	return &Clock{wall: w.timeOfDay, world: w}
}

// Now returns the monotonic clock in nanoseconds. It is never 0 and never decreases.
func (c *Clock) Now() uint64 {
	if c.world != nil {
		return c.world.read()
	}
	return clockOrigin + uint64(time.Since(c.start))
}

// Wall returns the time of day.
func (c *Clock) Wall() time.Time { return c.wall() }

// Resolution returns the length of a tick of both clocks, at least 1 ns.
func (c *Clock) Resolution() time.Duration {
	if runtime.GOOS == "windows" && c.world == nil {
		// Go reads the interrupt time there, which advances with the system timer.
		return 15625 * time.Microsecond
	}
	return 1
}

// Until returns a timer that is ready from the given instant of the monotonic clock on, at once if
// that has passed.
func (c *Clock) Until(instant uint64) *Timer {
	t := &Timer{clock: c, deadline: instant}
	if c.world != nil {
		t.real = farOff
		if now := c.Now(); instant <= now {
			t.real = time.Now()
		} else if instant-now <= math.MaxInt64 {
			t.real = time.Now().Add(time.Duration(instant - now))
		}
	}
	return t
}

// farOff is when a timer that is too long for the clock comes.
var farOff = time.Unix(1<<40, 0)

// After returns a timer that is ready when that many nanoseconds have passed from now. A time too
// long for the clock never comes.
func (c *Clock) After(nanoseconds uint64) *Timer {
	now := c.Now()
	if nanoseconds > math.MaxUint64-now {
		return c.Until(math.MaxUint64)
	}
	return c.Until(now + nanoseconds)
}

// Timer is a Source that becomes ready at an instant, never before, and stays so. It holds nothing
// that needs to be released.
type Timer struct {
	clock    *Clock
	deadline uint64
	real     time.Time // in a World: when it comes if events come in real time
}

// Ready reports whether the instant has come.
func (t *Timer) Ready() bool { return t.clock.Now() >= t.deadline }

// Subscribe wakes w when the instant comes. An instant more than 292 years away never comes.
func (t *Timer) Subscribe(w *Waiter) (unsubscribe func()) {
	now := t.clock.Now()
	if now >= t.deadline {
		w.Wake()
		return func() {}
	}
	if world := t.clock.world; world != nil {
		return world.add(&worldTimer{at: t.deadline, real: t.real, fire: w.Wake})
	}
	left := t.deadline - now
	if left > math.MaxInt64 {
		return func() {}
	}
	timer := time.AfterFunc(time.Duration(left), w.Wake)
	return func() { timer.Stop() }
}
