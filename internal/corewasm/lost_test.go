package corewasm_test

import (
	"context"
	"testing"

	"github.com/tetratelabs/wazero"

	ct "github.com/wasihttp/wasihttp/internal/corewasm/coretest"
)

// catching is a module whose function "run" returns what its local 0 is in the end. It begins with
// 1. Function 1 throws tag 0 with its parameter, function 2 throws tag 1, and function 3 does
// nothing.
func catching(code []byte) []byte {
	param := ct.Sig([]byte{ct.I32}, nil)
	return ct.Module{
		Table: 1,
		Tags:  []ct.Type{param, sigVoid},
		Funcs: []ct.Func{
			{Type: ct.Sig(nil, []byte{ct.I32}), Export: "run",
				Locals: []byte{ct.I32, ct.I32, ct.ExnRef},
				Code:   ct.Code(ct.Const(1), ct.LocalSet, 0, code, ct.LocalGet, 0)},
			{Type: param, Code: ct.Code(ct.LocalGet, 0, ct.Throw, 0)},
			{Type: sigVoid, Code: ct.Code(ct.Throw, 1)},
			{Type: sigVoid},
		},
		Elems: []ct.Elem{{Offset: ct.Const(0), Funcs: []int{1}}},
	}.Bytes()
}

// caught has code in a try_table that catches tag 0, and adds what that was thrown with.
func caught(code []byte) []byte {
	return ct.Code(ct.Block, ct.I32, ct.TryTable, ct.Void, 1, 0, 0, 0, code, ct.End, ct.Const(0),
		ct.End, ct.LocalGet, 0, ct.I32Add, ct.LocalSet, 0)
}

func TestWhatIsSetBeforeAnExceptionStays(t *testing.T) {
	set := func(n int) []byte { return ct.Code(ct.Const(n), ct.LocalSet, 0) }
	throw := ct.Code(ct.Const(1000), ct.Call, 1)
	other := ct.Code(ct.Call, 2)
	// all has code in a try_table that catches everything.
	all := func(code []byte) []byte {
		return ct.Code(ct.Block, ct.Void, ct.TryTable, ct.Void, 1, 2, 0, code, ct.End, ct.End)
	}
	more := ct.Code(ct.LocalGet, 0, ct.Const(1), ct.I32Add, ct.LocalSet, 0)
	for name, tt := range map[string]struct {
		code []byte
		want string
	}{
		"a call":       {caught(ct.Code(set(2), throw)), "[1002]"},
		"no exception": {caught(ct.Code(set(2), ct.Call, 3)), "[2]"},
		"set twice":    {caught(ct.Code(set(2), ct.Call, 3, set(3), throw)), "[1003]"},
		"a throw":      {caught(ct.Code(set(2), ct.Const(500), ct.Throw, 0)), "[502]"},
		"through a table": {caught(ct.Code(set(2), ct.Const(7), ct.Const(0),
			ct.CallIndirect, 1, 0)), "[9]"},
		"thrown once more": {caught(ct.Code(set(2), ct.Block, ct.ExnRef,
			ct.TryTable, ct.Void, 1, 3, 0, throw, ct.End, ct.Unreachable, ct.End,
			ct.LocalSet, 2, set(3), ct.LocalGet, 2, ct.ThrowRef)), "[1003]"},
		"an inner block that catches another": {caught(ct.Code(set(2), ct.Block, ct.Void,
			ct.TryTable, ct.Void, 1, 0, 1, 0, set(3), throw, ct.End, ct.End)), "[1003]"},
		"an inner block that catches": {caught(ct.Code(set(2), all(ct.Code(set(3), other)), more,
			throw)), "[1004]"},
		"a loop in the block": {caught(ct.Code(ct.Loop, ct.Void, more, ct.LocalGet, 0, ct.Const(10),
			ct.I32LtU, ct.BrIf, 0, ct.End, throw)), "[1010]"},
		"calls in a loop in the block": {caught(ct.Code(ct.Loop, ct.Void, more, ct.Call, 3,
			ct.LocalGet, 0, ct.Const(10), ct.I32LtU, ct.BrIf, 0, ct.End, throw)), "[1010]"},
		"a block in a loop": {ct.Code(ct.Loop, ct.Void, all(ct.Code(more, other)),
			ct.LocalGet, 1, ct.Const(1), ct.I32Add, ct.LocalTee, 1, ct.Const(5), ct.I32LtU,
			ct.BrIf, 0, ct.End), "[6]"},
		"what is on the stack": {ct.Code(ct.Const(40), all(ct.Code(set(2), other)), ct.LocalGet, 0,
			ct.I32Add, ct.LocalSet, 0), "[42]"},
		"deep in the block": {caught(ct.Code(ct.LocalGet, 0, ct.If, ct.Void, set(2),
			ct.Block, ct.Void, throw, ct.End, ct.End)), "[1002]"},
		"one after the other": {
			ct.Code(all(ct.Code(more, other)), all(ct.Code(more, other))), "[3]"},
	} {
		t.Run(name, func(t *testing.T) {
			m := compiled(t, catching(tt.code), func() {})
			if got := call(t, m, "run"); got != tt.want {
				t.Errorf("got %s, not %s", got, tt.want)
			}
		})
	}
}

// TestTheEngineForgetsWhatWasSet is about the engine alone: once it fails, rewriting need not mind.
func TestTheEngineForgetsWhatWasSet(t *testing.T) {
	ctx := t.Context()
	r := wazero.NewRuntimeWithConfig(ctx,
		wazero.NewRuntimeConfigCompiler().WithCoreFeatures(features))
	defer func() { _ = r.Close(context.Background()) }()
	m, err := r.Instantiate(ctx, catching(caught(ct.Code(
		ct.Const(2), ct.LocalSet, 0, ct.Const(1000), ct.Call, 1))))
	if err != nil {
		t.Fatal(err)
	}
	if got := call(t, m, "run"); got != "[1001]" {
		t.Errorf("got %s: the engine keeps what a try_table sets, lost.go has no use any more", got)
	}
}
