package component

import "testing"

// The memory that holds the result of a call may have grown, and moved, in that call.
func TestAResultMayLieInMemoryThatHasGrown(t *testing.T) {
	i := instantiateFile(t, "loans.wasm", (&loanBed{}).linker(), nil)
	if got := must(t, i, "late").Str(); got != "abc" {
		t.Errorf("got %q", got)
	}
	// No call of this one can wait.
	i = instantiateFile(t, "grown.wasm", NewLinker(), nil)
	if got := must(t, i, "late", String("text")).Str(); got != "text" {
		t.Errorf("got %q", got)
	}
}

// Copies and calls that take a while end in the memory that is there then.
func TestMemoryMayMoveWhileACallIsUnderWay(t *testing.T) {
	var end func(Value, error)
	l := NewLinker()
	l.Instance("test:host/api@0.2.4").AsyncFunc("later", "async func() -> tuple<u32, u32>",
		func(_ *Call, _ []Value, done func(Value, error)) (*Value, func(), error) {
			end = done
			return nil, func() {}, nil
		})
	i := instantiateFile(t, "moving.wasm", l, nil)
	if read, write := must(t, i, "read").U32(), must(t, i, "write").U32(); read != 42 || write != 43 {
		t.Errorf("a read that waits got %d, a write that waits passed on %d", read, write)
	}
	must(t, i, "begin")
	end(Record(U32(1), U32(2)), nil)
	if got := must(t, i, "end").U32(); got != 3 {
		t.Errorf("the sum of the result is %d", got)
	}
	must(t, i, "begin-sum")
	if got := must(t, i, "end").U32(); got != 44 {
		t.Errorf("the sum of the arguments is %d", got)
	}
}

// The buffer of a copy that waits is looked up anew each time, whatever is copied in which way.
func TestABufferIsFoundInMemoryThatHasMoved(t *testing.T) {
	b := newABIBed(t)
	for name, tc := range map[string]struct {
		payload string
		before  []byte // what the guest has written there, after the memory has moved
		copy    func(buf *guestBuffer) string
		want    string // what the copy returns, and what is there then
	}{
		"bytes from the embedder": {"u8", []byte("123"), func(buf *guestBuffer) string {
			return string(append([]byte(nil), buf.window()...)[:copy(buf.window(), "abc")])
		}, "123abc"},
		"plain elements": {"u8", []byte("123"), func(buf *guestBuffer) string {
			next, _ := buf.bytes(3)
			return string(append([]byte(nil), next...)[:copy(next, "abc")])
		}, "123abc"},
		"values from the embedder": {"u8", []byte("123"), func(buf *guestBuffer) string {
			buf.write([]Value{U8('a'), U8('b'), U8('c')})
			return ""
		}, "abc"},
		"values for the embedder": {"u8", []byte("123"), func(buf *guestBuffer) string {
			var got []byte
			for _, v := range buf.read(3) {
				got = append(got, v.U8())
			}
			return string(got)
		}, "123123"},
	} {
		c := b.cx(0)
		at := c.realloc(0, 0, 1, 3)
		buf := newGuestBuffer(c, parsePayload(t, "stream", tc.payload).Elem, at, 3)
		if _, err := b.grow.Call(t.Context()); err != nil {
			t.Fatal(err)
		}
		other := b.cx(0)
		copy(other.mem[at:], tc.before)
		got := tc.copy(buf)
		if other = b.cx(0); got+string(other.mem[at:at+3]) != tc.want {
			t.Errorf("%s: %q, and in memory %q; want %q", name, got, other.mem[at:at+3], tc.want)
		}
	}
}
