package validate

import (
	"fmt"

	"github.com/wasihttp/wasihttp/component/internal/binary"
)

// CanonName names a canonical definition as the text format does.
func CanonName(op binary.CanonOp) string {
	names := map[binary.CanonOp]string{
		binary.CanonLift:                  "lift",
		binary.CanonLower:                 "lower",
		binary.CanonResourceNew:           "resource.new",
		binary.CanonResourceDrop:          "resource.drop",
		binary.CanonResourceRep:           "resource.rep",
		binary.CanonTaskCancel:            "task.cancel",
		binary.CanonSubtaskCancel:         "subtask.cancel",
		binary.CanonBackpressureSet:       "backpressure.set",
		binary.CanonTaskReturn:            "task.return",
		binary.CanonContextGet:            "context.get",
		binary.CanonContextSet:            "context.set",
		binary.CanonThreadYield:           "thread.yield",
		binary.CanonSubtaskDrop:           "subtask.drop",
		binary.CanonStreamNew:             "stream.new",
		binary.CanonStreamRead:            "stream.read",
		binary.CanonStreamWrite:           "stream.write",
		binary.CanonStreamCancelRead:      "stream.cancel-read",
		binary.CanonStreamCancelWrite:     "stream.cancel-write",
		binary.CanonStreamDropReadable:    "stream.drop-readable",
		binary.CanonStreamDropWritable:    "stream.drop-writable",
		binary.CanonFutureNew:             "future.new",
		binary.CanonFutureRead:            "future.read",
		binary.CanonFutureWrite:           "future.write",
		binary.CanonFutureCancelRead:      "future.cancel-read",
		binary.CanonFutureCancelWrite:     "future.cancel-write",
		binary.CanonFutureDropReadable:    "future.drop-readable",
		binary.CanonFutureDropWritable:    "future.drop-writable",
		binary.CanonErrorContextNew:       "error-context.new",
		binary.CanonErrorContextDebugMsg:  "error-context.debug-message",
		binary.CanonErrorContextDrop:      "error-context.drop",
		binary.CanonWaitableSetNew:        "waitable-set.new",
		binary.CanonWaitableSetWait:       "waitable-set.wait",
		binary.CanonWaitableSetPoll:       "waitable-set.poll",
		binary.CanonWaitableSetDrop:       "waitable-set.drop",
		binary.CanonWaitableJoin:          "waitable.join",
		binary.CanonBackpressureInc:       "backpressure.inc",
		binary.CanonBackpressureDec:       "backpressure.dec",
		binary.CanonThreadIndex:           "thread.index",
		binary.CanonThreadNewIndirect:     "thread.new-indirect",
		binary.CanonThreadResumeLater:     "thread.resume-later",
		binary.CanonThreadSuspend:         "thread.suspend",
		binary.CanonThreadSuspendThenRes:  "thread.suspend-then-resume",
		binary.CanonThreadYieldThenRes:    "thread.yield-then-resume",
		binary.CanonThreadSuspendThenProm: "thread.suspend-then-promote",
		binary.CanonThreadYieldThenProm:   "thread.yield-then-promote",
		binary.CanonThreadSpawnRef:        "thread.spawn-ref",
		binary.CanonThreadSpawnIndirect:   "thread.spawn-indirect",
		binary.CanonThreadParallelism:     "thread.available-parallelism",
	}
	if name, ok := names[op]; ok {
		return name
	}
	return fmt.Sprintf("canonical definition 0x%02x", byte(op))
}

// canonFeature returns the gated features that a canonical definition needs.
func canonFeature(c *binary.Canon) Features {
	switch c.Op {
	case binary.CanonLift, binary.CanonLower:
		if c.Opts.Async {
			return Async
		}
		return 0
	case binary.CanonResourceNew, binary.CanonResourceDrop, binary.CanonResourceRep:
		return 0
	case binary.CanonStreamRead, binary.CanonStreamWrite, binary.CanonFutureRead,
		binary.CanonFutureWrite:
		if !c.Opts.Async {
			return Async | AsyncBuiltins
		}
	case binary.CanonStreamCancelRead, binary.CanonStreamCancelWrite, binary.CanonFutureCancelRead,
		binary.CanonFutureCancelWrite, binary.CanonSubtaskCancel:
		if c.Async {
			return Async | AsyncBuiltins
		}
	case binary.CanonErrorContextNew, binary.CanonErrorContextDebugMsg,
		binary.CanonErrorContextDrop:
		return ErrorContext
	case binary.CanonThreadIndex, binary.CanonThreadNewIndirect, binary.CanonThreadResumeLater,
		binary.CanonThreadSuspend, binary.CanonThreadSuspendThenRes, binary.CanonThreadYieldThenRes,
		binary.CanonThreadSuspendThenProm, binary.CanonThreadYieldThenProm:
		return Async | Threads
	case binary.CanonThreadSpawnRef, binary.CanonThreadSpawnIndirect, binary.CanonThreadParallelism:
		return Async | SharedThreads
	}
	return Async
}

// builtin checks any canonical definition but lift and returns the type of its core function.
func (s *scope) builtin(c *binary.Canon) (*coreFunc, error) {
	switch c.Op {
	case binary.CanonLower:
		return s.lower(c)
	case binary.CanonResourceNew, binary.CanonResourceRep:
		return plainFunc([]byte{i32}, []byte{i32}), s.localResource(c.Type)
	case binary.CanonResourceDrop:
		_, err := s.resourceAt(c.Type)
		return plainFunc([]byte{i32}, nil), err
	case binary.CanonTaskReturn:
		return s.taskReturn(c)
	case binary.CanonContextGet:
		return plainFunc(nil, []byte{byte(c.ValType)}), s.contextSlot(c)
	case binary.CanonContextSet:
		return plainFunc([]byte{byte(c.ValType)}, nil), s.contextSlot(c)
	case binary.CanonTaskCancel, binary.CanonBackpressureInc, binary.CanonBackpressureDec:
		return plainFunc(nil, nil), nil
	case binary.CanonBackpressureSet, binary.CanonSubtaskDrop, binary.CanonWaitableSetDrop,
		binary.CanonErrorContextDrop, binary.CanonThreadResumeLater:
		return plainFunc([]byte{i32}, nil), nil
	case binary.CanonWaitableJoin:
		return plainFunc([]byte{i32, i32}, nil), nil
	case binary.CanonWaitableSetNew, binary.CanonThreadYield, binary.CanonThreadIndex,
		binary.CanonThreadSuspend, binary.CanonThreadParallelism:
		return plainFunc(nil, []byte{i32}), nil
	case binary.CanonWaitableSetWait, binary.CanonWaitableSetPoll:
		return plainFunc([]byte{i32, i32}, []byte{i32}), s.checkMemory(c.Memory)
	case binary.CanonSubtaskCancel, binary.CanonThreadSuspendThenRes,
		binary.CanonThreadYieldThenRes, binary.CanonThreadSuspendThenProm,
		binary.CanonThreadYieldThenProm:
		return plainFunc([]byte{i32}, []byte{i32}), nil
	case binary.CanonErrorContextNew:
		return plainFunc([]byte{i32, i32}, []byte{i32}), errorContextOpts(&c.Opts, false)
	case binary.CanonErrorContextDebugMsg:
		return plainFunc([]byte{i32, i32}, nil), errorContextOpts(&c.Opts, true)
	case binary.CanonThreadNewIndirect, binary.CanonThreadSpawnRef, binary.CanonThreadSpawnIndirect:
		return s.newThread(c)
	}
	return s.streamBuiltin(c)
}

// localResource demands a resource type that this very component defines.
func (s *scope) localResource(index uint32) error {
	r, err := s.resourceAt(index)
	if err != nil {
		return err
	}
	if r.id.owner != s {
		return fmt.Errorf(
			"type index %d is not a local resource: this component does not define it", index)
	}
	return nil
}

func (s *scope) taskReturn(c *binary.Canon) (*coreFunc, error) {
	if err := onlyOpts(&c.Opts, false, false, false, false); err != nil {
		return nil, err
	}
	t, err := s.optValType(c.Result)
	if err != nil {
		return nil, err
	}
	if t == nil {
		return plainFunc(nil, nil), nil
	}
	f := t.facts()
	if f.hasBorrow {
		return nil, fmt.Errorf("a function result cannot contain a borrow")
	}
	if err := requireLower(&c.Opts, f); err != nil {
		return nil, err
	}
	flat, spilled := liftedParams(f)
	if spilled {
		if err := requireMemory(&c.Opts); err != nil {
			return nil, err
		}
	}
	return plainFunc(flat, nil), nil
}

func (s *scope) contextSlot(c *binary.Canon) error {
	if c.ValType != binary.CoreI32 {
		return fmt.Errorf("context slots hold i32, found %s", c.ValType)
	}
	if c.Slot >= maxContextSlots {
		return fmt.Errorf("context slot %d is out of bounds: there are %d", c.Slot, maxContextSlots)
	}
	return nil
}

func errorContextOpts(o *binary.CanonOpts, realloc bool) error {
	if err := onlyOpts(o, true, false, false, false); err != nil {
		return err
	}
	if err := requireMemory(o); err != nil {
		return err
	}
	if realloc && o.Realloc == nil {
		return fmt.Errorf("canonical option realloc is required")
	}
	return nil
}

func (s *scope) newThread(c *binary.Canon) (*coreFunc, error) {
	def, err := s.resolveCore(c.Type)
	if err != nil {
		return nil, err
	}
	if def.fn == nil {
		return nil, fmt.Errorf("core type %d is not a function type", c.Type)
	}
	if err := def.fn.expect("the start function of a thread", []byte{i32}, nil); err != nil {
		return nil, err
	}
	f := plainFunc([]byte{i32, i32}, []byte{i32})
	if c.Op == binary.CanonThreadSpawnRef {
		const nullableRef = 0x63
		f.params[0] = nullableRef | coreVal(def.id)<<8
		return f, nil
	}
	table, err := s.coreItemAt(binary.SortCoreTable, c.Table)
	switch {
	case err != nil:
		return nil, err
	case table.val != coreVal(binary.CoreFuncRef):
		return nil, fmt.Errorf("core table %d does not hold funcref but %s", c.Table,
			binary.CoreValType(table.val))
	case table.limits.Is64:
		return nil, fmt.Errorf("core table %d has 64-bit indices, which are not supported", c.Table)
	}
	return f, nil
}

// streamBuiltin checks the built-ins of streams and futures.
func (s *scope) streamBuiltin(c *binary.Canon) (*coreFunc, error) {
	want := binary.OpStream
	switch c.Op {
	case binary.CanonFutureNew, binary.CanonFutureRead, binary.CanonFutureWrite,
		binary.CanonFutureCancelRead, binary.CanonFutureCancelWrite, binary.CanonFutureDropReadable,
		binary.CanonFutureDropWritable:
		want = binary.OpFuture
	}
	found, err := s.typeAt(c.Type)
	if err != nil {
		return nil, err
	}
	t, ok := found.(*defType)
	if !ok || t.op != want {
		return nil, fmt.Errorf("type index %d is not a %s type but %s", c.Type, opName(want),
			article(typeKind(found)))
	}
	switch c.Op {
	case binary.CanonStreamNew, binary.CanonFutureNew:
		return plainFunc(nil, []byte{i64}), nil
	case binary.CanonStreamDropReadable, binary.CanonStreamDropWritable,
		binary.CanonFutureDropReadable, binary.CanonFutureDropWritable:
		return plainFunc([]byte{i32}, nil), nil
	case binary.CanonStreamRead, binary.CanonFutureRead:
		if err := copyOpts(&c.Opts, t.elem, requireLift); err != nil {
			return nil, err
		}
	case binary.CanonStreamWrite, binary.CanonFutureWrite:
		if err := copyOpts(&c.Opts, t.elem, requireLower); err != nil {
			return nil, err
		}
	default: // cancel-read, cancel-write
		return plainFunc([]byte{i32}, []byte{i32}), nil
	}
	if want == binary.OpFuture {
		return plainFunc([]byte{i32, i32}, []byte{i32}), nil
	}
	return plainFunc([]byte{i32, i32, i32}, []byte{i32}), nil
}

// copyOpts checks the options of a read or write of elements.
func copyOpts(o *binary.CanonOpts, elem *valType,
	require func(*binary.CanonOpts, facts) error) error {
	if err := onlyOpts(o, true, false, false, true); err != nil {
		return err
	}
	if elem == nil {
		return nil
	}
	if err := requireMemory(o); err != nil {
		return err
	}
	return require(o, elem.facts())
}
