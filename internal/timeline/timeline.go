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

// Trace is what happened to one request. Its methods are safe for concurrent use; those that report
// something do nothing for a nil Trace. It must not be copied.
//
// The collector looks at what comes first: pointers stand before numbers.
type Trace struct {
	start     time.Time
	keeper    Keeper // nil: contents are not kept
	phases    []Phase
	exchanges []*Exchange
	spans     []Span
	bodies    [Parts]Body

	mu      sync.Mutex
	kind    Kind // of the phase that goes on
	taken   bool // guest code has run
	running bool // it runs now
	headed  bool // the guest has responded
	ended   bool
	dropped bool
	used    atomic.Bool // what runs the guest may report something
	since   time.Duration
	most    int // bytes of each body
	flights int // exchanges on their way
	sent    int // exchanges, those that were not kept included
	told    int // spans, likewise
	lost    int // phases that were not kept
	kept    int // bytes that were charged
	totals  [Kinds]time.Duration
	first   [6]Phase // room for the phases of most requests
}

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
	t.phases = t.first[:0]
}

// Again is Begin for a Trace that was used before, of which nothing is left but buffers. What runs
// guests must have released it.
func (t *Trace) Again(start time.Time) {
	t.start, t.phases = start, t.first[:0]
	clear(t.totals[:])
	t.kind, t.since, t.lost = Waiting, 0, 0
	t.taken, t.running, t.headed, t.ended = false, false, false, false
	freed := 0
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

// Owe counts bytes that the keeper has been charged for. It is called before the Trace is used.
func (t *Trace) Owe(bytes int) { t.kept += bytes }

// Start returns when the request began.
func (t *Trace) Start() time.Time { return t.start }

// enter begins a phase, unless it goes on already. The lock is held.
func (t *Trace) enter(k Kind) {
	if t.ended || k == t.kind {
		return
	}
	t.close(time.Since(t.start))
	t.kind = k
}

// close ends the phase that goes on. The lock is held.
func (t *Trace) close(now time.Duration) {
	if now <= t.since {
		return
	}
	t.totals[t.kind] += now - t.since
	t.record(now)
	t.since = now
}

// brief is the longest time that is too short to be a phase of its own, or to part two of one kind.
const brief = time.Microsecond

// record adds the phase that goes on to those that have ended. The lock is held.
func (t *Trace) record(now time.Duration) {
	if n := len(t.phases); n > 0 {
		last := &t.phases[n-1]
		if last.Kind == t.kind && t.since-last.End <= brief {
			last.End = now
			return
		}
	}
	switch {
	case now-t.since <= brief:
	case t.dropped || len(t.phases) >= MaxPhases:
		t.lost++
	default:
		t.phases = append(t.phases, Phase{t.kind, t.since, now})
	}
}

// idle is the kind of a phase in which no guest code runs. The lock is held.
func (t *Trace) idle() Kind {
	switch {
	case t.flights > 0:
		return Upstream
	case t.headed:
		return Streaming
	}
	return Host
}

// review enters what the request waits for now. The lock is held.
func (t *Trace) review() {
	if t.taken && !t.running {
		t.enter(t.idle())
	}
}

// Making reports that an instance is being made for the request, until the next Run.
func (t *Trace) Making() {
	if t == nil {
		return
	}
	t.mu.Lock()
	t.enter(Instance)
	t.mu.Unlock()
}

// Run reports that code of the guest runs for the request from now on.
func (t *Trace) Run() {
	if t == nil {
		return
	}
	t.mu.Lock()
	t.taken, t.running = true, true
	t.enter(Computing)
	t.mu.Unlock()
}

// Wait reports that none runs for it any more, until the next Run.
func (t *Trace) Wait() {
	if t == nil {
		return
	}
	t.mu.Lock()
	t.running = false
	t.review()
	t.mu.Unlock()
}

// Responded reports that the guest has responded.
func (t *Trace) Responded() {
	if t == nil {
		return
	}
	t.mu.Lock()
	t.headed = true
	t.review()
	t.mu.Unlock()
}

// End ends the last phase: the response is complete, or there will be none. What a guest does after
// that is in no phase.
func (t *Trace) End() {
	if t != nil {
		t.EndAt(time.Since(t.start), 0)
	}
}

// EndAt is End for a known time after the beginning, and Charge.
func (t *Trace) EndAt(now time.Duration, charge int) {
	t.mu.Lock()
	if !t.ended {
		t.close(now)
		t.ended = true
	}
	if !t.keeps() {
		charge = 0
	}
	t.kept += charge
	t.mu.Unlock()
	t.charge(charge)
}

// Phases returns the phases in their order, and how many of them were not kept.
func (t *Trace) Phases() (list []Phase, lost int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	list = slices.Clone(t.phases)
	if !t.ended {
		list = append(list, Phase{t.kind, t.since, -1})
	}
	return list, t.lost
}

// Totals returns how long the request was in the phases of each kind, without the one that goes on.
func (t *Trace) Totals() [Kinds]time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.totals
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
