package component

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/wasihttp/wasihttp/component/internal/types"
)

// TestLongStringsSurviveInParts takes strings through each encoding whose parts end within
// characters, or would.
func TestLongStringsSurviveInParts(t *testing.T) {
	bed := newABIBed(t)
	typ := types.NewPrim(types.String)
	for _, s := range []string{
		strings.Repeat("x", partBytes+1),
		strings.Repeat("€", partBytes/3+10),
		"x" + strings.Repeat("€", partBytes/3+10),
		"xx" + strings.Repeat("€", partBytes/3+10),
		strings.Repeat("é", partBytes/2+5),
		"x" + strings.Repeat("é", partBytes/2+5),
	} {
		for encoding, name := range encodings {
			bed.reset(t)
			if got := bed.memoryTrip(encoding, typ, String(s)); got.Str() != s {
				t.Errorf("%q…, %d bytes: %s made another of it", s[:5], len(s), name)
			}
		}
	}
	for _, bad := range []string{"\x80\x80\x80\x80\x80\x80", "\xe2\x82"} {
		for shift := range 6 {
			s := strings.Repeat("x", partBytes-shift) + bad + strings.Repeat("x", partBytes)
			c := bed.cx(0)
			if trapped(func() { c.decodeUTF8([]byte(s)) }) == nil {
				t.Errorf("%q at %d is taken for UTF-8", bad, partBytes-shift)
			}
		}
	}
}

func TestOverlappingMovesEqualOneCopy(t *testing.T) {
	c := newABIBed(t).cx(0)
	const n = 3*partBytes + 77
	for _, distance := range []int{1, 1000, partBytes - 1, partBytes, 2*partBytes + 5} {
		for _, behind := range []bool{false, true} {
			got := make([]byte, n+distance)
			for i := range got {
				got[i] = byte(i*7 + i>>11)
			}
			want := bytes.Clone(got)
			from, to := 0, distance
			if !behind {
				from, to = distance, 0
			}
			copy(want[to:][:n], want[from:][:n])
			c.move(got[to:][:n], got[from:][:n], behind)
			if !bytes.Equal(got, want) {
				t.Errorf("by %d, behind %t: not the same", distance, behind)
			}
		}
	}
}

// TestHostCodeStopsWithItsGuest interrupts the guest and then has host code go over much of its
// memory in each way.
func TestHostCodeStopsWithItsGuest(t *testing.T) {
	bed := newABIBed(t)
	cause := errors.New("enough")
	bed.th.store.Interrupt(cause)
	large := make([]byte, 3*partBytes)
	prim := func(k types.Kind) *types.Type { return types.NewPrim(k) }
	pair := types.NewTuple([]types.Field{{Name: "a", Type: prim(types.U8)},
		{Name: "b", Type: prim(types.U8)}})
	text := strings.Repeat("x", 3*partBytes)
	for name, work := range map[string]func(c *cx){
		"a list of bytes":   func(c *cx) { c.loadItems(prim(types.U8), 0, 3*partBytes) },
		"a list of numbers": func(c *cx) { c.loadItems(prim(types.U16), 0, 2*partItems) },
		"a list of tuples":  func(c *cx) { c.loadItems(pair, 0, 2*partItems) },
		"small lists": func(c *cx) {
			c.loadItems(types.NewTuple([]types.Field{{Type: types.NewFixedList(prim(types.U16),
				100)}}), 0, partItems/2)
		},
		"a string":                      func(c *cx) { c.decodeUTF8(large) },
		"a string of UTF-16":            func(c *cx) { c.decodeUTF16(large) },
		"a string of Latin-1":           func(c *cx) { c.decodeLatin1(large) },
		"lowering bytes":                func(c *cx) { c.move(c.mem, large, false) },
		"lowering UTF-16":               func(c *cx) { c.appendUTF16(nil, text) },
		"lowering UTF-8":                func(c *cx) { c.write(0, text) },
		"looking for what is not ASCII": func(c *cx) { c.ascii(text) },
		"a copy to behind": func(c *cx) {
			c.move(large[1:], large[:2*partBytes], true)
		},
		"a copy of bytes": func(c *cx) {
			transfer(newGuestBuffer(*c, prim(types.U8), 0, partBytes+1),
				newGuestBuffer(*c, prim(types.U8), partBytes, partBytes+1), partBytes+1)
		},
		"a copy of elements": func(c *cx) {
			transfer(newGuestBuffer(*c, prim(types.Char), 0, 5000),
				newGuestBuffer(*c, prim(types.Char), partBytes, 5000), 5000)
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := bed.cx(0)
			defer func() {
				err, _ := recover().(*callError)
				if err == nil || !errors.Is(err, cause) {
					t.Errorf("got %v", err)
				}
			}()
			work(&c)
		})
	}
}
