package timeline

import "time"

// Packed is a Trace that is over, without the bytes of its bodies: the collector has nothing to do
// with it.
type Packed struct {
	start  int64 // nanoseconds since 1970
	end    time.Duration
	drew   bool
	marks  [maxMarks]uint64
	bodies [Parts]struct {
		size int64
		kept int
		end  bool
	}
}

// Pack packs a Trace that is over and short and has charged so many bytes at most, and appends the
// bytes of its bodies to p, for Unpack; ok is false, and nothing was done, if it is not that. Pack
// lets go of what the Trace has charged, which it returns, and of buffers that are large: what is
// left is for Again. Nobody else may use the Trace meanwhile.
func (t *Trace) Pack(into *Packed, p []byte, most int) (packed []byte, charged int, ok bool) {
	if t.used.Load() || !t.free() || t.long || t.kept > most {
		return p, 0, false
	}
	into.start, into.end, into.drew = t.start.UnixNano(), t.end, t.drew.Load()
	for i := range t.marks {
		into.marks[i] = t.marks[i].Load()
	}
	for i := range t.bodies {
		b, to := &t.bodies[i], &into.bodies[i]
		to.size, to.kept, to.end = b.Size, len(b.Bytes), b.End
		p = append(p, b.Bytes...)
		if cap(b.Bytes) > smallBody {
			b.Bytes = nil
		}
	}
	charged, t.kept = t.kept, 0
	return p, charged, true
}

// Unpack makes t what was packed, and returns what is behind its bytes in p. t does not share
// memory with p.
func (t *Trace) Unpack(from *Packed, p []byte) (rest []byte) {
	t.start, t.end, t.ended = time.Unix(0, from.start), from.end, true
	t.drew.Store(from.drew)
	for i, mark := range from.marks {
		t.marks[i].Store(mark)
	}
	for i := range t.bodies {
		b, of := &t.bodies[i], &from.bodies[i]
		b.Size, b.End = of.size, of.end
		b.Bytes, p = append([]byte(nil), p[:of.kept]...), p[of.kept:]
	}
	return p
}
