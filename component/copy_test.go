package component

import (
	"strings"
	"testing"

	"github.com/wasihttp/wasihttp/component/internal/types"
)

func newGuestBuffer(c cx, elem *types.Type, ptr, n uint32) *guestBuffer {
	b := &guestBuffer{}
	b.init(c, elem, ptr, n)
	return b
}

// Elements that have to be lifted and lowered go from memory to memory a part at a time, and all of
// them arrive.
func TestManyElementsAreCopiedInParts(t *testing.T) {
	bed := newABIBed(t)
	char := types.NewPrim(types.Char)
	const n, from, to = 3*maxLiftedElements + 7, 0x4000, 0xa000
	c := bed.cx(0)
	for i := range uint32(n) {
		le.PutUint32(c.mem[from+4*i:], 'a'+i)
	}
	src, dst := newGuestBuffer(bed.cx(0), char, from, n), newGuestBuffer(bed.cx(0), char, to, n)
	transfer(dst, src, n)
	if src.remain() != 0 || dst.remain() != 0 {
		t.Errorf("%d and %d remain", src.remain(), dst.remain())
	}
	for i := range uint32(n) {
		if got := le.Uint32(c.mem[to+4*i:]); got != 'a'+i {
			t.Fatalf("element %d is %#x", i, got)
		}
	}
}

func TestLongMessagesOfErrorContextsAreShortened(t *testing.T) {
	for name, tt := range map[string]struct{ msg, want string }{
		"short":             {"why", "why"},
		"as long as it is":  {strings.Repeat("x", maxMessage), strings.Repeat("x", maxMessage)},
		"too long":          {strings.Repeat("x", maxMessage+1), strings.Repeat("x", maxMessage)},
		"not within a rune": {strings.Repeat("€", maxMessage), strings.Repeat("€", maxMessage/3)},
	} {
		if got := new(Store).kept(String(tt.msg)).Str(); got != tt.want {
			t.Errorf("%s: %d bytes, want %d", name, len(got), len(tt.want))
		}
	}
}

func TestMessagesOfErrorContextsAreBoundedInAll(t *testing.T) {
	s := &Store{}
	kept := 0
	for range 2 * maxMessages / maxMessage {
		kept += len(s.kept(String(strings.Repeat("x", maxMessage))).Str())
	}
	if kept != maxMessages {
		t.Errorf("%d bytes are kept, want %d", kept, maxMessages)
	}
}
