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
	// TrapOther is a trap whose description by wazero is unknown here.
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

// String returns the words of the specification's tests, where they have any.
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
	// Code is the innermost reason: if a host function panicked with the trap of another call, it
	// is that trap's code.
	Code TrapCode
	// Cause is the value of a host function's panic, or the cause of an interrupt; nil for a trap
	// of the guest's own.
	Cause error
	// Frames are innermost first. Those of a trap inside Cause come before
	// those of the call that Cause went through. wazero keeps 30 for each call.
	Frames []Frame
	// MemoryRefused is true if the limit had kept a memory from growing before: programs often trap
	// because of that.
	MemoryRefused bool
}

// Frame is one activation in a backtrace.
type Frame struct {
	// Module is the module's name, "host" for a host function.
	Module string
	// Func is the unchanged name from the name section, or that of the host function; "" if it is
	// not known.
	Func string
	// Index is the function's index in the module as it was compiled from.
	Index uint32
	// File and Line are from DWARF; "" and 0 if they are not known.
	File string
	Line int
	// Inlined is true if Func was inlined into the function of a later frame, whose Index both
	// have.
	Inlined bool
}

// Error returns one line without the backtrace.
func (t *Trap) Error() string {
	if t.Cause != nil {
		return t.Cause.Error()
	}
	return "wasm trap: " + t.Code.String()
}

// Unwrap returns Cause.
func (t *Trap) Unwrap() error { return t.Cause }

// trap makes a Trap of the error of a wazero call.
func (g *Group) trap(err error) *Trap {
	t := &Trap{MemoryRefused: g.refused}
	switch inner := errors.Unwrap(err).(type) {
	case nil:
		t.Code = trapCode(err.Error())
	case *hostPanic:
		t.Code, t.Cause = TrapHost, inner.cause
		var nested *Trap
		if inner.cause == errStack {
			t.Code, t.Cause = TrapStackOverflow, nil
		} else if errors.As(inner.cause, &nested) {
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
	lines := strings.Split(stack, "\n\t")
	for i, line := range lines {
		if strings.HasPrefix(line, "\t") {
			continue // belongs to the frame before
		}
		f, m := r.frame(line)
		if m == nil && f.Module != HostModule {
			continue
		}
		if i+1 < len(lines) && strings.HasPrefix(lines[i+1], "\t") {
			frames = append(frames, m.sourceFrames(f, lines[i+1])...)
			continue
		}
		frames = append(frames, f)
	}
	return frames
}

// sourceFrames splits a frame into those of the functions inlined there. wazero's source line is
// from the synthetic line table, "x:OFFSET".
func (m *Module) sourceFrames(f Frame, source string) []Frame {
	_, source, _ = strings.Cut(source, "x:")
	digits, _, _ := strings.Cut(source, ":")
	digits, _, _ = strings.Cut(digits, " ")
	offset, err := strconv.ParseUint(digits, 10, 32)
	if err != nil {
		return []Frame{f}
	}
	return m.positioned(f, offset)
}

// positioned splits a frame into those of the functions inlined at an offset of the code.
func (m *Module) positioned(f Frame, offset uint64) []Frame {
	at := m.debug.positions(offset)
	if len(at) == 0 {
		return []Frame{f}
	}
	frames := make([]Frame, 0, len(at))
	for _, p := range at {
		frame := f
		frame.File, frame.Line = p.file, p.line
		if p.fn != "" {
			frame.Func, frame.Inlined = p.fn, true
		}
		frames = append(frames, frame)
	}
	return frames
}

// frame reads one line. The module is nil for host functions; both are zero for frames that are not
// shown.
func (r *Runtime) frame(line string) (Frame, *Module) {
	if i := strings.IndexByte(line, '('); i >= 0 {
		line = line[:i]
	}
	module, fn, ok := strings.Cut(line, ".")
	if !ok {
		return Frame{}, nil
	}
	if module == HostModule {
		if fn == safepointName {
			return Frame{}, nil
		}
		return Frame{Module: HostModule, Func: fn}, nil
	}
	index, err := strconv.ParseUint(strings.TrimPrefix(fn, "$"), 10, 32)
	r.mu.Lock()
	m := r.modules[module]
	r.mu.Unlock()
	if err != nil || m == nil || m.hidden {
		return Frame{}, nil
	}
	original, ok := m.rewritten.OriginalFunc(uint32(index))
	if !ok {
		return Frame{}, nil
	}
	return Frame{Module: m.Name(), Func: m.funcNames().Func(original), Index: original}, m
}
