package queue_test

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/wasihttp/wasihttp/internal/wasi/queue"
)

// TestBytesComeOutAsTheyWentIn has two queues in turns, which use each other's memory, appends and
// takes pieces of all sizes, and changes what was appended afterwards.
func TestBytesComeOutAsTheyWentIn(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var queues [2]queue.Bytes
	var want [2][]byte
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
	var q queue.Bytes
	p := make([]byte, 100_000)
	q.Append(p)
	q.Take(p)
	if n := testing.AllocsPerRun(100, func() {
		q.Append(p)
		q.Take(p)
	}); n > 1 { // the collector may empty the pool meanwhile
		t.Errorf("%v allocations for a piece", n)
	}
}
