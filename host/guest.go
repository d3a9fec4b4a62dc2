package host

import (
	"context"
	"io"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/wasihttp/wasihttp/component"
	"github.com/wasihttp/wasihttp/handler"
	"github.com/wasihttp/wasihttp/internal/timeline"
	"github.com/wasihttp/wasihttp/internal/wasi"
)

// guest is what belongs to one instance: the data of its store.
type guest struct {
	host   *Host
	id     uint64
	cfg    wasi.Config
	state  *wasi.State
	stdout io.WriteCloser
	stderr io.WriteCloser
	expire handler.Timeouts
	tee    teeTail // stderr
	made   handler.Instance
	making *timeline.Trace // of the request for which the instance is made, until it is

	requests attribution
	options  InstanceOptions
	counted  uint64 // instructions before the request that it has taken last

	// dropped reports that the store is about to be closed, and peak is the memory that it had.
	dropped atomic.Bool
	peak    uint64
}

// memory returns the most linear memory that the instance has had, in bytes. Any goroutine may call
// it.
func (g *guest) memory() uint64 {
	n := g.requests.store.Memory()
	if g.dropped.Load() {
		return g.peak // the store may be another one's by now
	}
	return n
}

// maker makes instances of a Host's component for a handler. It is a handler.HandlerState; the data
// of its requests are *Call.
type maker struct {
	host *Host
	base wasi.Config // what all its instances share
	// outbound is the policy for the requests that its instances send.
	outbound *Outbound
	// instance returns the options of an instance; nil for none.
	instance func() InstanceOptions
}

// Instantiate makes a store with an instance in it.
func (m *maker) Instantiate(ctx context.Context) (*handler.Instance, error) {
	h := m.host
	g := &guest{host: h, id: h.ids.Add(1), cfg: m.base, making: timeline.From(ctx)}
	g.stdout = g.open(h.cfg.Stdout)
	g.tee = teeTail{WriteCloser: g.open(h.cfg.Stderr), guest: g}
	g.stderr = &g.tee
	g.cfg.Stdout = guestLog{followed{g.stdout, g, timeline.Stdout}}
	g.cfg.Stderr = guestLog{followed{g.stderr, g, timeline.Stderr}}
	g.cfg.Client, g.cfg.Refusals, g.cfg.Telemetry = m.outbound.client(g), g, g
	if m.instance != nil {
		g.options = m.instance()
		g.cfg.Seed = g.options.World.Seed
		if clock := g.options.World.Clock; !clock.IsZero() {
			g.cfg.World = wasi.NewWorld(clock)
		}
	}
	g.cfg.Steady = h.counts
	g.state = wasi.NewState(&g.cfg)
	// Requests have their own expiration, given to OnRequestStart.
	g.expire = handler.Timeouts{
		PostReturn: h.cfg.PostReturnTimeout,
		Streaming:  h.cfg.BodyTimeout,
		Idle:       h.cfg.IdleInstanceTimeout,
	}
	store := h.linked.NewStore(ctx, g, component.Limits{MemoryBytes: uint64(h.cfg.MaxMemory)})
	g.requests.store, g.requests.kind = store, h.pre.Kind()
	if h.counts && h.pre.Kind() == handler.P3 {
		store.OnInstructions(g.count)
	}
	initCtx, cancel := ctx, context.CancelFunc(func() {})
	if h.cfg.Timeout > 0 && !store.Quick() {
		initCtx, cancel = context.WithTimeoutCause(
			ctx,
			h.cfg.Timeout,
			&handler.ExpirationError{Status: handler.Requests, After: h.cfg.Timeout},
		)
	}
	proxy, err := h.pre.Instantiate(initCtx, store)
	cancel()
	if g.state.DrewSecure() {
		g.making.Draw()
	}
	g.making = nil
	if err != nil {
		if g.tee.early != nil {
			err = &startError{err, g.tee.early}
		}
		g.Drop(store, err)
		return nil, err
	}
	g.tee.early = nil
	g.made = handler.Instance{
		Store: store, Proxy: proxy, State: g, Expiration: &g.expire,
		View:  func(data any) *wasi.State { return data.(*guest).state },
		Waits: g.waits(store),
	}
	return &g.made, nil
}

// waits returns what tells the guest's World whether the guest waits; nil if it has none.
func (g *guest) waits(store *component.Store) func(bool) {
	world := g.cfg.World
	if world == nil {
		return nil
	}
	return func(waits bool) {
		if waits {
			world.WaitFor(store.Pending())
		} else {
			world.Run()
		}
	}
}

// open opens a stream for the instance's output.
func (g *guest) open(stream func(Origin) io.WriteCloser) io.WriteCloser {
	if stream == nil {
		return discard{}
	}
	return stream(Origin{Instance: g.id, guest: g})
}

// discard takes output and drops it.
type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }

func (discard) Close() error { return nil }

// Refused remembers what is refused to the guest for the request that it works for just now. Only
// the owner of the store may call it.
func (g *guest) Refused(use wasi.Use) {
	if c := g.requests.running(); c != nil {
		c.refusals.add(use)
	}
}

// Trace returns the trace of the request that the guest works for just now. Only the owner of the
// store may call it.
func (g *guest) Trace() *wasi.Trace {
	c := g.requests.running()
	if c == nil {
		return nil
	}
	if c.trace == nil {
		c.trace = &wasi.Trace{}
	}
	return c.trace
}

// Span passes on a span.
func (g *guest) Span(s wasi.Span) {
	if line := g.state.Timeline(); line != nil {
		line.Add(lineSpan(&s))
	}
	if spans := g.host.cfg.Spans; spans != nil {
		spans(g.requestID(), s)
	}
}

// lineSpan returns a span for a timeline.
func lineSpan(s *wasi.Span) timeline.Span {
	t := timeline.Span{
		Name: s.Name, ID: s.Context.SpanID, Parent: s.Parent, Start: s.Start, End: s.End,
		Status: s.Status,
	}
	if s.Error != "" {
		t.Status += ": " + s.Error
	}
	for _, a := range s.Attributes {
		t.Attributes = append(t.Attributes, [2]string{a.Key, a.Value})
	}
	return t
}

// requestID returns the id of the request that the guest works for just now, "" if that is not
// known. Only the owner of the store may call it.
func (g *guest) requestID() string {
	if c := g.requests.running(); c != nil {
		return c.ID
	}
	return ""
}

// ShouldAcceptRequest applies the limits on reuse.
func (g *guest) ShouldAcceptRequest(concurrent, total int) handler.ShouldAccept {
	return g.host.reuse.ShouldAcceptRequest(concurrent, total)
}

// OnRequestStart attributes what the guest does in that task to the request from now on.
func (g *guest) OnRequestStart(_ handler.Store, data any, task handler.TaskID) time.Time {
	c := data.(*Call)
	if g.host.counts {
		g.settle()
		c.counting, c.settled = true, make(chan struct{})
		g.counted = g.requests.store.Instructions()
	}
	c.guest.Store(g)
	g.requests.started(c, task)
	if g.options.Taken != nil {
		g.options.Taken(c.ID)
	}
	g.state.StartRequest(c.ID, c.World.Seed)
	if g.cfg.World != nil && !c.World.Clock.IsZero() {
		g.cfg.World.SetWall(c.World.Clock)
	}
	if c.Started != nil {
		c.Started()
	}
	return c.Head
}

// count adds instructions that have run in a task of 0.3.
func (g *guest) count(t *component.Task, n uint64, ended bool) {
	c := g.requests.running()
	if c == nil || !c.counting {
		return
	}
	c.instructions += n
	if ended {
		c.settle()
	}
}

// settle ends the counting for a request of 0.2, which the guest has no more to do for.
func (g *guest) settle() {
	c := g.requests.lastOfP2()
	if c != nil && c.counting {
		c.instructions = g.requests.store.Instructions() - g.counted
		c.settle()
	}
}

// Drop frees everything that belongs to the instance.
func (g *guest) Drop(store handler.Store, _ error) {
	g.peak = g.requests.store.Memory()
	if g.host.counts {
		g.settle()
		g.requests.each((*Call).settle)
	}
	g.dropped.Store(true)
	if s, ok := store.(*component.Store); ok {
		_ = s.Close()
	}
	g.state.Close()
	// Output that cannot be written is lost: there is no way to report it.
	_ = g.stdout.Close()
	_ = g.stderr.Close()
	g.ended()
}

// Report passes on a failure that cannot be part of a response.
func (g *guest) Report(data any, err error) {
	c, _ := data.(*Call)
	if c != nil && c.After != nil && c.After(err) {
		return
	}
	if g.host.cfg.Notice == nil {
		return
	}
	about := "instance " + strconv.FormatUint(g.id, 10)
	if c != nil {
		about = "[" + c.ID + "] after its response"
	}
	g.host.cfg.Notice(about + ": " + err.Error())
}

// teeTail writes lines to the terminal and remembers them for the request.
type teeTail struct {
	io.WriteCloser
	guest *guest
	early *tail // what was written before the first request, until the instance is made
}

// Write writes p to both.
func (t *teeTail) Write(p []byte) (int, error) {
	to := t.early
	if c := t.guest.requests.running(); c != nil {
		to = &c.tail
	} else if to == nil && t.guest.made.Store == nil {
		to = &tail{}
		t.early = to
	}
	if to != nil {
		_, _ = to.Write(p) // never fails
	}
	return t.WriteCloser.Write(p)
}

// startError is the error of an instance that could not be made, with what it wrote to its standard
// error meanwhile.
type startError struct {
	error
	tail *tail
}

// Unwrap returns the error itself.
func (e *startError) Unwrap() error { return e.error }

// guestLog is the output of a guest that serves. The guest does not fail if the output cannot be
// written.
type guestLog struct{ w io.Writer }

// Write writes p if that is possible, and never fails.
func (l guestLog) Write(p []byte) (int, error) {
	_, _ = l.w.Write(p)
	return len(p), nil
}

// followed is an output that shows in the timeline of the request that the guest works for, or is
// made for.
type followed struct {
	io.Writer
	guest *guest
	part  timeline.Part
}

// Write writes p to both.
func (f followed) Write(p []byte) (int, error) {
	line := f.guest.state.Timeline()
	if line == nil {
		line = f.guest.making
	}
	line.Write(f.part, p)
	return f.Writer.Write(p)
}
