package engine

import (
	"errors"
	"strconv"
	"strings"
)

// TrapCode says why guest code was stopped.
type TrapCode int

// The causes of traps.
const (
	// TrapOther is a trap that wazero describes in words unknown here.
	TrapOther TrapCode = iota
	// TrapHost came from a host function or an interrupt: see [Trap.Cause].
	TrapHost
	TrapUnreachable
	TrapOutOfBounds
	TrapTableOutOfBounds
	TrapIndirectCallType
	TrapStackOverflow
	TrapIntegerOverflow
	TrapDivideByZero
	TrapBadConversion
	TrapUncaughtException
	TrapNullReference
	TrapUnalignedAtomic
)

// String gives the words that the specification's tests use, where they have any.
func (c TrapCode) String() string {
	switch c {
	case TrapHost:
		return "host error"
	case TrapUnreachable:
		return "unreachable"
	case TrapOutOfBounds:
		return "out of bounds memory access"
	case TrapTableOutOfBounds:
		return "undefined element"
	case TrapIndirectCallType:
		return "indirect call type mismatch"
	case TrapStackOverflow:
		return "call stack exhausted"
	case TrapIntegerOverflow:
		return "integer overflow"
	case TrapDivideByZero:
		return "integer divide by zero"
	case TrapBadConversion:
		return "invalid conversion to integer"
	case TrapUncaughtException:
		return "uncaught exception"
	case TrapNullReference:
		return "null reference"
	case TrapUnalignedAtomic:
		return "unaligned atomic"
	}
	return "trap"
}

func trapCode(text string) TrapCode {
	switch text {
	case "unreachable":
		return TrapUnreachable
	case "out of bounds memory access":
		return TrapOutOfBounds
	case "invalid table access":
		return TrapTableOutOfBounds
	case "indirect call type mismatch":
		return TrapIndirectCallType
	case "stack overflow":
		return TrapStackOverflow
	case "integer overflow":
		return TrapIntegerOverflow
	case "integer divide by zero":
		return TrapDivideByZero
	case "invalid conversion to integer":
		return TrapBadConversion
	case "uncaught exception":
		return TrapUncaughtException
	case "null reference":
		return TrapNullReference
	case "unaligned atomic":
		return TrapUnalignedAtomic
	}
	return TrapOther
}

// Trap is the error of a guest call that did not return.
type Trap struct {
	// Code is the innermost reason: when a host function panicked with the trap
	// of another call, it is that trap's code.
	Code TrapCode
	// Cause is what a host function panicked with or an interrupt gave; nil for
	// a trap of the guest's own.
	Cause error
	// Frames are innermost first. Those of a trap inside Cause come before
	// those of the call that Cause went through. wazero keeps 30 for each call,
	// none for an exhausted stack.
	Frames []Frame
}

// Frame is one activation in a backtrace.
type Frame struct {
	// Module is the module's name, "host" for a host function.
	Module string
	// Func is the name from the name section as it stands there, or that of the
	// host function; "" when it is not known.
	Func string
	// Index is the function's index in the module as it was compiled from.
	Index uint32
	// File and Line are from DWARF; "" and 0 when not known.
	File string
	Line int
}

// Error is one line without the backtrace.
func (t *Trap) Error() string {
	if t.Cause != nil {
		return t.Cause.Error()
	}
	return "wasm trap: " + t.Code.String()
}

// Unwrap gives Cause.
func (t *Trap) Unwrap() error { return t.Cause }

// trap makes a Trap of the error of a wazero call.
func (g *Group) trap(err error) *Trap {
	t := &Trap{}
	switch inner := errors.Unwrap(err).(type) {
	case nil:
		t.Code = trapCode(err.Error())
	case *hostPanic:
		t.Code, t.Cause = TrapHost, inner.cause
		var nested *Trap
		if errors.As(inner.cause, &nested) {
			t.Code = nested.Code
			t.Frames = append(t.Frames, nested.Frames...)
		}
	default:
		t.Code = trapCode(inner.Error())
	}
	if t.Code == TrapOther && t.Cause == nil {
		t.Cause = err
	}
	t.Frames = g.runtime.frames(t.Frames, err.Error())
	return t
}

// frames appends what wazero's text says of the stack. A line is
// "MODULE.$INDEX(SIGNATURE)": modules have no name section but a module name,
// so that nothing in it can be taken for something else.
func (r *Runtime) frames(frames []Frame, text string) []Frame {
	_, stack, ok := strings.Cut(text, "\nwasm stack trace:\n\t")
	if !ok {
		return frames
	}
	for _, line := range strings.Split(stack, "\n\t") {
		if source, ok := strings.CutPrefix(line, "\t"); ok {
			_ = source
			continue
		}
		if f, ok := r.frame(line); ok {
			frames = append(frames, f)
		}
	}
	return frames
}

func (r *Runtime) frame(line string) (Frame, bool) {
	if i := strings.LastIndexByte(line, '('); i >= 0 {
		line = line[:i]
	}
	// Results in parentheses leave the parameters' behind.
	if i := strings.IndexByte(line, '('); i >= 0 {
		line = line[:i]
	}
	module, fn, ok := strings.Cut(line, ".")
	if !ok {
		return Frame{}, false
	}
	if module == hostModule {
		return Frame{Module: hostModule, Func: fn}, fn != safepointName
	}
	index, err := strconv.ParseUint(strings.TrimPrefix(fn, "$"), 10, 32)
	r.mu.Lock()
	m := r.modules[module]
	r.mu.Unlock()
	if err != nil || m == nil {
		return Frame{}, false
	}
	original, ok := m.rewritten.OriginalFunc(uint32(index))
	return Frame{Module: m.Name(), Func: m.funcNames().Func(original), Index: original}, ok
}
