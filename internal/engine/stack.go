package engine

import (
	"reflect"
	"runtime/debug"
	"unsafe"

	"github.com/tetratelabs/wazero/api"
)

// Guest code has a stack that wazero makes twice as large whenever it is full, up to hundreds of
// megabytes, and copies for each try_table that is entered. wazero does not report the size, so it
// is read from wazero's own fields at safepoints: there the guest is stopped if the stack has
// become too large, and the stack is counted as memory of the group.

const (
	// maxStack bounds the stack of an activation, in bytes. What is found to be larger is half used
	// at least. wasmtime allows half a megabyte, but its frames are up to an eighth of the size: an
	// interpreter's are 8 KiB here.
	maxStack = 16 << 20
	// maxCopies bounds what the copies of the stack take, in bytes.
	maxCopies = 64 << 20
	// keptStack is how large the stack of an activation may be that is kept for
	// another call, in bytes, with its copies.
	keptStack = 256 << 10
	// A stack that is larger than largeStack is not left to the collector of garbage
	// when it is not used any more, once there are collectAfter bytes of such stacks.
	largeStack   = 1 << 20
	collectAfter = 64 << 20
)

// activation is a function that can be called, one call at a time.
type activation struct {
	fn     api.Function
	self   unsafe.Pointer // fn
	layout *stackLayout   // nil: its stack cannot be seen
	// counted is the memory that the group's use has for it.
	counted uint64
}

// stackLayout holds where wazero's type for an activation has its stack, and the try_tables that it
// is in.
type stackLayout struct {
	typ             reflect.Type
	stack, handlers uintptr
	handlerSize     uint64
	unwinder        *unwinder // for profiles; nil if types are not as expected
}

// layoutOf finds the layout of an activation's type; nil if it has no stack.
func (e *Engine) layoutOf(fn api.Function) *stackLayout {
	t := reflect.TypeOf(fn)
	if l := e.layout.Load(); l != nil && l.typ == t {
		return l
	}
	if t.Kind() != reflect.Pointer || t.Elem().Kind() != reflect.Struct {
		return nil
	}
	stack, ok := t.Elem().FieldByName("stack")
	if !ok || stack.Type != reflect.TypeFor[[]byte]() {
		return nil
	}
	l := &stackLayout{typ: t, stack: stack.Offset}
	if h, ok := t.Elem().FieldByName("tryHandlers"); ok && h.Type.Kind() == reflect.Slice {
		l.handlers, l.handlerSize = h.Offset, uint64(h.Type.Elem().Size())
	}
	l.unwinder = unwinderOf(t)
	e.layout.Store(l)
	return l
}

func (e *Engine) activate(fn api.Function) *activation {
	a := &activation{fn: fn, layout: e.layoutOf(fn)}
	if a.layout != nil {
		a.self = reflect.ValueOf(fn).UnsafePointer()
	}
	return a
}

// slice is a slice of anything.
type slice struct {
	_        unsafe.Pointer
	len, cap int
}

// size returns what the stack takes, and what the copies of it that try_tables
// have had made may take, in bytes.
func (a *activation) size() (stack, copies uint64) {
	if a.layout == nil {
		return 0, 0
	}
	stack = uint64((*slice)(unsafe.Add(a.self, a.layout.stack)).len)
	if a.layout.handlerSize > 0 {
		// Those beyond the length hold the stacks that were copied last.
		n := uint64((*slice)(unsafe.Add(a.self, a.layout.handlers)).cap)
		copies = n * (stack + a.layout.handlerSize)
	}
	return stack, copies
}

// check counts what the activation's stack takes, and stops the guest if that is
// too much.
func (a *activation) check(g *Group) {
	stack, copies := a.size()
	if stack+copies <= a.counted {
		return
	}
	more := stack + copies - a.counted
	if !g.fits(more) {
		g.refused = true
	} else if stack <= maxStack && copies <= maxCopies {
		g.used += more
		a.counted += more
		return
	}
	panic(&hostPanic{errStack})
}

// errStack is the cause of the panic that stops a guest whose stack is too large.
var errStack = &Trap{Code: TrapStackOverflow}

// end subtracts what was counted for a call, and reports whether the activation may be kept for
// another one.
func (a *activation) end(g *Group) (keep bool) {
	g.used -= a.counted
	a.counted = 0
	stack, copies := a.size()
	if stack+copies <= keptStack {
		return true
	}
	if stack+copies > largeStack {
		g.runtime.engine.dropped.Add(stack + copies)
	}
	return false
}

// collect returns the memory of old stacks to the system when there is much of it: the collector
// would free it only after as much again was allocated.
func (e *Engine) collect() {
	if e.dropped.Load() >= collectAfter && e.dropped.Swap(0) >= collectAfter {
		debug.FreeOSMemory()
	}
}
