// Package timeline is what happened to one request, and when: the phases that it went through, what
// the guest wrote meanwhile, and its exchanges with other servers. What runs guests reports to a
// [Trace]; who wants to know makes one for a request, and reads it at any time:
//
//	t := timeline.New(time.Now())
//	resp, err := … .Handle(timeline.With(ctx, t), …)
//	…
//	t.End()
//	computing := t.Totals()[timeline.Computing]
//
// A nil *Trace takes reports and does nothing, so that requests that nobody follows cost next to
// nothing.
package timeline

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Kind is what a request does in a phase.
type Kind uint8

// The kinds of phases.
const (
	// Waiting is until an instance takes the request, without the time in which one is made.
	Waiting Kind = iota
	// Instance is while an instance is made for the request.
	Instance
	// Computing is while code of the guest runs for the request, or host functions that return at
	// once.
	Computing
	// Upstream is while no code runs for it and a request of its own to another server is on its
	// way: until the end of the response's body, unless the guest drops it before.
	Upstream
	// Host is while no code runs for it, for any other reason, before it has responded.
	Host
	// Streaming is the same after it has responded: the guest waits to go on with the body, or the
	// rest of the body is passed on without it.
	Streaming
	// Kinds is how many there are.
	Kinds
)

var kindNames = [Kinds]string{"waiting", "instance", "computing", "upstream", "host", "streaming"}

// String returns the name, such as "computing".
func (k Kind) String() string { return kindNames[k] }

// Phase is a time in which a request did one thing.
type Phase struct {
	Kind Kind
	// Start and End count from the beginning of the Trace. End of a phase that goes on is less than
	// 0.
	Start, End time.Duration
}

// The bounds of what a Trace keeps.
const (
	MaxPhases    = 500
	MaxExchanges = 100
	MaxSpans     = 500
)

// Trace is what happened to one request. Those methods that report something do nothing for a nil
// Trace. What runs guests calls Making, Run, Wait, Responded, Send and Add, one at a time; all
// other methods are safe for concurrent use. It must not be copied.
//
// The collector looks at what comes first: pointers stand before numbers.
type Trace struct {
	start     time.Time
	keeper    Keeper // nil: contents are not kept
	exchanges []*Exchange
	spans     []Span
	bodies    [Parts]Body
	course    course // once it is long

	mu      sync.Mutex
	end     time.Duration // once it has ended
	most    int           // bytes of each body
	flights int           // exchanges on their way
	sent    int           // exchanges, those that were not kept included
	told    int           // spans, likewise
	kept    int           // bytes that were charged
	ended   bool
	dropped bool
	// long says that course has what marks has not. Only what runs the guest sets it, with the
	// lock.
	long bool

	// Those of what runs the guest, which needs no lock; once it is long, all of it is guarded by
	// the lock.
	taken   bool // guest code has run
	running bool // it runs now
	headed  bool // the guest has responded
	kind    Kind // of the phase that goes on
	count   int  // of marks

	used  atomic.Bool // what runs the guest may report something
	drew  atomic.Bool // the guest has drawn random numbers
	marks marks
}

// marks are the beginnings of the first phases, enough for most requests: others read while what
// runs the guest writes, and nobody has to wait.
type marks [maxMarks]atomic.Uint64

const (
	maxMarks = 12
	// kindShift is where the kind of a phase begins in its mark, behind nanoseconds. No mark is 0:
	// that phase begins by itself.
	kindShift = 56
)

// New returns a Trace of a request that has begun at that time, which waits.
func New(start time.Time) *Trace {
	t := &Trace{}
	t.Begin(start, nil, 0)
	return t
}

// Begin begins a Trace that is part of something larger. The keeper, unless nil, makes it keep
// contents: most bytes of each body.
func (t *Trace) Begin(start time.Time, keeper Keeper, most int) {
	t.start, t.keeper, t.most = start, keeper, most
}

// Again is Begin for a Trace that was used before, of which nothing is left but buffers. What runs
// guests must have released it, and nobody reads it.
func (t *Trace) Again(start time.Time) {
	t.start, t.kind, t.count, t.marks = start, Waiting, 0, marks{}
	t.drew = atomic.Bool{}
	t.taken, t.running, t.headed, t.ended = false, false, false, false
	freed := 0
	if t.long {
		freed = t.course.size()
		t.long, t.course = false, course{}
	}
	for i := range t.bodies {
		b := &t.bodies[i]
		if cap(b.Bytes) > smallBody {
			freed += cap(b.Bytes)
			b.Bytes = nil
		}
		*b = Body{Bytes: b.Bytes[:0]}
	}
	t.kept -= freed
	t.charge(-freed)
}

// smallBody is the length of the longest buffer that is used again, in bytes.
const smallBody = 1 << 10

// Spare gives the Trace a buffer for a body. It is not counted.
func (t *Trace) Spare(part Part, buffer []byte) { t.bodies[part].Bytes = buffer[:0] }

// Use reports that there will be reports until Release.
func (t *Trace) Use() {
	if t != nil {
		t.used.Store(true)
	}
}

// Release ends Use. Exchanges with other servers may still be on their way.
func (t *Trace) Release() {
	if t != nil {
		t.used.Store(false)
	}
}

// Free reports whether Again can use the Trace: it has ended, nothing more will be reported, and
// there is nothing in it but phases and bodies.
func (t *Trace) Free() bool {
	if t.used.Load() {
		return false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.free()
}

func (t *Trace) free() bool { return t.ended && !t.dropped && t.sent == 0 && t.told == 0 }

// Owe counts bytes that the keeper has been, or will be, charged for. It is called with the lock,
// or before the Trace is used.
func (t *Trace) Owe(bytes int) { t.kept += bytes }

// Start returns when the request began.
func (t *Trace) Start() time.Time { return t.start }

// lockLong locks the Trace if it is long. It reports whether it did.
func (t *Trace) lockLong() bool {
	if t.long {
		t.mu.Lock()
		return true
	}
	return false
}

// unlock undoes lockLong.
func (t *Trace) unlock(long bool) {
	if long {
		grown := t.grown()
		t.mu.Unlock()
		t.charge(grown)
	}
}

// grown returns how many more bytes the phases take. The lock is held.
func (t *Trace) grown() int {
	n := t.course.grown
	if t.course.grown = 0; !t.keeps() {
		return 0
	}
	t.kept += n
	return n
}

// enter begins a phase, unless it goes on already: at a time after the beginning, or now, if that
// is less than 0. It returns the time. If the Trace is long, the lock is held.
func (t *Trace) enter(k Kind, at time.Duration) time.Duration {
	if k == t.kind || t.long && t.ended {
		return at
	}
	if at < 0 {
		at = time.Since(t.start)
	}
	t.kind = k
	switch {
	case t.long:
		t.course.enter(k, at)
	case t.count < maxMarks:
		t.marks[t.count].Store(uint64(k)<<kindShift | uint64(at))
		t.count++
	default:
		t.mu.Lock()
		t.lengthen()
		t.course.enter(k, at)
		t.unlock(true)
	}
	return at
}

// lengthen makes the Trace long. The lock is held.
func (t *Trace) lengthen() {
	if !t.long {
		t.course = t.way()
		t.long = true
		if t.dropped {
			t.course.drop()
		}
	}
}

// way returns the phases. The lock is held.
func (t *Trace) way() (c course) {
	if t.long {
		return t.course
	}
	for i := range t.marks {
		mark := t.marks[i].Load()
		at := time.Duration(mark & (1<<kindShift - 1))
		if mark == 0 || t.ended && at >= t.end {
			break
		}
		c.enter(Kind(mark>>kindShift), at)
	}
	if t.ended {
		c.close(t.end)
	}
	return c
}

// idle is the kind of a phase in which no guest code runs.
func (t *Trace) idle() Kind {
	switch {
	case t.flights > 0:
		return Upstream
	case t.headed:
		return Streaming
	}
	return Host
}

// review enters what the request waits for now. It returns the time; now if it has not read it. If
// the Trace is long, the lock is held.
func (t *Trace) review() time.Duration {
	if t.taken && !t.running {
		return t.enter(t.idle(), now)
	}
	return now
}

// now stands for a time that has to be read.
const now = -1

// Making reports that an instance is being made for the request, until the next Run.
func (t *Trace) Making() {
	if t == nil {
		return
	}
	long := t.lockLong()
	t.enter(Instance, now)
	t.unlock(long)
}

// Run reports that code of the guest runs for the request from now on.
func (t *Trace) Run() {
	if t != nil {
		t.run(now)
	}
}

// RunAt is Run for somebody who has just read the time.
func (t *Trace) RunAt(at time.Time) {
	if t != nil {
		t.run(max(at.Sub(t.start), 0))
	}
}

func (t *Trace) run(at time.Duration) {
	long := t.lockLong()
	t.taken, t.running = true, true
	t.enter(Computing, at)
	t.unlock(long)
}

// Wait reports that none runs for it any more, until the next Run. It returns the time; zero if it
// had no need to read it.
func (t *Trace) Wait() (at time.Time) {
	if t == nil {
		return at
	}
	long := t.lockLong()
	t.running = false
	if since := t.review(); since != now {
		at = t.start.Add(since)
	}
	t.unlock(long)
	return at
}

// Responded reports that the guest has responded.
func (t *Trace) Responded() {
	if t == nil {
		return
	}
	long := t.lockLong()
	t.headed = true
	t.review()
	t.unlock(long)
}

// Draw reports that the guest draws random numbers that nobody can have again.
func (t *Trace) Draw() {
	if t != nil && !t.drew.Load() {
		t.drew.Store(true)
	}
}

// Drew reports whether there was a Draw.
func (t *Trace) Drew() bool { return t.drew.Load() }

// End ends the last phase: the response is complete, or there will be none. What a guest does after
// that is in no phase.
func (t *Trace) End() {
	if t != nil {
		t.mu.Lock()
		t.EndLocked(time.Since(t.start))
		t.mu.Unlock()
	}
}

// Lock locks the Trace, and what belongs to the same request elsewhere.
func (t *Trace) Lock() { t.mu.Lock() }

// Unlock undoes Lock.
func (t *Trace) Unlock() { t.mu.Unlock() }

// EndLocked is End for a known time after the beginning, with the lock.
func (t *Trace) EndLocked(at time.Duration) {
	if t.ended {
		return
	}
	if t.long {
		t.course.close(at)
	}
	t.ended, t.end = true, at
}

// Phases returns the phases in their order, and how many of them were not kept.
func (t *Trace) Phases() (list []Phase, lost int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := t.way()
	list = slices.Clone(c.phases)
	if !t.ended {
		list = append(list, Phase{c.kind, c.since, -1})
	}
	return list, c.lost
}

// Totals returns how long the request was in the phases of each kind, without the one that goes on.
func (t *Trace) Totals() [Kinds]time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := t.way()
	return c.totals
}

// ContextKey is the key of the Trace in a context.
type ContextKey struct{}

// carrier is a context with a place for a Trace.
type carrier interface {
	SetTimeline(t *Trace) bool
	Timeline() *Trace
}

// With returns a context for a request that t follows. A context with a place for a Trace is itself
// given it.
func With(ctx context.Context, t *Trace) context.Context {
	if t == nil {
		return ctx
	}
	if c, ok := ctx.(carrier); ok && c.SetTimeline(t) {
		return ctx
	}
	return context.WithValue(ctx, ContextKey{}, t)
}

// From returns the Trace of a context; nil if it has none.
func From(ctx context.Context) *Trace {
	if c, ok := ctx.(carrier); ok {
		return c.Timeline()
	}
	t, _ := ctx.Value(ContextKey{}).(*Trace)
	return t
}
