package engine

import (
	"fmt"
	"slices"

	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental/table"

	"github.com/wasihttp/wasihttp/internal/corewasm"
)

// Func is a function of an instance. Calls of it may be nested, and several
// may be parked in host functions at once.
type Func struct {
	group *Group
	make  func() api.Function
	entry string        // the name that it is exported by
	size  int           // slots of the stack that parameters and results need
	free  []*activation // that no call is using
}

// maxIdle bounds the activations kept for reuse per function: each holds a
// stack of at least 10 KiB.
const maxIdle = 16

// Func returns an exported function. It is cached: looking it up again is cheap.
func (g *Group) Func(slot int, export string) (*Func, error) {
	inst, e, err := g.export(slot, export, corewasm.KindFunc)
	if err != nil {
		return nil, err
	}
	if f := inst.funcs[export]; f != nil {
		return f, nil
	}
	t, _ := inst.module.info.FuncTypeOf(e.Index)
	mod := inst.mod
	f := &Func{
		group: g,
		entry: export,
		make:  func() api.Function { return mod.ExportedFunction(export) },
		size:  max(stackSlots(t.Params), stackSlots(t.Results)),
	}
	inst.funcs[export] = f
	return f, nil
}

func stackSlots(ts []corewasm.ValType) int {
	n := len(ts)
	for _, t := range ts {
		if t == corewasm.V128 {
			n++
		}
	}
	return n
}

func (g *Group) export(slot int, name string, kind corewasm.Kind) (*instance, corewasm.Export,
	error) {
	if slot < 0 || slot >= len(g.slots) || g.slots[slot].mod == nil {
		return nil, corewasm.Export{}, fmt.Errorf("engine: no instance in slot %d", slot)
	}
	inst := &g.slots[slot]
	if kind == corewasm.KindFunc && inst.funcs[name] != nil {
		return inst, corewasm.Export{}, nil
	}
	e, ok := inst.module.info.ExportNamed(name)
	if !ok {
		return nil, e, fmt.Errorf("module %q has no export %q", inst.module.Name(), name)
	}
	if e.Kind != kind {
		return nil, e, fmt.Errorf("export %q of module %q is a %s, not a %s",
			name, inst.module.Name(), e.Kind, kind)
	}
	return inst, e, nil
}

// TableFunc returns the function at an index of an exported table. The error is the [*Trap] that
// call_indirect would raise.
func (g *Group) TableFunc(
	slot int, export string, index uint32, params, results []ValueType,
) (f *Func, err error) {
	inst, e, err := g.export(slot, export, corewasm.KindTable)
	if err != nil {
		return nil, err
	}
	defer func() {
		if v := recover(); v != nil {
			t := &Trap{Code: TrapTableOutOfBounds}
			if err, ok := v.(error); ok {
				t.Code = trapCode(err.Error())
			}
			f, err = nil, t
		}
	}()
	mod := inst.mod
	lookup := func() api.Function {
		return table.LookupFunction(mod, e.Index, index, params, results)
	}
	first := g.runtime.engine.activate(lookup())
	return &Func{group: g, make: lookup, size: max(len(params), len(results)),
		free: []*activation{first}}, nil
}

// Call calls the function: parameters are taken from the stack and results
// left there, both from index 0, 32-bit values zero-extended. The error is a
// [*Trap] unless the stack is too short.
func (f *Func) Call(ctx *Context, stack []uint64) error {
	if len(stack) < f.size {
		return fmt.Errorf("engine: stack of %d values for a function that needs %d", len(stack),
			f.size)
	}
	if err := f.group.Interrupted(); err != nil {
		return err
	}
	var act *activation
	if n := len(f.free); n > 0 {
		act = f.free[n-1]
		f.free[n-1] = nil
		f.free = f.free[:n-1]
	} else {
		act = f.group.runtime.engine.activate(f.make())
	}
	outer := ctx.act
	ctx.act, ctx.pace.mixed = act, true
	ctx.calls++
	f.group.calls++
	err := f.profiled(ctx, act, stack)
	f.group.calls--
	ctx.act = outer
	if ctx.calls--; ctx.calls == 0 {
		processors.leave(&ctx.turns)
	} else if ctx.turns.holds.Load() {
		ctx.turns.goAway() // the host function that has called goes on
	}
	keep := act.end(f.group)
	if err != nil {
		return f.group.trap(err)
	}
	if keep && len(f.free) < maxIdle {
		f.free = append(f.free, act)
	}
	return nil
}

// profiled calls the function, and has the profile count what it takes if there is one.
func (f *Func) profiled(ctx *Context, act *activation, stack []uint64) error {
	p := f.group.runtime.engine.profile
	if p == nil {
		return act.fn.CallWithStack(ctx, stack)
	}
	depth, outer := len(ctx.profiled.calls), ctx.profiled.entry
	began := p.enter(ctx, f)
	err := act.fn.CallWithStack(ctx, stack)
	p.leave(ctx, f, began, depth)
	ctx.profiled.entry = outer
	return err
}

// Idle returns the number of activations kept for reuse.
func (f *Func) Idle() int { return len(slices.Clip(f.free)) }
