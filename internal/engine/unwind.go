package engine

import (
	"encoding/binary"
	"reflect"
	"runtime"
	"slices"
	"unsafe"

	"github.com/tetratelabs/wazero/experimental"
)

// wazero shows the stack of guest code to listeners only: the innermost frames, about 30, which is
// less than interpreters have for one line of a program, and at each call that has a listener,
// which is more than a profile needs. So stacks are read here, where wazero's types are as
// expected; elsewhere profiles have no stacks.

// maxFrames bounds how many frames of a stack are looked at.
const maxFrames = 512

// unwinder holds where wazero's types have the stack of guest code that has called the host, and
// what finds functions by addresses in their code.
type unwinder struct {
	// In an activation: where its stack begins, and where it ends: a frame pointer on amd64, a
	// stack pointer on arm64.
	top, at uintptr
	// parents lead from an activation to what knows all code.
	parents []uintptr
	// iterators find functions by addresses. In one: the addresses, and what knows all code.
	iterators    reflect.Type
	addrs, knows uintptr
}

// unwinderOf finds the layout of a type of activations; nil if it is not as expected.
func unwinderOf(activation reflect.Type) *unwinder {
	u := &unwinder{}
	ok := true
	field := func(t reflect.Type, name string, kind reflect.Kind) reflect.StructField {
		if t.Kind() == reflect.Pointer {
			t = t.Elem()
		}
		if t.Kind() != reflect.Struct {
			ok = false
			return reflect.StructField{Type: reflect.TypeFor[struct{}]()}
		}
		f, found := t.FieldByName(name)
		if ok = ok && found && f.Type.Kind() == kind; !ok {
			f.Type = reflect.TypeFor[struct{}]()
		}
		return f
	}
	u.top = field(activation, "stackTop", reflect.Uintptr).Offset
	exec := field(activation, "execCtx", reflect.Struct)
	switch runtime.GOARCH {
	case "amd64":
		u.at = exec.Offset + field(exec.Type, "framePointerBeforeGoCall", reflect.Uintptr).Offset
	case "arm64":
		u.at = exec.Offset + field(exec.Type, "stackPointerBeforeGoCall", reflect.Pointer).Offset
	default:
		return nil
	}
	t := activation
	for range 3 {
		f := field(t, "parent", reflect.Pointer)
		u.parents, t = append(u.parents, f.Offset), f.Type
	}
	u.iterators = field(activation, "stackIteratorImpl", reflect.Struct).Type
	u.addrs = field(u.iterators, "retAddrs", reflect.Slice).Offset
	knows := field(u.iterators, "eng", reflect.Pointer)
	u.knows = knows.Offset
	if !ok || knows.Type != t || !reflect.PointerTo(u.iterators).Implements(
		reflect.TypeFor[experimental.StackIterator]()) {
		return nil
	}
	return u
}

// callers appends where the calls on the stack of an activation, which has called the host, return
// to, innermost first, as far as there is room. whole reports whether these are all.
func (a *activation) callers(room []uintptr) (addrs []uintptr, whole bool) {
	if a == nil || a.layout == nil || a.layout.unwinder == nil {
		return room, false
	}
	u := a.layout.unwinder
	stack := *(*[]byte)(unsafe.Add(a.self, a.layout.stack))
	if len(stack) == 0 {
		return room, false
	}
	base := uintptr(unsafe.Pointer(unsafe.SliceData(stack)))
	at := *(*uintptr)(unsafe.Add(a.self, u.at)) - base
	end := *(*uintptr)(unsafe.Add(a.self, u.top)) - base
	if end > uintptr(len(stack)) {
		return room, false
	}
	stack = stack[:end]
	word := func(i uintptr) (uintptr, bool) {
		if i > end || end-i < 8 {
			return 0, false
		}
		return uintptr(binary.LittleEndian.Uint64(stack[i:])), true
	}
	addrs = room
	for {
		var addr, next uintptr
		var ok bool
		if runtime.GOARCH == "amd64" {
			// The frame of the caller, and where the call returns to.
			next, ok = word(at)
			addr, _ = word(at + 8)
			next -= base
		} else {
			// How large the frame is, which has 16 bytes more; then where the call returns to, and
			// how large the parameters are.
			var size, params uintptr
			size, ok = word(at)
			at += size + 16
			addr, _ = word(at)
			params, _ = word(at + 8)
			next = at + 16 + params
		}
		if !ok || next >= end || next <= at { // the last is what wazero enters guest code by
			break
		}
		if len(addrs) == cap(addrs) {
			return addrs, false
		}
		addrs = append(addrs, addr)
		at = next
	}
	return addrs, true
}

// iterator returns one that shows the function with that address in its code, if there is one.
func (a *activation) iterator(addr uintptr) experimental.StackIterator {
	u := a.layout.unwinder
	knows := a.self
	for _, parent := range u.parents {
		if knows = *(*unsafe.Pointer)(unsafe.Add(knows, parent)); knows == nil {
			return nil
		}
	}
	it := reflect.New(u.iterators)
	self := it.UnsafePointer()
	*(*[]uintptr)(unsafe.Add(self, u.addrs)) = slices.Clone([]uintptr{addr})
	*(*unsafe.Pointer)(unsafe.Add(self, u.knows)) = knows
	return it.Interface().(experimental.StackIterator)
}
