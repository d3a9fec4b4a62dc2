package engine

import (
	"github.com/tetratelabs/wazero/api"

	"github.com/wasihttp/wasihttp/internal/corewasm"
)

// resettable reports whether an instance of the module can be made new by
// putting memory and globals back: nothing else may change when it runs, and
// nothing but constants may have decided how it began.
func (m *Module) resettable() bool {
	code := m.rewritten.Code
	if code.WritesTables || code.DropsSegments || code.MakesRefs {
		return false // for ref.func wazero keeps a new object with the instance each time
	}
	for _, g := range m.rewritten.Globals {
		switch g.Type {
		case corewasm.I32, corewasm.I64, corewasm.F32, corewasm.F64:
		default:
			return false
		}
		if !g.Const {
			return false
		}
	}
	// Segments that did not move into the image were copied by wazero.
	moved := 0
	for _, d := range m.info.Data {
		if d.Mode == corewasm.Active && d.Memory == 0 && len(d.Bytes) > 0 {
			moved++
		}
	}
	return moved == len(m.rewritten.Data)
}

// Reset puts the group back to where it was when its last instance had been made, except for the
// start function (see Restart); it can then serve as a new one at a fraction of the cost. Functions
// and memories looked up before stay valid. If that cannot be done without a trace, Reset returns
// false, and the group can only be closed: some module writes to tables, drops segments, makes
// references to functions, has globals that are no plain numbers or data at computed offsets; a
// module other than the last has a start function, as what came after it may have changed what it
// finds; a call is still in progress; the group was interrupted or an instance failed; or a memory
// grew to its very maximum.
func (g *Group) Reset() bool {
	if g.closed || g.failed || g.calls != 0 || g.interrupted.Load() != nil {
		return false
	}
	if n := len(g.starts); n > 1 || n == 1 && g.starts[0] != g.last {
		return false
	}
	for i := range g.slots {
		if m := g.slots[i].module; m != nil && !m.canReset {
			return false
		}
	}
	for i := range g.slots {
		if inst := &g.slots[i]; inst.mod != nil && !inst.reset() {
			g.failed = true
			return false
		}
	}
	g.refused = false
	g.setIdle(true)
	g.runtime.engine.collect()
	return true
}

// Restart runs the start function again, if there is one, after Reset. The error
// is that of Instantiate.
func (g *Group) Restart(ctx *Context) error {
	g.setIdle(false)
	for _, slot := range g.starts {
		if err := g.runStart(ctx, slot); err != nil {
			return err
		}
	}
	return nil
}

// Starts reports whether Restart runs code of the guest's.
func (g *Group) Starts() bool { return len(g.starts) > 0 }

func (g *Group) setIdle(idle bool) {
	if g.idle == idle {
		return
	}
	g.idle = idle
	if idle {
		g.runtime.engine.idleGroups.Add(1)
	} else {
		g.runtime.engine.idleGroups.Add(-1)
	}
}

func (i *instance) reset() bool {
	if i.globals == nil {
		for _, global := range i.module.rewritten.Globals {
			g, ok := i.mod.ExportedGlobal(global.Name).(api.MutableGlobal)
			if !ok {
				return false
			}
			i.globals = append(i.globals, g)
		}
	}
	for k, g := range i.globals {
		g.Set(i.module.rewritten.Globals[k].Value)
	}
	if !i.module.ownsMemory() {
		return true
	}
	return i.memory.reset(i.mod.Memory())
}

// reset empties the memory and makes it as small as it was. wazero cannot shrink a memory, but
// takes the bytes that growing returns, whatever their number, and passes them to compiled code.
func (l *linear) reset(m api.Memory) bool {
	if l.backing.reset() != nil {
		return false
	}
	size := uint64(len(l.buf))
	if size == l.initial {
		l.buf = l.backing.resize(size) // from here on it counts as used again
	} else {
		l.shrink = true
		_, ok := m.Grow(1)
		l.shrink = false
		if !ok || uint64(len(l.buf)) != l.initial {
			return false
		}
		l.group.used -= size - l.initial
		l.group.linear.Add(-(size - l.initial))
	}
	return true
}
