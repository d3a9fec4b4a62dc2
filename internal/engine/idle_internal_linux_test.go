package engine

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"unsafe"
)

// A memory that waits for its next user keeps few pages, whatever its last one wrote to.
func TestIdleMemoryIsReturnedToTheSystem(t *testing.T) {
	const size = 64 << 20
	i, err := newImage(&Engine{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	m := i.acquire(size)
	for round := range 3 {
		buf := m.resize(size)
		for at := 0; at < len(buf); at += 4096 << round {
			buf[at] = 1
		}
		if n := resident(t, buf); n < size>>round {
			t.Errorf("round %d: %d bytes are there after writing to %d pages", round, n, size/4096>>round)
		}
		if err := m.reset(); err != nil {
			t.Fatal(err)
		}
		if n := resident(t, buf); n > 2*maxHotBytes {
			t.Errorf("round %d: %d bytes are kept", round, n)
		}
	}
	if err := m.release(); err != nil {
		t.Error(err)
	}
	if err := i.free(); err != nil {
		t.Error(err)
	}
}

// resident is how many bytes of b, whole mappings, are in memory.
func resident(t *testing.T, b []byte) (n int) {
	t.Helper()
	text, err := os.ReadFile("/proc/self/smaps")
	if err != nil {
		t.Fatal(err)
	}
	first := uintptr(unsafe.Pointer(&b[0]))
	var from, to uintptr
	for line := range strings.Lines(string(text)) {
		var kB int
		if _, err := fmt.Sscanf(line, "%x-%x ", &from, &to); err == nil {
			continue
		}
		if _, err := fmt.Sscanf(line, "Rss: %d kB", &kB); err == nil && from < first+uintptr(len(b)) &&
			to > first {
			n += kB << 10
		}
	}
	return n
}
