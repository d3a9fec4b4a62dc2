package component

import "testing"

// TestCasesOfCasesKeepTheirPayloads nests variants, whose payloads are kept in place where they
// have no case themselves.
func TestCasesOfCasesKeepTheirPayloads(t *testing.T) {
	bytes := Ok(Bytes([]byte("abc"))).Payload()
	if got := string(bytes.Bytes()); got != "abc" {
		t.Errorf("bytes %q", got)
	}
	if got := Some(String("ü")).Payload().Str(); got != "ü" {
		t.Errorf("string %q", got)
	}
	deep := Some(Err(Variant(7, Some(U64(1<<63)))))
	inner := deep.Payload()
	if !deep.IsSome() || inner.IsOk() || inner.Payload().Case() != 7 ||
		inner.Payload().Payload().Payload().U64() != 1<<63 {
		t.Errorf("%+v", deep)
	}
	if v := Ok(OkUnit()); !v.IsOk() || !v.Payload().IsOk() {
		t.Errorf("%+v", v)
	}
	if v := Some(ErrUnit()).Payload(); v.IsOk() {
		t.Error("the inner case is lost")
	}
	rep := new(int)
	if got := Ok(Own(rep)).Payload().Rep(); got != rep {
		t.Errorf("rep %v", got)
	}
}

// TestCallsOfTheHostLeaveNothingBehind calls functions of the embedder with handles and numbers,
// and looks for what is left of them in what the next calls use.
func TestCallsOfTheHostLeaveNothingBehind(t *testing.T) {
	e := &embedder{}
	i := instantiateFile(t, "resources.wasm", e.linker(), nil)
	s := i.store
	for n := range 3 {
		h := must(t, i, "make", U32(uint32(n)))
		if got := must(t, i, "read", h).U32(); got != uint32(n) {
			t.Errorf("read %d, want %d", got, n)
		}
		must(t, i, "eat", h)
	}
	if s.room == nil || s.frame == nil {
		t.Fatal("what a call needs is not kept for the next one")
	}
	for n, v := range s.room.args {
		if v != (Value{}) {
			t.Errorf("argument %d is kept: %+v", n, v)
		}
	}
	if s.room.call != (Call{}) || len(s.room.lends) != 0 {
		t.Errorf("a call is kept: %+v", s.room)
	}
}

func TestACallWithinACallHasItsOwnRoom(t *testing.T) {
	s := &Store{}
	room := s.takeRoom()
	if s.takeRoom() == room {
		t.Error("the room of the outer call is given away")
	}
}
