package engine

import (
	"cmp"
	"context"
	"encoding/binary"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tetratelabs/wazero/api"

	"github.com/wasihttp/wasihttp/internal/corewasm"
)

// Profile collects samples of the stacks of guests. Its guests run the code of all others: a stack
// is seen at safepoints and when the host is called, and a sample has the time since the last one.
// It is safe for concurrent use.
type Profile struct {
	began time.Time
	every int64 // nanoseconds that a sample stands for, as a rule
	// due and waited are what guests computed and waited that is in no sample yet.
	due, waited pool
	spent       atomic.Int64 // nanoseconds that guests computed, samples or not

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
	sampled := int64(0)
	for _, s := range all {
		sampled += int64(s.CPU)
	}
	if sampled > 0 {
		part := float64(p.spent.Load()) / float64(sampled)
		for i := range all {
			all[i].CPU = time.Duration(float64(all[i].CPU) * part)
		}
	}
	return all
}

// now returns the time since the profile began, in nanoseconds, never 0.
func (p *Profile) now() int64 { return int64(time.Since(p.began)) | 1 }

// profiled is what a context knows of its guest for a profile.
type profiled struct {
	// since is when the guest went on, and weight for how many times what it takes from there
	// stands: 0 if since is not known, as after most calls of quick functions.
	since, weight int64
	counted       int64  // until when what the guest has taken is in Profile.spent
	dice          uint32 // which calls of quick functions are measured
	entry         string // the export that it was entered by
	calls         []profiledCall
}

// profiledCall is a call of the host that has not returned.
type profiledCall struct {
	fn     *profiledFunc
	act    *activation // of the caller
	entry  string      // the export that the caller was entered by
	began  int64
	nested int64  // what of it guests took
	stack  []byte // of the caller, once it is known
}

// profiledFunc is a function of the host whose calls are seen.
type profiledFunc struct {
	profile *Profile
	name    string
	onward  bool
}

// seen returns a function that calls fn, of the host, and notes the call in the profile. A trap
// leaves the call to the end of the guest's.
func (p *Profile) seen(f *HostFunc, fn api.GoFunc) api.GoFunc {
	if p == nil || f.Brief {
		return fn
	}
	seen := &profiledFunc{p, cmp.Or(f.Label, f.Name), f.Onward}
	if f.Quick {
		return seen.quick(fn)
	}
	return func(ctx context.Context, stack []uint64) {
		c := ctx.(*Context)
		seen.begin(c)
		fn(ctx, stack)
		p.end(c)
	}
}

// Two looks at the clock take as long as a call of a quick function. So one call of eight is
// measured, at random, and what the guest does after one of eight, each for all of them: a stack
// has its share of the samples all the same. What samples stand for is corrected in the end, as it
// is known what all took together.
const (
	measured = 8
	// usual is more than such a time takes unless the system interrupts the guest, in nanoseconds.
	usual = 500_000
)

// quick is seen for a function that is quick.
func (f *profiledFunc) quick(fn api.GoFunc) api.GoFunc {
	p := f.profile
	return func(ctx context.Context, stack []uint64) {
		c := ctx.(*Context)
		if w := c.profiled.weight; w == 0 || w == 1 && !c.profiled.roll() {
			fn(ctx, stack)
			if c.profiled.weight = 0; c.profiled.roll() {
				c.profiled.since, c.profiled.weight = p.now(), measured
			}
			return
		}
		began := p.now()
		fn(ctx, stack)
		now := p.now()
		call := profiledCall{act: c.act, entry: c.profiled.entry}
		if due := p.due.add(times(began-c.profiled.since, measured), p.every); due > 0 {
			call.stack = p.walk(c, &call)
			p.sample(c, call.stack, due, 0)
		}
		if due := p.due.add(times(now-began, measured), p.every); due > 0 {
			if call.stack == nil {
				call.stack = p.walk(c, &call)
			}
			p.sample(c, p.under(f.name, call.stack), due, 0)
		}
		c.profiled.since, c.profiled.weight = now, 0
		if c.profiled.roll() {
			c.profiled.weight = measured
		}
		if call.stack != nil { // to look took some time, too
			c.profiled.since = p.now()
			c.profiled.counted += c.profiled.since - now
		}
	}
}

// roll reports whether to measure: one time of measured.
func (c *profiled) roll() bool {
	c.dice = c.dice*1664525 + 1013904223 // a linear congruential generator
	return c.dice < 1<<32/measured
}

// times returns what a time stands for that was measured for so many.
func times(took, weight int64) int64 { return took + (weight-1)*min(took, usual) }

// guest counts what the guest has computed until now, and returns how much a sample of it now
// stands for.
func (p *Profile) guest(c *Context, now int64) (due int64) {
	p.spent.Add(max(now-c.profiled.counted, 0))
	if w := c.profiled.weight; w > 0 {
		due = p.due.add(times(now-c.profiled.since, w), p.every)
	}
	return due
}

// goOn notes that the guest goes on.
func (c *profiled) goOn(now int64) { c.since, c.weight, c.counted = now, 1, now }

// pause counts what the guest has done until now, when it stands at a safepoint.
func (p *Profile) pause(c *Context, now time.Time) {
	if due := p.guest(c, int64(now.Sub(p.began))); due > 0 {
		call := profiledCall{act: c.act, entry: c.profiled.entry}
		p.sample(c, p.walk(c, &call), due, 0)
	}
}

// resume notes that the guest goes on after a safepoint.
func (p *Profile) resume(c *Context) { c.profiled.goOn(p.now()) }

// begin notes the beginning of a call.
func (f *profiledFunc) begin(c *Context) {
	p := f.profile
	call := profiledCall{fn: f, act: c.act, entry: c.profiled.entry, began: p.now()}
	if due := p.guest(c, call.began); due > 0 {
		call.stack = p.walk(c, &call)
		p.sample(c, call.stack, due, 0)
		call.began = p.now() // to look took some time, too
	}
	c.profiled.calls = append(c.profiled.calls, call)
}

// end notes the end of the innermost call.
func (p *Profile) end(c *Context) {
	now := p.now()
	c.profiled.goOn(now)
	last := len(c.profiled.calls) - 1
	if last < 0 {
		return
	}
	call := c.profiled.calls[last]
	c.profiled.calls[last] = profiledCall{}
	c.profiled.calls = c.profiled.calls[:last]
	if call.fn.onward && call.nested == 0 {
		return // the guest that was called has a context of its own
	}
	cpu, wait := now-call.began-call.nested, int64(0)
	if cpu >= int64(waits) {
		cpu, wait = 0, cpu
	} else {
		p.spent.Add(max(cpu, 0))
		if cpu = p.due.add(cpu, p.every); cpu == 0 {
			return
		}
	}
	if call.stack == nil {
		call.stack = p.walk(c, &call)
	}
	p.sample(c, p.under(call.fn.name, call.stack), cpu, wait)
	c.profiled.goOn(p.now())
}

// pool is time, in nanoseconds, of all guests together, that is in no sample yet.
type pool struct{ due atomic.Int64 }

// add adds time that a guest took, and returns how much a sample of it now stands for: a multiple
// of every, so that what remains is as likely to be sampled where the next guest is; 0 as long as
// less has come together.
func (p *pool) add(took, every int64) int64 {
	every = max(every, 1)
	due := p.due.Add(max(took, 0))
	whole := due - due%every
	if whole == 0 || !p.due.CompareAndSwap(due, due-whole) {
		return 0
	}
	return whole
}

// enter and leave enclose a call of a guest.
func (p *Profile) enter(c *Context, f *Func) (began int64) {
	began = p.now()
	c.profiled.goOn(began)
	c.profiled.entry = f.entry
	c.profiled.dice += uint32(began) * 2654435769 // so that not all calls measure the same ones
	return began
}

// leave counts what the guest has done since it called the host last for the function that was
// called, as its stack is gone.
func (p *Profile) leave(c *Context, f *Func, began int64, depth int) {
	for len(c.profiled.calls) > depth { // what has trapped
		p.end(c)
	}
	now := p.now()
	if due := p.guest(c, now); due > 0 {
		p.sample(c, p.under(EntryName(f.entry), nil), due, 0)
	}
	c.profiled.counted = now
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
func (p *Profile) walk(c *Context, call *profiledCall) []byte {
	r := c.group.runtime
	var room [maxFrames]uintptr
	addrs, whole := call.act.callers(room[:0])
	stack := make([]byte, 0, 4*(len(addrs)+8))
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, addr := range addrs {
		n, ok := r.places[addr]
		if !ok {
			if n, ok = p.placed(r, call.act, addr); !ok {
				continue
			}
		}
		if n != hiddenPlace {
			stack = binary.LittleEndian.AppendUint32(stack, n)
		}
	}
	if !whole && call.entry != "" {
		stack = binary.LittleEndian.AppendUint32(stack, p.host(cut))
		stack = binary.LittleEndian.AppendUint32(stack, p.host(EntryName(call.entry)))
	}
	return stack
}

// hiddenPlace is the number of places that are not shown.
const hiddenPlace = ^uint32(0)

// placed finds the place of an address in the code of a runtime, which keeps its number. It reports
// false if there is none. The lock is held.
func (p *Profile) placed(r *Runtime, a *activation, addr uintptr) (uint32, bool) {
	it := a.iterator(addr)
	if it == nil || !it.Next() {
		return 0, false
	}
	fn := it.Function()
	def := fn.Definition()
	at := place{module: def.ModuleName(), index: def.Index()}
	r.mu.Lock()
	m := r.modules[at.module]
	r.mu.Unlock()
	n := hiddenPlace
	if def.GoFunction() == nil && m != nil && !m.hidden {
		if m.lines != nil {
			at.offset = fn.SourceOffsetForPC(it.ProgramCounter())
		}
		n = p.numbered(at, func() []Frame {
			original, ok := m.rewritten.OriginalFunc(at.index)
			if !ok {
				return nil
			}
			f := Frame{Module: m.Name(), Func: m.nameOf(original), Index: original}
			return m.at(f, at.offset)
		})
	}
	if r.places == nil {
		r.places = map[uintptr]uint32{}
	}
	r.places[addr] = n
	return n, true
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
			calls[i].stack = p.walk(c, &calls[i])
		}
		whole = append(whole, p.under(calls[i].fn.name, calls[i].stack)...)
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
