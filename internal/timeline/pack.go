package timeline

import (
	"encoding/binary"
	"time"
)

// Pack appends a Trace that is Free and has charged so many bytes at most to p, for Unpack, if what
// it is part of is small, too; ok is false otherwise. It lets go of what it has charged, which it
// returns, and of buffers that are large: what is left is for Again.
func (t *Trace) Pack(
	p []byte, most int, whole interface{ Small() bool },
) (packed []byte, charged int, ok bool) {
	if t.used.Load() {
		return p, 0, false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.free() || t.kept > most || !whole.Small() {
		return p, 0, false
	}
	p = binary.AppendVarint(p, t.start.UnixNano())
	p = binary.AppendUvarint(p, uint64(t.lost))
	p = binary.AppendUvarint(p, uint64(len(t.phases)))
	for _, phase := range t.phases {
		p = append(p, byte(phase.Kind))
		p = binary.AppendUvarint(p, uint64(phase.Start))
		p = binary.AppendUvarint(p, uint64(phase.End-phase.Start))
	}
	for i := range t.bodies {
		b := &t.bodies[i]
		end := byte(0)
		if b.End {
			end = 1
		}
		p = append(p, end)
		p = binary.AppendUvarint(p, uint64(b.Size))
		p = binary.AppendUvarint(p, uint64(len(b.Bytes)))
		p = append(p, b.Bytes...)
		if cap(b.Bytes) > smallBody {
			b.Bytes = nil
		}
	}
	charged, t.kept = t.kept, 0
	return p, charged, true
}

// Unpack makes t what was packed, and returns what is behind it. t does not share memory with p.
func (t *Trace) Unpack(p []byte) (rest []byte) {
	number := func() int {
		n, size := binary.Uvarint(p)
		p = p[size:]
		return int(n)
	}
	start, size := binary.Varint(p)
	p = p[size:]
	t.start, t.ended = time.Unix(0, start), true
	t.lost = number()
	t.phases = make([]Phase, number())
	for i := range t.phases {
		phase := &t.phases[i]
		phase.Kind, p = Kind(p[0]), p[1:]
		phase.Start = time.Duration(number())
		phase.End = phase.Start + time.Duration(number())
	}
	for i := range t.bodies {
		b := &t.bodies[i]
		b.End, p = p[0] == 1, p[1:]
		b.Size = int64(number())
		n := number()
		b.Bytes, p = append([]byte(nil), p[:n]...), p[n:]
	}
	return p
}
