package component

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// cancelBytes returns testdata/cancel.wasm. In its older form thread.yield has the cancellable
// immediate, which the specification took away in September 2026.
func cancelBytes(t *testing.T, older bool) []byte {
	t.Helper()
	code, err := os.ReadFile(filepath.Join("testdata", "cancel.wasm"))
	if err != nil {
		t.Fatal(err)
	}
	if !older {
		return code
	}
	yield := []byte{0x2d - 1, 0, 0x0c, 0} // thread.suspend-then-promote stands before it
	if bytes.Count(code, yield) != 1 {
		t.Fatalf("thread.yield stands %d times in the component", bytes.Count(code, yield))
	}
	return bytes.Replace(code, yield, []byte{0x2d - 1, 0, 0x0c, 1}, 1)
}

// The specification's rules for subtask.cancel: only the callback that waits in its event loop
// runs, control comes back as soon as it waits or ends, and a request that cannot be delivered now
// is delivered as soon as the callback can run. The digits are those of testdata/cancel.wat: the
// trace, and then two for the state of the call (4: cancelled; 15: not yet).
func TestCancellationReachesOnlyTheCallback(t *testing.T) {
	for name, tt := range map[string]struct {
		export  string
		older   bool
		now     uint32
		settled uint32 // 0: it has ended at once
	}{
		"a callback that waits ends at once": {export: "waiting", now: 604},
		"one that takes longer is not waited for": {export: "lingering", now: 615,
			settled: 4},
		"it may run threads of its own": {export: "switching", now: 6315,
			settled: 4},
		"one that waits is cancelled when the slot is free": {export: "held-waiting", now: 15,
			settled: 1604},
		"one that yields is cancelled when the slot is free": {export: "held-spinning", now: 15,
			settled: 1604},
		"a yield in core code is not cancelled": {export: "polling", now: 15,
			settled: 604},
		"a cancellable one in an older component is": {export: "polling", older: true,
			now: 504},
		"an older component is otherwise no different": {export: "waiting", older: true,
			now: 604},
		"nor does it differ while the slot is not free": {export: "held-waiting", older: true,
			now: 15, settled: 1604},
		"nor where other threads could run in its place": {export: "lingering", older: true,
			now: 615, settled: 4},
	} {
		t.Run(name, func(t *testing.T) {
			i := instantiateBytes(t, cancelBytes(t, tt.older), NewLinker(), nil)
			if got := must(t, i, tt.export).U32(); got != tt.now {
				t.Errorf("at once %d, want %d", got, tt.now)
			}
			if tt.settled == 0 {
				return
			}
			got := must(t, i, "settle").U32()
			if tt.settled < 100 {
				got %= 100 // the turns of the other call are not counted
			}
			if got != tt.settled {
				t.Errorf("in the end %d, want %d", got, tt.settled)
			}
		})
	}
}

func TestASubtaskInASetCannotBeCancelled(t *testing.T) {
	i := instantiateBytes(t, cancelBytes(t, false), NewLinker(), nil)
	mustTrap(t, i, "while added to a waitable set", "joined")
}

func TestAThreadCannotPromoteItself(t *testing.T) {
	i := instantiateBytes(t, cancelBytes(t, false), NewLinker(), nil)
	mustTrap(t, i, "a thread cannot resume itself", "self")
}

// A copy that was cancelled is over: one of no elements after it waits for the other side, too.
func TestAnEmptyCopyAfterACancelledOneWaits(t *testing.T) {
	i := instantiateFile(t, "cancelled-write.wasm", NewLinker(), nil)
	const blocked = 1<<32 - 1
	for _, end := range []string{"write", "read"} {
		for _, length := range []uint32{0, 1, 1000} {
			if got := must(t, i, end, U32(length)).U32(); got != blocked {
				t.Errorf("%s of %d bytes, cancelled: then %#x", end, length, got)
			}
		}
	}
}
