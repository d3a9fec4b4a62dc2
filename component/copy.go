package component

import "github.com/wasihttp/wasihttp/component/internal/types"

// copyResult is how a copy ended (CanonicalABI.md, CopyResult).
type copyResult uint32

const (
	copyCompleted copyResult = iota
	copyDropped
	copyCancelled
)

// maxCopy is the most elements that one copy may ask for.
const maxCopy = 1<<28 - 1

// maxLiftedElements bounds how many elements are between two memories at once: as values of Go they
// are many times as large.
const maxLiftedElements = 1024

// transfer copies n elements. The buffers may overlap.
func transfer(dst, src *guestBuffer, n int) {
	if n == 0 {
		return
	}
	behind := dst.ptr > src.ptr
	if s, ok := src.bytes(n); ok {
		if d, ok := dst.bytes(n); ok {
			dst.cx.move(d, s, behind)
			return
		}
		panic("component: one side of a copy is bytes, the other is not")
	}
	for n > 0 {
		k := min(n, maxLiftedElements)
		dst.write(src.read(k))
		dst.cx.pause()
		n -= k
	}
}

// guestBuffer is one side of a copy, in a guest's memory. The memory is looked up at every copy.
type guestBuffer struct {
	cx       cx
	elem     *types.Type // nil without payload
	ptr      uint32
	progress int
	length   int
}

// init makes b the buffer of a new copy.
func (b *guestBuffer) init(c cx, elem *types.Type, ptr, n uint32) {
	if n > maxCopy {
		trapf("stream read/write count too large")
	}
	if elem != nil && n > 0 {
		if ptr&(elem.Align()-1) != 0 {
			trapf("read/write pointer not aligned")
		}
		if uint64(ptr)+uint64(n)*uint64(elem.Size()) > uint64(len(c.mem)) {
			trapf("read/write pointer out of bounds of memory")
		}
	}
	*b = guestBuffer{cx: c, elem: elem, ptr: ptr, length: int(n)}
}

func (b *guestBuffer) remain() int      { return b.length - b.progress }
func (b *guestBuffer) zeroLength() bool { return b.length == 0 }

// bytes returns the next n elements in place, when elements are plain bytes in memory, and moves
// on; ok is false otherwise.
func (b *guestBuffer) bytes(n int) (next []byte, ok bool) {
	if b.elem != nil && !b.elem.Plain() {
		return nil, false
	}
	b.progress += n
	if b.elem == nil {
		return nil, true
	}
	b.cx.refresh()
	size := uint32(n) * b.elem.Size()
	m := b.cx.mem[b.ptr : uint64(b.ptr)+uint64(size)]
	b.ptr += size
	return m, true
}

// window returns the rest of the buffer in place, when elements are single bytes; advance moves on.
func (b *guestBuffer) window() []byte {
	b.cx.refresh()
	return b.cx.mem[b.ptr : uint64(b.ptr)+uint64(b.remain())]
}

func (b *guestBuffer) advance(n int) {
	b.ptr += uint32(n)
	b.progress += n
}

func (b *guestBuffer) read(n int) []Value {
	b.cx.refresh()
	b.cx.lifted = 0 // what was read before has been written
	vs := make([]Value, n)
	for i := range vs {
		vs[i] = b.cx.load(b.elem, b.ptr)
		b.ptr += b.elem.Size()
	}
	b.progress += n
	return vs
}

func (b *guestBuffer) write(vs []Value) {
	b.cx.refresh()
	for _, v := range vs {
		b.cx.store(b.elem, v, b.ptr)
		b.ptr += b.elem.Size()
	}
	b.progress += len(vs)
}

// copier is a party of a copy. It is called on progress (its buffer stays in use) and at the end.
type copier interface {
	onCopy()
	onDone(r copyResult)
}

// shared is the object behind the two ends of a stream or future. It is unbuffered: one party's
// buffer waits for the other.
type shared struct {
	future  bool
	elem    *types.Type // the payload; nil for none
	untyped bool        // by the embedder: its first receiver decides on the payload
	dropped bool

	inst    *instance // of the pending party, nil for the embedder
	buf     *guestBuffer
	party   copier
	reading bool // the pending party reads

	host *hostEnd // the end that the embedder holds, nil while both are the guests'
	own  hostEnd  // what host points to
}

// sharedSlab is how many shared objects are allocated at a time. They are not used again, because
// the embedder may keep a Value that refers to one.
const sharedSlab = 8

// newShared returns a zero shared object.
func (s *Store) newShared() *shared {
	if len(s.spares.slab) == 0 {
		s.spares.slab = make([]shared, sharedSlab)
	}
	sh := &s.spares.slab[0]
	s.spares.slab = s.spares.slab[1:]
	return sh
}

// carries reports whether the stream or future may be given to a receiver that expects that
// payload.
func (s *shared) carries(future bool, elem *types.Type) bool {
	if s.untyped && s.future == future {
		s.untyped, s.elem = false, elem
	}
	return s.future == future && types.Equal(s.elem, elem)
}

func (s *shared) reset() { s.inst, s.buf, s.party = nil, nil, nil }

func (s *shared) notifyPending(r copyResult) {
	p := s.party
	s.reset()
	p.onDone(r)
}

func (s *shared) cancel() {
	if s.host != nil {
		s.host.stopWaiting()
	}
	s.notifyPending(copyCancelled)
}

// drop is called by either end.
func (s *shared) drop() {
	if s.dropped {
		return
	}
	s.dropped = true
	if s.buf != nil {
		s.notifyPending(copyDropped)
	}
	if s.host != nil {
		s.host.peerDropped(nil)
	}
}

func (s *shared) setPending(in *instance, b *guestBuffer, p copier, reading bool) {
	s.inst, s.buf, s.party, s.reading = in, b, p, reading
}

// sameInstance refuses copies within one instance of elements that would have to be lifted and
// lowered (a temporary rule of the specification).
func (s *shared) sameInstance(in *instance) {
	if in != nil && in == s.inst && s.elem != nil {
		switch s.elem.Kind {
		case types.U8, types.U16, types.U32, types.U64, types.S8, types.S16, types.S32, types.S64,
			types.F32, types.F64:
		default:
			trapf(
				"cannot read from and write to intra-component stream or future " +
					"with non-numeric payload")
		}
	}
}

func (s *shared) read(in *instance, dst *guestBuffer, p copier) {
	switch {
	case s.host != nil && !s.dropped:
		s.setPending(in, dst, p, true)
		s.host.progress()
	case s.future && s.buf != nil:
		s.sameInstance(in)
		transfer(dst, s.buf, 1)
		s.notifyPending(copyCompleted)
		p.onDone(copyCompleted)
	case s.dropped:
		p.onDone(copyDropped)
	case s.buf == nil:
		s.setPending(in, dst, p, true)
	default:
		s.sameInstance(in)
		if s.buf.remain() == 0 {
			s.notifyPending(copyCompleted)
			s.setPending(in, dst, p, true)
			return
		}
		if n := min(dst.remain(), s.buf.remain()); n > 0 {
			transfer(dst, s.buf, n)
			s.party.onCopy()
		}
		p.onDone(copyCompleted)
	}
}

func (s *shared) write(in *instance, src *guestBuffer, p copier) {
	switch {
	case s.dropped:
		p.onDone(copyDropped)
	case s.host != nil:
		s.setPending(in, src, p, false)
		s.host.progress()
	case s.buf == nil:
		s.setPending(in, src, p, false)
	case s.future:
		s.sameInstance(in)
		transfer(s.buf, src, 1)
		s.notifyPending(copyCompleted)
		p.onDone(copyCompleted)
	default:
		s.sameInstance(in)
		switch {
		case s.buf.remain() > 0:
			if n := min(src.remain(), s.buf.remain()); n > 0 {
				transfer(s.buf, src, n)
				s.party.onCopy()
			}
			p.onDone(copyCompleted)
		case src.zeroLength() && s.buf.zeroLength():
			p.onDone(copyCompleted)
		default:
			s.notifyPending(copyCompleted)
			s.setPending(in, src, p, false)
		}
	}
}

// copyState is the state of an end.
type copyState byte

const (
	copyIdle copyState = iota
	copying
	copyCancelling
	copyDone
)

// copyEnd is a guest's handle to one end of a stream or future.
type copyEnd struct {
	waitable
	sh       *shared
	readable bool
	state    copyState
	buf      *guestBuffer
	room     guestBuffer // what buf points to
	result   copyResult
	reclaim  bool // the buffer is still with the shared object
}

func (s *Store) newEnd(sh *shared, readable bool) *copyEnd {
	e := takeSpare(&s.spares.ends)
	e.self, e.sh, e.readable = e, sh, readable
	return e
}

// spares are objects of a store that nothing refers to, to be used again.
type spares struct {
	ends []*copyEnd
	sets []*waitableSet
	slab []shared // never used
}

// maxSpares bounds how many objects of a kind a store keeps to use them again.
const maxSpares = 64

// takeSpare returns a zero object: one that was put back, or a new one.
func takeSpare[T any](spares *[]*T) *T {
	n := len(*spares) - 1
	if n < 0 {
		return new(T)
	}
	x := (*spares)[n]
	*spares = (*spares)[:n]
	return x
}

// putBack keeps an object that nothing refers to any more.
func putBack[T any](spares *[]*T, x *T) {
	var zero T
	*x = zero
	if len(*spares) < maxSpares {
		*spares = append(*spares, x)
	}
}

func (e *copyEnd) busy() bool { return e.state == copying || e.state == copyCancelling }

func (e *copyEnd) onCopy() {
	e.result, e.reclaim = copyCompleted, true
	e.notify()
}

func (e *copyEnd) onDone(r copyResult) {
	e.result, e.reclaim = r, false
	e.notify()
}

func (e *copyEnd) event() event {
	if e.reclaim {
		e.sh.reset()
		e.reclaim = false
	}
	code := uint32(eventStreamWrite)
	if e.readable {
		code = eventStreamRead
	}
	payload := uint32(e.result)
	e.state = copyIdle
	if e.sh.future {
		code += eventFutureRead - eventStreamRead
		if e.result != copyCancelled {
			e.state = copyDone
		}
	} else {
		payload |= uint32(e.buf.progress) << 4
		if e.result == copyDropped {
			e.state = copyDone
		}
	}
	e.buf = nil
	return event{code, e.index, payload}
}

func (e *copyEnd) drop() {
	if e.busy() {
		trapf("cannot remove busy stream or future")
	}
	if e.sh.future && !e.readable && e.state != copyDone {
		trapf("cannot drop future write end without first writing a value")
	}
	e.sh.drop()
	e.join(nil)
}
