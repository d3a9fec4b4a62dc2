package engine

import (
	"context"
	"encoding/binary"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"

	"github.com/wasihttp/wasihttp/internal/corewasm"
)

// Profile collects samples of the stacks of guests. Its guests run the code of all others: wazero
// lets a host function that has a listener see the stack of its caller, and safepoints are calls of
// a host function. So stacks are seen at safepoints and when the host is called, and a sample has
// the time since the last one. It is safe for concurrent use.
type Profile struct {
	began time.Time
	every int64 // nanoseconds that a sample stands for, as a rule
	// due and waited are what guests computed and waited that is in no sample yet.
	due, waited pool

	mu      sync.Mutex
	places  map[place]uint32 // in frames
	frames  [][]Frame        // of each place: what was inlined first
	samples map[string]*Sample
	lost    Sample // of more stacks than are kept
}

// place is where a stack is in a module.
type place struct {
	module string // its digest; HostModule for a host function
	name   string // of a host function
	index  uint32
	offset uint64
}

// Sample is a stack and what it took.
type Sample struct {
	// Frames are innermost first.
	Frames []Frame
	// Count is how often the stack was seen.
	Count int64
	// CPU is the time in which the guest or the host computed, Wait that of calls of the host that
	// took long, which wait as a rule.
	CPU, Wait time.Duration

	stack string
}

const (
	// waits is how long a call of the host takes that is counted as a wait.
	waits = 100 * time.Microsecond
	// maxStacks bounds what a profile keeps.
	maxStacks = 50_000
)

// NewProfile returns a profile without samples. It takes one for each of these lengths of time that
// guests have computed.
func NewProfile(every time.Duration) *Profile {
	return &Profile{
		began: time.Now(), every: int64(every),
		places: map[place]uint32{}, samples: map[string]*Sample{},
	}
}

// Samples returns the samples so far, in no order. Those of more than 50,000 different stacks have
// no frames.
func (p *Profile) Samples() []Sample {
	p.mu.Lock()
	defer p.mu.Unlock()
	var all []Sample
	for _, s := range p.samples {
		sample := *s
		for stack := s.stack; stack != ""; stack = stack[4:] {
			at := binary.LittleEndian.Uint32([]byte(stack[:4]))
			sample.Frames = append(sample.Frames, p.frames[at]...)
		}
		all = append(all, sample)
	}
	if p.lost.Count > 0 {
		all = append(all, p.lost)
	}
	return all
}

// with returns a context for the compilation of host functions that the profile listens to.
func (p *Profile) with(ctx context.Context, r *Runtime, host []HostFunc) context.Context {
	if p == nil {
		return ctx
	}
	return experimental.WithFunctionListenerFactory(ctx, experimental.FunctionListenerFactoryFunc(
		func(def api.FunctionDefinition) experimental.FunctionListener {
			l := &listener{profile: p, runtime: r, name: def.ExportNames()[0]}
			l.safepoint = l.name == safepointName
			i := slices.IndexFunc(host, func(f HostFunc) bool { return f.Name == l.name })
			if i >= 0 && host[i].Brief {
				return nil
			}
			l.onward = i >= 0 && host[i].Onward
			if i >= 0 && host[i].Label != "" {
				l.name = host[i].Label
			}
			return l
		}))
}

// now returns the time since the profile began, in nanoseconds, never 0.
func (p *Profile) now() int64 { return int64(time.Since(p.began)) | 1 }

// profiled is what a context knows of its guest for a profile.
type profiled struct {
	since int64  // when the guest went on
	entry string // the export that it was entered by
	calls []profiledCall
}

// profiledCall is a call of the host that has not returned.
type profiledCall struct {
	iterator experimental.StackIterator
	act      *activation // of the caller
	name     string
	entry    string // the export that the caller was entered by
	began    int64
	nested   int64  // what of it guests took
	stack    []byte // of the caller, once it is known
}

// listener sees the calls of a host function.
type listener struct {
	profile   *Profile
	runtime   *Runtime
	name      string
	safepoint bool
	onward    bool
}

// Before notes the beginning of a call.
func (l *listener) Before(ctx context.Context, _ api.Module, _ api.FunctionDefinition, _ []uint64,
	iterator experimental.StackIterator,
) {
	c, now := ctx.(*Context), l.profile.now()
	call := profiledCall{
		iterator: iterator, act: c.act, name: l.name, entry: c.profiled.entry, began: now,
	}
	if due := l.profile.due.add(now-c.profiled.since, l.profile.every); due > 0 {
		call.stack = l.profile.walk(l.runtime, &call)
		l.profile.sample(c, call.stack, due, 0)
		call.began = l.profile.now() // to look took some time, too
	}
	if !l.safepoint {
		c.profiled.calls = append(c.profiled.calls, call)
	}
}

// After notes the end of a call.
func (l *listener) After(ctx context.Context, _ api.Module, _ api.FunctionDefinition, _ []uint64) {
	c, now := ctx.(*Context), l.profile.now()
	c.profiled.since = now
	if l.safepoint {
		return
	}
	last := len(c.profiled.calls) - 1
	if last < 0 {
		return
	}
	call := c.profiled.calls[last]
	c.profiled.calls[last] = profiledCall{}
	c.profiled.calls = c.profiled.calls[:last]
	if l.onward && call.nested == 0 {
		return // the guest that was called has a context of its own
	}
	cpu, wait := now-call.began-call.nested, int64(0)
	if cpu >= int64(waits) {
		cpu, wait = 0, cpu
	} else if cpu = l.profile.due.add(cpu, l.profile.every); cpu == 0 {
		return
	}
	if call.stack == nil {
		call.stack = l.profile.walk(l.runtime, &call)
	}
	l.profile.sample(c, l.profile.under(l.name, call.stack), cpu, wait)
	c.profiled.since = l.profile.now()
}

// Abort notes the end of a call that trapped.
func (l *listener) Abort(ctx context.Context, m api.Module, def api.FunctionDefinition, _ error) {
	l.After(ctx, m, def, nil)
}

// pool is time, in nanoseconds, of all guests together, that is in no sample yet.
type pool struct{ due atomic.Int64 }

// add adds time that a guest took, and returns how much a sample of it now stands for; 0 for none,
// as long as less than every has come together.
func (p *pool) add(took, every int64) int64 {
	due := p.due.Add(max(took, 0))
	if due < max(every, 1) || !p.due.CompareAndSwap(due, 0) {
		return 0
	}
	return due
}

// enter and leave enclose a call of a guest.
func (p *Profile) enter(c *Context, f *Func) (began int64) {
	c.profiled.since, c.profiled.entry = p.now(), f.entry
	return c.profiled.since
}

// leave counts what the guest has done since it called the host last for the function that was
// called, as its stack is gone.
func (p *Profile) leave(c *Context, f *Func, began int64, depth int) {
	now := p.now()
	// A trap leaves calls of the host that have not returned.
	c.profiled.calls = c.profiled.calls[:min(depth, len(c.profiled.calls))]
	if due := p.due.add(now-c.profiled.since, p.every); due > 0 {
		p.sample(c, p.under(EntryName(f.entry), nil), due, 0)
	}
	c.profiled.since = now
	if depth > 0 && depth <= len(c.profiled.calls) {
		c.profiled.calls[depth-1].nested += now - began
	}
}

// Profile returns the profile that the group's guests are sampled for; nil if there is none.
func (g *Group) Profile() *Profile { return g.runtime.engine.profile }

// Now returns a time for Waited; never 0.
func (p *Profile) Now() int64 { return p.now() }

// Waited counts that a guest has waited since then without any of its code on a stack. names stand
// for the frames, innermost first. Short waits are sampled as computing is.
func (p *Profile) Waited(since int64, names []string) {
	wait := p.now() - since
	if wait < int64(waits) {
		if wait = p.waited.add(wait, p.every); wait == 0 {
			return
		}
	}
	var stack []byte
	for i := len(names) - 1; i >= 0; i-- {
		stack = p.under(names[i], stack)
	}
	p.count(stack, 0, wait)
}

// EntryName returns what people call the function of a component that is exported from its core
// module under that name.
func EntryName(export string) string {
	for _, prefix := range []string{"[callback]", "[async-lift]", "[async-lift-stackful]"} {
		export = strings.TrimPrefix(export, prefix)
	}
	return export
}

// walk returns the stack of a caller, as places: of an activation of guest code that was entered by
// that export.
func (p *Profile) walk(r *Runtime, call *profiledCall) []byte {
	stack := make([]byte, 0, 4*32)
	it := call.iterator
	r.engine.deepen(it, call.act)
	shown, last := 0, ""
	var m *Module // of the frame before, as a rule that of the next
	digest := ""
	p.mu.Lock()
	defer p.mu.Unlock()
	for ; it.Next(); shown++ {
		fn := it.Function()
		def := fn.Definition()
		if def.GoFunction() != nil {
			continue
		}
		at := place{module: def.ModuleName(), index: def.Index()}
		if at.module != digest {
			digest = at.module
			r.mu.Lock()
			m = r.modules[digest]
			r.mu.Unlock()
		}
		if m == nil || m.hidden {
			continue
		}
		if m.lines != nil {
			at.offset = fn.SourceOffsetForPC(it.ProgramCounter())
		}
		n := p.numbered(at, func() []Frame {
			original, ok := m.rewritten.OriginalFunc(at.index)
			if !ok {
				return nil
			}
			f := Frame{Module: m.Name(), Func: m.nameOf(original), Index: original}
			return m.at(f, at.offset)
		})
		stack = binary.LittleEndian.AppendUint32(stack, n)
		if shown >= shownFrames-1 {
			last = m.exportOf(at.index)
		}
	}
	cuts := shown >= maxFrames || shown >= shownFrames && last != call.entry
	if cuts && call.entry != "" {
		stack = binary.LittleEndian.AppendUint32(stack, p.host(cut))
		stack = binary.LittleEndian.AppendUint32(stack, p.host(EntryName(call.entry)))
	}
	return stack
}

// nameOf returns the name of a function, or else that of an export; "" if it has none.
func (m *Module) nameOf(fn uint32) string {
	if name := m.funcNames().Func(fn); name != "" {
		return name
	}
	if name := m.exportNamed(fn); strings.Trim(name, "0123456789") != "" { // not a mere number
		return name
	}
	return ""
}

// exportOf returns the name by which a function is exported, by its index in the rewritten module.
func (m *Module) exportOf(index uint32) string {
	if original, ok := m.rewritten.OriginalFunc(index); ok {
		return m.exportNamed(original)
	}
	return ""
}

func (m *Module) exportNamed(fn uint32) string {
	for _, e := range m.info.Exports {
		if e.Kind == corewasm.KindFunc && e.Index == fn {
			return e.Name
		}
	}
	return ""
}

// cut stands for the calls that a stack lacks between its innermost ones and its entry.
const cut = "(calls that are not shown)"

// host returns the place of what is not code of a guest. The lock is held.
func (p *Profile) host(name string) uint32 {
	return p.numbered(place{module: HostModule, name: name}, func() []Frame {
		return []Frame{{Module: HostModule, Func: name}}
	})
}

// under returns a stack with a call of the host on top.
func (p *Profile) under(name string, stack []byte) []byte {
	p.mu.Lock()
	at := p.host(name)
	p.mu.Unlock()
	return append(binary.LittleEndian.AppendUint32(nil, at), stack...)
}

// numbered returns the number of a place, for which it asks for the frames once. The lock is held.
func (p *Profile) numbered(at place, frames func() []Frame) uint32 {
	n, ok := p.places[at]
	if !ok {
		n = uint32(len(p.frames))
		p.places[at], p.frames = n, append(p.frames, frames())
	}
	return n
}

// sample adds a sample with a stack and the stacks of the guests that called its guest.
func (p *Profile) sample(c *Context, stack []byte, cpu, wait int64) {
	calls := c.profiled.calls
	whole := slices.Clone(stack)
	for i := len(calls) - 1; i >= 0; i-- {
		if len(whole) >= 4*maxFrames {
			whole = append(whole, p.under(cut, nil)...)
			break
		}
		if calls[i].stack == nil {
			calls[i].stack = p.walk(c.group.runtime, &calls[i])
		}
		whole = append(whole, p.under(calls[i].name, calls[i].stack)...)
	}
	p.count(whole, cpu, wait)
}

// count adds a sample with a whole stack.
func (p *Profile) count(whole []byte, cpu, wait int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.samples[string(whole)]
	if s == nil {
		if s = &p.lost; len(p.samples) < maxStacks {
			key := strings.Clone(string(whole))
			s = &Sample{stack: key}
			p.samples[key] = s
		}
	}
	s.Count++
	s.CPU += time.Duration(cpu)
	s.Wait += time.Duration(wait)
}
