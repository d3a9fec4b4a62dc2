package component

import (
	"strings"
	"testing"

	"github.com/wasihttp/wasihttp/component/internal/types"
)

// A guest can name the same bytes many times over: what is lifted of them must not outgrow the
// host.
func TestOverlappingListsDoNotOutgrowTheHost(t *testing.T) {
	str, u32 := types.NewPrim(types.String), types.NewPrim(types.U32)
	for name, typ := range map[string]*types.Type{
		"strings":          types.NewList(str),
		"lists of bytes":   types.NewList(types.NewList(types.NewPrim(types.U8))),
		"lists of numbers": types.NewList(types.NewList(u32)),
		"lists of lists":   types.NewList(types.NewList(types.NewList(types.NewList(u32)))),
		"records in lists": types.NewList(types.NewRecord([]types.Field{{Name: "a",
			Type: str}})),
		"maps":                  types.NewList(types.NewMap(u32, u32)),
		"options of long lists": types.NewList(types.NewTuple([]types.Field{{Type: types.NewList(types.NewOption(u32))}})),
	} {
		t.Run(name, func(t *testing.T) {
			bed := newABIBed(t)
			c := bed.cx(0)
			// A table of pairs: the address of the table and the number of bytes, or of elements,
			// of which there may be as many.
			const at, pairs = 0x1000, 0x7000 // whose bytes are text too
			for i := range uint32(pairs) {
				le.PutUint32(c.mem[at+8*i:], at)
				le.PutUint32(c.mem[at+8*i+4:], pairs)
			}
			stack, pos := []uint64{at, pairs}, 0
			trap := trapped(func() { c.liftFlat(typ, stack, &pos) })
			if trap == nil || !strings.Contains(trap.Msg, "too large for the host") {
				t.Errorf("%v: %v", typ, trap)
			}
		})
	}
}

// What one list or string may have at most stays allowed by the bound on a whole call.
func TestTheLargestBytesAreLifted(t *testing.T) {
	if maxListBytes > maxLifted || maxStringBytes > maxLifted {
		t.Errorf("a list of %d or a string of %d bytes exceeds %d", maxListBytes, maxStringBytes,
			maxLifted)
	}
}

// A guest that starts calls without end is stopped before the host runs out of memory.
func TestThreadsAreBounded(t *testing.T) {
	s := &Store{}
	for range maxThreads {
		s.parked = append(s.parked, &thread{})
	}
	trap := trapped(func() { s.newThread(nil, nil) })
	if trap == nil || !strings.Contains(trap.Msg, "too many calls and threads") {
		t.Errorf("one more: %v", trap)
	}
}

// A guest that leaks handles is stopped before the host runs out of memory, whichever of its
// instances have them.
func TestHandlesAreBounded(t *testing.T) {
	for name, tt := range map[string]struct {
		lim  Limits
		want int
	}{
		"no limit":       {Limits{}, maxHandles},
		"little memory":  {Limits{MemoryBytes: 1 << 16}, fewestHandles},
		"some memory":    {Limits{MemoryBytes: 128 << 20}, 128 << 20 / bytesPerHandle},
		"plenty of it":   {Limits{MemoryBytes: 4 << 30}, maxHandles},
		"beyond 32 bits": {Limits{MemoryBytes: 1<<64 - 1}, maxHandles},
	} {
		t.Run(name, func(t *testing.T) {
			count := handleCount{limit: handleLimit(tt.lim)}
			full, other := table{count: &count}, table{count: &count}
			if got := other.addOther(nil); got != 1 {
				t.Fatalf("the first handle has the index %d", got)
			}
			for i := range uint32(tt.want - 1) {
				if got := full.addOther(nil); got != i+1 {
					t.Fatalf("handle %d has the index %d", i+1, got)
				}
			}
			for _, one := range []*table{&full, &other} {
				trap := trapped(func() { one.addOther(nil) })
				if trap == nil || !strings.Contains(trap.Msg, "handle table is full") {
					t.Errorf("one more: %v", trap)
				}
			}
			other.remove(1)
			full.remove(17)
			if got := full.addOther(nil); got != 17 {
				t.Errorf("the freed index 17 was not used again, but %d", got)
			}
		})
	}
}
