package queue_test

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/wasihttp/wasihttp/internal/wasi/queue"
)

// TestBytesComeOutAsTheyWentIn has two queues in turns, which use each other's memory, appends,
// takes and pops pieces of all sizes, and changes what was appended afterwards. What was popped
// stays as it is until it is freed.
func TestBytesComeOutAsTheyWentIn(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var queues [2]queue.Bytes
	var want [2][]byte
	var popped [2]queue.Chunk
	var copies [2][]byte
	next := byte(0)
	for range 20_000 {
		i := r.IntN(2)
		q := &queues[i]
		switch r.IntN(20) {
		case 0:
			q.Drop()
			want[i] = nil
		case 1, 2, 3, 4, 5, 6, 7, 8, 9:
			p := make([]byte, r.IntN(1<<r.IntN(18)+1))
			for k := range p {
				p[k] = next
				next++
			}
			q.Append(p)
			want[i] = append(want[i], p...)
			clear(p)
		case 10, 11, 12, 13:
			if !bytes.Equal(popped[i].Bytes, copies[i]) {
				t.Fatal("bytes that were popped have changed")
			}
			popped[i].Free()
			popped[i] = q.Pop()
			n := len(popped[i].Bytes)
			if n == 0 && len(want[i]) > 0 || !bytes.Equal(popped[i].Bytes, want[i][:n]) {
				t.Fatalf("popped %d bytes, or others", n)
			}
			copies[i] = append([]byte(nil), popped[i].Bytes...)
			want[i] = want[i][n:]
		default:
			p := make([]byte, r.IntN(1<<r.IntN(18)+1))
			n := q.Take(p)
			if n != min(len(p), len(want[i])) || !bytes.Equal(p[:n], want[i][:n]) {
				t.Fatalf("took %d of %d bytes, or others", n, len(want[i]))
			}
			want[i] = want[i][n:]
		}
		if q.Len() != len(want[i]) {
			t.Fatalf("%d bytes, want %d", q.Len(), len(want[i]))
		}
	}
}

func TestAStreamNeedsNoNewMemory(t *testing.T) {
	for _, size := range []int{1, 4096, 5000, 100_000} {
		var q queue.Bytes
		p := make([]byte, size)
		turn := func() {
			for range 3 {
				q.Append(p)
			}
			q.Take(p)
			for q.Len() > 0 {
				c := q.Pop()
				c.Free()
			}
		}
		for range 10 {
			turn()
		}
		if n := testing.AllocsPerRun(100, turn); n > 1 { // the collector may empty the pools meanwhile
			t.Errorf("%v allocations for pieces of %d bytes", n, size)
		}
	}
}

// TestMuchIsInFewChunks has pieces of a guest wait, of which a reader gets as much as there is.
func TestMuchIsInFewChunks(t *testing.T) {
	for _, size := range []int{512, 4096, 64 << 10, 1 << 20} {
		var q queue.Bytes
		for n := 0; n < 1<<20; n += size {
			q.Append(make([]byte, size))
		}
		chunks := 0
		for ; q.Len() > 0; chunks++ {
			c := q.Pop()
			c.Free()
		}
		if chunks > 8 {
			t.Errorf("pieces of %d bytes: 1 MiB is in %d chunks", size, chunks)
		}
	}
}
