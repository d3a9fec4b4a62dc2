package explorer

import (
	"encoding/binary"
	"time"
)

// slot is the place of one request in a ring. A small request that has ended is packed: the entries
// that are used again are few then, and stay in the processor's cache, and the collector has
// nothing to do with what is kept.
type slot struct {
	seq    uint64 // 0 for none
	live   *entry // nil for none
	packed bool   // the request is in room
	room   texts  // of the request before, perhaps; its capacity is charged
}

const (
	// soonest and latest are how many requests later one is packed, if it has ended by then.
	soonest = 8
	latest  = 128
	// slotRoom is how many bytes a slot has at first, and maxPacked how much of a request is packed
	// beside what every entry has.
	slotRoom  = 384
	maxPacked = 2 << 10
)

// settle packs a request of which nothing more will come. It returns what is to be charged. The
// lock is held.
func (r *ring) settle(seq uint64) (charge int) {
	s := &r.entries[seq%maxRequests]
	e := s.live
	if e == nil || s.seq != seq || r.readers > 0 || len(r.free) >= latest {
		return 0
	}
	if s.room == nil {
		if len(r.spare) < slotRoom {
			r.spare = make(texts, chunk*slotRoom)
		}
		s.room, r.spare = r.spare[:0:slotRoom], r.spare[slotRoom:]
		charge = slotRoom
	}
	room, charged, ok := e.pack(s.room[:0])
	if !ok {
		return charge
	}
	charge += cap(room) - cap(s.room) - charged
	s.room, s.live, s.packed = room, nil, true
	r.free = append(r.free, e)
	return charge
}

// entry returns the entry in a slot, which is made if the request is packed; nil if there is none.
func (s *slot) entry(r *ring) *entry {
	if !s.packed {
		return s.live
	}
	e := &entry{ring: r}
	e.unpack(s.room)
	return e
}

// empty removes the request, and returns how many bytes are not kept any more; the caller drops the
// entry, if there is one.
func (s *slot) empty() (e *entry, freed int) {
	e, freed = s.live, cap(s.room)
	*s = slot{}
	return e, freed
}

// over reports whether nothing more will come of the request, and what is kept of it is small.
func (e *entry) over() bool { return e.trace.Free() && e.Small() }

// Small reports whether a request that has ended is small, its timeline aside.
func (e *entry) Small() bool {
	return !e.hasBody && e.failure == nil && e.trailers == nil && cap(e.head) <= headBuffer &&
		cap(e.responseHead) <= responseBuffer
}

// pack appends the entry to p, unless it is large or something may still come of it. It returns how
// many bytes it has charged, which it has not any more.
func (e *entry) pack(p texts) (texts, int, bool) {
	p, charged, ok := e.trace.Pack(p, entrySize+maxPacked, e)
	if !ok {
		return p, 0, false
	}
	flags := byte(0)
	if e.responded {
		flags |= 1
	}
	if e.aborted {
		flags |= 2
	}
	p = append(p, flags)
	for _, n := range [...]uint64{
		e.seq, e.from, e.version.Load(), e.build.Load(), uint64(e.status), uint64(e.bytes),
		uint64(e.duration),
	} {
		p = binary.AppendUvarint(p, n)
	}
	p = p.add(e.id).add(e.remote).add(e.protocol).add(e.outcome).add(e.message)
	p = append(binary.AppendUvarint(p, uint64(len(e.head))), e.head...)
	p = append(binary.AppendUvarint(p, uint64(len(e.responseHead))), e.responseHead...)
	return p, charged, true
}

// unpack makes e what was packed.
func (e *entry) unpack(p texts) {
	number := func() uint64 {
		n, size := binary.Uvarint(p)
		p = p[size:]
		return n
	}
	p = e.trace.Unpack(p)
	e.ended, e.responded, e.aborted = true, p[0]&1 != 0, p[0]&2 != 0
	p = p[1:]
	e.seq, e.from = number(), number()
	e.version.Store(number())
	e.build.Store(number())
	e.status, e.bytes, e.duration = int(number()), int64(number()), time.Duration(number())
	for _, text := range [...]*string{&e.id, &e.remote, &e.protocol, &e.outcome, &e.message} {
		*text, p = p.next()
	}
	head, rest := p.next()
	responseHead, _ := rest.next()
	e.head, e.responseHead = texts(head), texts(responseHead)
}

// evict removes the oldest request. It reports false if there is none.
func (r *ring) evict() bool {
	r.mu.Lock()
	var e *entry
	freed, found := 0, false
	for seq := r.first(); seq <= r.seq && !found; seq++ {
		s := &r.entries[seq%maxRequests]
		r.oldest = seq + 1
		found = s.seq != 0
		e, freed = s.empty()
	}
	r.mu.Unlock()
	if e != nil {
		e.trace.Drop()
	}
	r.bytes.Add(int64(-freed))
	return found
}

// first returns the number from which on there may be entries. The lock is held.
func (r *ring) first() uint64 {
	first := max(r.oldest, 1)
	if r.seq >= maxRequests {
		first = max(first, r.seq-maxRequests+1)
	}
	return first
}

// clear removes all requests.
func (r *ring) clear() {
	r.mu.Lock()
	var live []*entry
	freed := 0
	for i := range r.entries {
		e, n := r.entries[i].empty()
		freed += n
		if e != nil {
			live = append(live, e)
		}
	}
	r.oldest = r.seq + 1
	r.cleared++
	r.version.Add(1)
	r.mu.Unlock()
	for _, e := range live {
		e.trace.Drop()
	}
	r.bytes.Add(int64(-freed))
	r.wake()
}

// read begins reading entries: until done is called, those that were found stay what they are.
func (r *ring) read() (done func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.readers++
	return func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.readers--
	}
}

// find returns the entry with a number; nil if it is not kept. It is called between read and done.
func (r *ring) find(seq uint64) *entry {
	r.mu.Lock()
	defer r.mu.Unlock()
	if s := &r.entries[seq%maxRequests]; seq != 0 && s.seq == seq {
		return s.entry(r)
	}
	return nil
}

// list returns the entries that have changed since a version, the oldest first. It is called
// between read and done.
func (r *ring) list(since uint64) (all []*entry) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for seq := r.first(); seq <= r.seq; seq++ {
		s := &r.entries[seq%maxRequests]
		if e := s.entry(r); e != nil && e.version.Load() > since {
			all = append(all, e)
		}
	}
	return all
}
