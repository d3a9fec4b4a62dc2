package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"

	"github.com/wasihttp/wasihttp/internal/corewasm"
)

// Limits bound what a group may use.
type Limits struct {
	// MaxMemoryBytes bounds the sum of all linear memories, of the initial sizes of tables and of
	// the stacks of guest code, in bytes; 0 means no bound but that of the address space.
	MaxMemoryBytes uint64
}

// Group is a set of core instances that import from each other. It has one
// owner at a time: no two of its methods may run at once, except that calls
// may be parked in host functions while the owner goes on, and that Interrupt
// may come from anywhere.
type Group struct {
	runtime *Runtime
	lim     Limits
	used    uint64 // bytes of all memories, of tables as they begin, and of stacks
	slots   []instance
	backed  []*linear
	visible int     // slots that the owner asked for; companions follow
	starts  []int   // slots whose modules have a start function, as they came
	last    int     // the slot that was filled last
	current *Module // being instantiated
	extra   []int   // its companions' slots
	closed  bool
	failed  bool  // an instantiation or reset went wrong
	idle    bool  // it was reset and has not been restarted
	calls   int   // in progress
	refused bool  // the limit has kept a memory from growing
	counts  int32 // from its last safepoint to the next

	// linear is the size of all linear memories, in bytes. Any goroutine may read it.
	linear atomic.Uint64

	interrupted atomic.Pointer[interruption]
	waits       *ticket // of the guest that waited for its turn last; the lock of turns guards it
}

type interruption struct{ cause error }

type instance struct {
	mod    api.Module
	module *Module
	memory *linear // index 0, own or imported; nil if there is none
	funcs  map[string]*Func
	start  *Func
	extra  []int // slots of the companions
	// counter has the instructions that ran; nil if they are not counted.
	counter api.Global
	// globals are those that Reset restores, once it has found them.
	globals []api.MutableGlobal
}

// NewGroup returns an empty group with that many slots.
func (r *Runtime) NewGroup(lim Limits, slots int) *Group {
	r.engine.groups.Add(1)
	return &Group{runtime: r, lim: lim, visible: slots, slots: make([]instance, slots)}
}

// Interrupt makes guest code of the group trap with that cause at its next
// safepoint, and every later call at once. Only the first cause counts. It may
// be called from any goroutine, and does not end waits in host functions.
func (g *Group) Interrupt(cause error) {
	if cause == nil {
		cause = errors.New("interrupted")
	}
	if g.interrupted.CompareAndSwap(nil, &interruption{cause}) {
		processors.interrupt(g)
	}
}

// Interrupted returns the trap that guest code of the group ends with once it was interrupted, and
// nil before. It is for host functions that work for long.
func (g *Group) Interrupted() error {
	if i := g.interrupted.Load(); i != nil {
		return &Trap{Code: TrapHost, Cause: i.cause}
	}
	return nil
}

// resolve returns the provider of an import by the name that it has after rewriting.
func (g *Group) resolve(name string) api.Module {
	if name == HostModule {
		return g.runtime.host
	}
	if n, ok := strings.CutPrefix(name, "memory"); ok {
		if k, err := strconv.Atoi(n); err == nil && k >= 1 && k <= len(g.extra) {
			return g.slots[g.extra[k-1]].mod
		}
		return nil
	}
	name, export, memory := strings.Cut(name, memorySeparator)
	slot, err := strconv.Atoi(strings.TrimPrefix(name, "slot"))
	if err != nil || slot < 0 || slot >= len(g.slots) || g.slots[slot].mod == nil {
		return nil
	}
	if memory {
		slot = g.memorySlot(slot, export)
	}
	return g.slots[slot].mod
}

// memorySlot returns the slot of the instance that has an exported memory as its memory 0: the
// instance itself or one of its companions.
func (g *Group) memorySlot(slot int, export string) int {
	inst := &g.slots[slot]
	if e, ok := inst.module.info.ExportNamed(export); ok && e.Kind == corewasm.KindMemory &&
		e.Index > 0 {
		if k := int(e.Index) - 1; k < len(inst.extra) {
			return inst.extra[k]
		}
	}
	return slot
}

// Instantiate makes an instance of m in an empty slot and runs its start
// function. The error is a [*Trap] when a segment does not fit or the start
// function traps, and otherwise says which import cannot be satisfied and why.
// After an error the group can only be closed.
func (g *Group) Instantiate(ctx *Context, slot int, m *Module) error {
	switch {
	case g.closed:
		return errors.New("engine: group is closed")
	case m.runtime != g.runtime:
		return errors.New("engine: module of another runtime")
	case slot < 0 || slot >= g.visible:
		return fmt.Errorf("engine: no slot %d", slot)
	case g.slots[slot].mod != nil:
		return fmt.Errorf("engine: slot %d is taken", slot)
	}
	if err := g.Interrupted(); err != nil {
		return err
	}
	var extra []int
	for _, c := range m.extra {
		g.slots = append(g.slots, instance{})
		at := len(g.slots) - 1
		if err := g.instantiate(ctx, at, c, nil); err != nil {
			return err
		}
		extra = append(extra, at)
	}
	if err := g.instantiate(ctx, slot, m, extra); err != nil {
		return err
	}
	g.last = slot
	if !m.info.HasStart {
		return nil
	}
	g.starts = append(g.starts, slot)
	return g.runStart(ctx, slot)
}

// runStart calls the start function of an instance. It is not part of wazero's instantiation, so
// that Restart can call it again.
func (g *Group) runStart(ctx *Context, slot int) error {
	inst := &g.slots[slot]
	if inst.start == nil {
		mod := inst.mod
		inst.start = &Func{group: g, make: func() api.Function {
			return mod.ExportedFunction(startExport)
		}}
	}
	err := inst.start.Call(ctx, nil)
	g.failed = g.failed || err != nil
	return err
}

// instantiate fills a slot; the slots in extra hold m's companions.
func (g *Group) instantiate(ctx *Context, slot int, m *Module, extra []int) (err error) {
	var tables, memory uint64
	for _, t := range m.info.Tables {
		tables += t.Limits.Min * tableElement
	}
	if m.ownsMemory() {
		memory = m.info.Memories[0].Min * pageSize
	}
	if need := tables + memory; !g.fits(need) {
		left := g.lim.MaxMemoryBytes - g.used
		return &MemoryLimitError{Module: m.Name(), Need: need, Left: left,
			Limit: g.lim.MaxMemoryBytes}
	}
	g.used += tables
	if g.elementsOutOfBounds(m) {
		return &Trap{Code: TrapTableOutOfBounds}
	}

	memories := len(g.backed)
	g.current, g.extra = m, extra
	ctx.inst = experimental.WithMemoryAllocator(
		experimental.WithImportResolver(noValues{}, g.resolve), allocator{g})
	defer func() {
		g.current, g.extra, ctx.inst = nil, nil, nil
		if v := recover(); v != nil {
			err = fmt.Errorf("module %q: cannot be instantiated: %v", m.Name(), v)
		}
		g.failed = g.failed || err != nil
	}()
	mod, err := g.runtime.rt.InstantiateModule(ctx, m.code.compiled, g.runtime.config)
	if err != nil {
		return g.instantiationError(m, err)
	}
	inst := &g.slots[slot]
	inst.mod, inst.module, inst.funcs, inst.extra = mod, m, map[string]*Func{}, extra
	if g.runtime.engine.counts && !m.hidden {
		inst.counter = mod.ExportedGlobal(countExport)
	}
	if len(g.backed) > memories {
		inst.memory = g.backed[memories]
	} else if i := slices.IndexFunc(m.info.Imports, isMemory); i >= 0 {
		from := m.source.Imports[i]
		inst.memory = g.slots[g.memorySlot(from.Slot, from.Name)].memory
	}
	return nil
}

// LinearMemory returns the size of all linear memories, in bytes. Since they never shrink, that is
// the most that there was since the group was made or reset. Any goroutine may call it.
func (g *Group) LinearMemory() uint64 { return g.linear.Load() }

// Instructions returns how many instructions of the original modules have run in all instances
// since they were made or reset; 0 unless Config.Instructions is set. The owner calls it.
func (g *Group) Instructions() (n uint64) {
	for i := range g.slots {
		if c := g.slots[i].counter; c != nil {
			n += c.Get()
		}
	}
	return n
}

// tableElement is the size of an element of a table, in bytes.
const tableElement = 8

func isMemory(i corewasm.Import) bool { return i.Kind == corewasm.KindMemory }

const pageSize = 65536

func (g *Group) fits(more uint64) bool {
	return g.lim.MaxMemoryBytes == 0 ||
		g.used <= g.lim.MaxMemoryBytes && more <= g.lim.MaxMemoryBytes-g.used
}

// MemoryLimitError reports that a module cannot be instantiated within the limit of memory.
type MemoryLimitError struct {
	Module            string
	Need, Left, Limit uint64 // in bytes
}

// Error returns the module, what it needs and what is left.
func (e *MemoryLimitError) Error() string {
	return fmt.Sprintf("module %q: its initial memory, with tables, of %d bytes exceeds the "+
		"limit: %d of %d bytes are left", e.Module, e.Need, e.Left, e.Limit)
}

// Close frees instances and memories. No call may be running or parked.
func (g *Group) Close() error {
	if g.closed {
		return nil
	}
	g.closed = true
	var errs []error
	for i := len(g.slots) - 1; i >= 0; i-- {
		if mod := g.slots[i].mod; mod != nil {
			errs = append(errs, g.slots[i].module.covered.collect(mod), mod.Close(noValues{}))
		}
	}
	for _, l := range g.backed {
		errs = append(errs, l.release())
	}
	g.slots, g.backed = nil, nil
	g.setIdle(false)
	g.runtime.engine.groups.Add(-1)
	g.runtime.engine.collect()
	return errors.Join(errs...)
}

// noValues is an empty context: the root of the values that instantiation looks up.
type noValues struct{ context.Context }

func (noValues) Value(any) any { return nil }

func (g *Group) instantiationError(m *Module, err error) error {
	text := err.Error()
	if strings.HasSuffix(text, "out of bounds memory access") && strings.HasPrefix(text, "data[") {
		return &Trap{Code: TrapOutOfBounds}
	}
	if reason := g.linkProblem(m); reason != nil {
		return reason
	}
	return fmt.Errorf("module %q: %w", m.Name(), err)
}
