package corewasm

import (
	"testing"

	ct "github.com/wasihttp/wasihttp/internal/corewasm/coretest"
)

func TestLocalsThatAreLostAreFound(t *testing.T) {
	const x, y = 0, 1
	set := func(l int) []byte { return ct.Code(ct.Const(2), ct.LocalSet, l) }
	read := func(l int) []byte { return ct.Code(ct.LocalGet, l, ct.Drop) }
	call := ct.Code(ct.Call, 0)
	// try has code in a try_table that catches everything, then what comes after it without an
	// exception, and what comes after either.
	try := func(code, without, after []byte) []byte {
		return ct.Code(ct.Block, ct.Void, ct.TryTable, ct.Void, 1, 2, 0, code, ct.End, without,
			ct.End, after)
	}
	for name, tt := range map[string]struct {
		code []byte
		want bool
	}{
		"set, then a call, then read": {try(ct.Code(set(x), call), nil, read(x)), true},
		"set after the last call":     {try(ct.Code(call, set(x)), nil, read(x)), false},
		"set in the block that reads": {try(ct.Code(set(x), call, read(x)), nil, nil), false},
		"another local is read":       {try(ct.Code(set(x), call), nil, read(y)), false},
		"set again before it is read": {
			try(ct.Code(set(x), call), nil, ct.Code(set(x), read(x))), false},
		"read only without an exception": {
			try(ct.Code(set(x), call), ct.Code(read(x), ct.Return), nil), false},
		"set before the block":    {ct.Code(set(x), try(call, nil, read(x))), false},
		"thrown where it was set": {try(ct.Code(set(x), ct.Throw, 0), nil, read(x)), true},
		"read in one arm": {try(ct.Code(set(x), call), nil,
			ct.Code(ct.LocalGet, y, ct.If, ct.Void, set(y), ct.Else, read(x), ct.End)), true},
		"set in one arm": {try(ct.Code(ct.LocalGet, y, ct.If, ct.Void, set(x), ct.End, call),
			nil, read(x)), true},
		"a loop in the block": {try(ct.Code(ct.Loop, ct.Void, call, set(x), ct.Br, 0, ct.End),
			nil, read(x)), true},
		"the block in a loop, which reads first": {ct.Code(ct.Loop, ct.Void, read(x),
			try(ct.Code(set(x), call), nil, nil), ct.Br, 0, ct.End), true},
		"the block in a loop, which sets first": {ct.Code(ct.Loop, ct.Void, set(x), read(x),
			try(ct.Code(set(x), call), nil, nil), ct.Br, 0, ct.End), false},
		"the block in a loop, where it goes on": {ct.Code(ct.Loop, ct.Void, read(x),
			ct.TryTable, ct.Void, 1, 2, 0, set(x), call, ct.End, ct.End), true},
		"an inner block catches": {try(try(ct.Code(set(x), call), nil, nil), nil, read(x)), true},
		"an outer block reads": {try(ct.Code(ct.TryTable, ct.Void, 1, 0, 0, 0,
			set(x), call, ct.End), nil, read(x)), true},
		"tail calls leave the block": {try(ct.Code(set(x), ct.ReturnCall, 0), nil, read(x)), false},
		"a block that catches nothing": {ct.Code(ct.TryTable, ct.Void, 0, set(x), call, ct.End,
			read(x)), false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := lostLocals(ct.Code(tt.code, ct.End), 2); got != tt.want {
				t.Errorf("found: %t", got)
			}
		})
	}
}
