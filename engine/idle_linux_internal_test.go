package engine

import "testing"

// A memory that waits for its next user keeps few pages, whatever its last one wrote to.
func TestIdleMemoryIsGivenBack(t *testing.T) {
	const size = 64 << 20
	i, err := newImage(&Engine{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	m := i.acquire(size)
	for round := range 3 {
		buf := m.resize(size)
		for at := 0; at < len(buf); at += 4096 {
			buf[at] = 1
		}
		if len(writtenPages(buf[size/2:])) == 0 {
			t.Fatal("no page is there although all were written to")
		}
		if err := m.reset(); err != nil {
			t.Fatal(err)
		}
		// What is kept is at the beginning.
		if left := writtenPages(buf[2*maxHotBytes:]); len(left) > 0 {
			t.Errorf("round %d: %d bytes are kept", round, total(left))
		}
	}
	if err := m.release(); err != nil {
		t.Error(err)
	}
	if err := i.free(); err != nil {
		t.Error(err)
	}
}
