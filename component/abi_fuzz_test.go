package component

import (
	"testing"

	"github.com/wasihttp/wasihttp/component/internal/types"
)

// FuzzCanonicalABI lowers values of arbitrary types into a guest's memory and lifts them again,
// through each string encoding and from each into each other, and lifts what arbitrary bytes in
// that memory stand for. What comes back must be what went in; what cannot be lifted must trap and
// not panic.
func FuzzCanonicalABI(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte("\x0c\x00\x05h\x00\xe9\x01\x20\x02\x05\x03"))              // a string beyond Latin-1
	f.Add([]byte("\x10\x0c\x03\x02a\x00b\x00\x01\xe9\x01"))                 // list<string>
	f.Add([]byte("\x13\x03\x0c\x02\x0f\x0e\x90\x01\x02\x03\x04\x05\x06"))   // a record
	f.Add([]byte("\x15\x02\x01\x09\x02\x07\x01\x0a\x01\x02\x03\x04\x05"))   // a variant of joined floats
	f.Add([]byte("\x11\x02\x04\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"))   // a fixed-length list
	f.Add([]byte("\x12\x17\x01\x0c\x01\x08\x03\x01k\x00\x01v\x00\x00\x01")) // a map of results
	bed := newABIBed(f)
	host := &types.Resource{Name: "thing", Host: &Resource{Name: "thing"}}
	f.Fuzz(func(t *testing.T, data []byte) {
		c := &chance{data}
		typ := c.typ(3, host)
		v := c.value(typ)
		for from := range encodings {
			for to := range encodings {
				bed.reset(t)
				first := bed.memoryTrip(from, typ, v)
				if second := bed.memoryTrip(to, typ, first); !same(typ, v, first) ||
					!same(typ, v, second) {
					t.Fatalf("%v: %v became %v in %s, then %v in %s", typ, v, first,
						encodings[from], second, encodings[to])
				}
			}
			if got, ok := bed.flatTrip(t, from, typ, v); ok && !same(typ, v, got) {
				t.Fatalf("%v: %v became %v as flat values in %s", typ, v, got, encodings[from])
			}
		}
		bed.reset(t)
		for encoding := range encodings {
			bed.liftBytes(encoding, typ, c.uint64(), c.data)
		}
		if n := len(bed.inst.table.entries); n > 1<<20 {
			t.Fatalf("%d handles are left", n)
		}
	})
}

// memoryTrip lowers a value into memory and lifts it from there.
func (b *abiBed) memoryTrip(encoding int, t *types.Type, v Value) Value {
	to := b.cx(encoding)
	p := to.realloc(0, 0, t.Align(), t.Size())
	to.store(t, v, p)
	from := b.cx(encoding)
	from.check(p, t.Size(), t.Align(), "value")
	return from.load(t, p)
}

// flatTrip lowers a value to core values and lifts it from those; ok is false for a type that has
// too many.
func (b *abiBed) flatTrip(t *testing.T, encoding int, typ *types.Type, v Value) (got Value,
	ok bool) {
	if typ.FlatLen() > types.MaxFlatParams {
		return Value{}, false
	}
	stack := make([]uint64, typ.FlatLen())
	to, pos := b.cx(encoding), 0
	to.lowerFlat(typ, v, stack, &pos)
	from, end := b.cx(encoding), 0
	got = from.liftFlat(typ, stack, &end)
	if pos != len(stack) || end != pos {
		t.Fatalf("%v: lowered %d and lifted %d of %d core values", typ, pos, end, len(stack))
	}
	return got, true
}

// liftBytes lifts whatever the bytes stand for, as a value in memory and as core values.
func (b *abiBed) liftBytes(encoding int, t *types.Type, at uint64, data []byte) {
	c := b.cx(encoding)
	p := uint32(at) % uint32(len(c.mem))
	copy(c.mem[p:], data)
	trapped(func() {
		c.check(p, t.Size(), t.Align(), "value")
		c.load(t, p)
	})
	if t.FlatLen() > types.MaxFlatParams {
		return
	}
	source := chance{data}
	stack := make([]uint64, t.FlatLen())
	for i := range stack {
		stack[i] = source.uint64()
	}
	trapped(func() {
		pos := 0
		c.liftFlat(t, stack, &pos)
	})
}
