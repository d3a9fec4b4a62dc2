package engine

import (
	"encoding/binary"
	"reflect"
	"runtime"
	"unsafe"

	"github.com/tetratelabs/wazero/experimental"
)

// wazero shows the innermost frames of a stack only, about 30, which is less than interpreters have
// for one line of a program. For profiles the rest is read from the stack itself, where wazero's
// types are as expected; elsewhere stacks are cut.

const (
	// shownFrames is how many frames wazero shows at least of a stack that has more.
	shownFrames = 29
	// maxFrames bounds how many frames of a stack are looked at.
	maxFrames = 512
)

// unwinder holds where wazero's iterator over a stack keeps its return addresses.
type unwinder struct {
	typ   reflect.Type
	addrs uintptr
}

// unwinderOf finds the layout of an iterator's type; nil if it is not as expected.
func (e *Engine) unwinderOf(it experimental.StackIterator) *unwinder {
	t := reflect.TypeOf(it)
	if u := e.unwinder.Load(); u != nil && u.typ == t {
		return u
	}
	if t.Kind() != reflect.Pointer || t.Elem().Kind() != reflect.Struct {
		return nil
	}
	f, ok := t.Elem().FieldByName("retAddrs")
	if !ok || f.Type != reflect.TypeFor[[]uintptr]() {
		return nil
	}
	u := &unwinder{t, f.Offset}
	e.unwinder.Store(u)
	return u
}

// frameField returns where a type for activations has the frame pointer of guest code that has
// called the host; 0 if it is not as expected, or if the processor's stacks have none.
func frameField(activation reflect.Type) uintptr {
	if runtime.GOARCH != "amd64" {
		return 0
	}
	ctx, ok := activation.FieldByName("execCtx")
	if !ok || ctx.Type.Kind() != reflect.Struct {
		return 0
	}
	fp, ok := ctx.Type.FieldByName("framePointerBeforeGoCall")
	if !ok || fp.Type != reflect.TypeFor[uintptr]() {
		return 0
	}
	return ctx.Offset + fp.Offset
}

// deepen makes an iterator over the stack of an activation, which has called the host, show all
// frames, up to maxFrames.
func (e *Engine) deepen(it experimental.StackIterator, a *activation) {
	if a == nil || a.layout == nil || a.layout.frame == 0 {
		return
	}
	u := e.unwinderOf(it)
	if u == nil {
		return
	}
	shown := (*[]uintptr)(unsafe.Add(reflect.ValueOf(it).UnsafePointer(), u.addrs))
	if len(*shown) < shownFrames {
		return
	}
	stack := *(*[]byte)(unsafe.Add(a.self, a.layout.stack))
	if len(stack) == 0 {
		return
	}
	base := uintptr(unsafe.Pointer(unsafe.SliceData(stack)))
	top := (base + uintptr(len(stack)) - 1) &^ 15 // as wazero aligns it
	frame := *(*uintptr)(unsafe.Add(a.self, a.layout.frame))
	addrs := (*shown)[:1:1] // where the call of the host returns to
	for len(addrs) <= maxFrames {
		if frame < base || frame+16 > top {
			break
		}
		at := stack[frame-base:]
		caller := uintptr(binary.LittleEndian.Uint64(at))
		addrs = append(addrs, uintptr(binary.LittleEndian.Uint64(at[8:])))
		if caller <= frame {
			break
		}
		frame = caller
	}
	// The last is what wazero enters guest code by, or one too many.
	*shown = addrs[:len(addrs)-1]
}
