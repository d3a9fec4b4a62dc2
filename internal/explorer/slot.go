package explorer

import (
	"time"
	"unsafe"

	"github.com/wasihttp/wasihttp/internal/timeline"
)

// slot is the place of one request in a ring. A small request that has ended is packed: the entries
// that are used again are few then, and stay in the processor's cache, and the collector has
// nothing to do with what is kept.
type slot struct {
	seq    uint64 // 0 for none
	live   *entry // nil for none
	rest   texts  // in place of the room on the shelf, for what is larger
	packed bool   // the request is on the shelf
	size   int    // bytes that are charged
}

// shelf has what is packed of some slots. The collector finds no pointers in it.
type shelf struct {
	facts [chunk]facts
	rooms [chunk][slotRoom]byte
}

// facts are the numbers of a request.
type facts struct {
	trace                          timeline.Packed
	from, version, build           uint64
	status                         int
	bytes                          int64
	duration                       time.Duration
	responded, aborted             bool
	length, fields, responseFields int // of the texts, and of the fields in it
}

const (
	// soonest and latest are how many requests later one is packed that could not be at its end.
	soonest = 8
	latest  = 128
	// slotRoom is how many bytes a slot has on the shelf, and maxPacked how much of a request is
	// packed beside what every entry has.
	slotRoom  = 384
	maxPacked = 2 << 10
)

// over packs a request that has ended, or has it keep what belongs to others so far. more bytes are
// to be charged for it.
func (r *ring) over(e *entry, more int) {
	r.mu.Lock()
	e.over = true
	charge := r.settle(e.seq)
	if r.entries[e.seq%maxRequests].live == e {
		e.trace.Lock()
		more += e.keep()
		e.trace.Owe(more)
		e.trace.Unlock()
		charge += more
	}
	r.mu.Unlock()
	if charge != 0 {
		r.Charge(charge)
	}
}

// settle packs a request of which nothing more will come. It returns what is to be charged. The
// lock is held.
func (r *ring) settle(seq uint64) (charge int) {
	i := seq % maxRequests
	s := &r.entries[i]
	e := s.live
	if e == nil || s.seq != seq || r.readers > 0 || !e.over {
		return 0
	}
	on := &r.shelves[i/chunk]
	if *on == nil {
		*on = &shelf{}
	}
	f, room := &(*on).facts[i%chunk], texts((*on).rooms[i%chunk][:0])
	if cap(s.rest) > 0 && cap(s.rest) <= 2*maxPacked {
		room = s.rest[:0]
	}
	room, charged, ok := e.pack(f, room)
	if !ok {
		return 0
	}
	size := int(unsafe.Sizeof(facts{})) + slotRoom
	if s.rest = nil; cap(room) > slotRoom {
		s.rest = room
		size += cap(room)
	}
	charge = size - s.size - charged
	s.size, s.live, s.packed = size, nil, true
	if e.release(); len(r.free) < latest {
		r.free = append(r.free, e)
	}
	return charge
}

// entry returns the entry in a slot, which is made if the request is packed; nil if there is none.
func (r *ring) entry(seq uint64) *entry {
	i := seq % maxRequests
	s := &r.entries[i]
	if !s.packed {
		return s.live
	}
	on := r.shelves[i/chunk]
	room := s.rest
	if room == nil {
		room = on.rooms[i%chunk][:]
	}
	e := &entry{ring: r, seq: s.seq}
	e.unpack(&on.facts[i%chunk], room)
	return e
}

// empty removes the request, and returns how many bytes are not kept any more; the caller drops the
// entry, if there is one.
func (s *slot) empty() (e *entry, freed int) {
	e, freed = s.live, s.size
	*s = slot{}
	return e, freed
}

// reusable reports whether nothing more will come of the request, and what is kept of it is small.
// The lock is held.
func (e *entry) reusable() bool { return e.over && e.small() && e.trace.Free() }

// small reports whether a request that has ended is small, its timeline aside.
func (e *entry) small() bool { return !e.hasBody && e.failure == nil && e.trailers == nil }

// pack puts the entry into f and appends its texts to p, unless it is large or something may still
// come of it. It returns how many bytes it has charged, which it has not any more.
func (e *entry) pack(f *facts, p texts) (texts, int, bool) {
	if !e.small() {
		return p, 0, false
	}
	p, charged, ok := e.trace.Pack(&f.trace, p, entrySize+maxPacked)
	if !ok {
		return p, 0, false
	}
	f.from, f.version, f.build = e.from, e.version.Load(), e.build.Load()
	f.status, f.bytes, f.duration = e.status, e.bytes, e.duration
	f.responded, f.aborted = e.responded, e.aborted
	p = p.add(e.id).add(e.remote).add(e.protocol).add(e.outcome).add(e.message)
	p = p.add(e.method).add(e.host).add(e.target)
	f.fields = len(p)
	p = e.fields.append(p)
	f.responseFields = len(p)
	p = e.responseFields.append(p)
	f.length = len(p)
	return p, charged, true
}

// unpack makes e what was packed.
func (e *entry) unpack(f *facts, p texts) {
	e.fields.kept = append(texts(nil), p[f.fields:f.responseFields]...)
	e.responseFields.kept = append(texts(nil), p[f.responseFields:f.length]...)
	p = e.trace.Unpack(&f.trace, p)
	for _, text := range [...]*string{
		&e.id, &e.remote, &e.protocol, &e.outcome, &e.message, &e.method, &e.host, &e.target,
	} {
		*text, p = p.next()
	}
	e.from = f.from
	e.version.Store(f.version)
	e.build.Store(f.build)
	e.status, e.bytes, e.duration = f.status, f.bytes, f.duration
	e.ended, e.responded, e.aborted = true, f.responded, f.aborted
}

// keep makes the entry keep what it has of its request in memory of its own, and returns how many
// bytes that takes. The lock is held.
func (e *entry) keep() int {
	if e.fields.live == nil && e.responseFields.live == nil {
		return 0
	}
	text := e.method + e.host + e.target
	for _, part := range [...]*string{&e.method, &e.host, &e.target} {
		*part, text = text[:len(*part)], text[len(*part):]
	}
	kept := make(texts, 0, sizeOf(e.fields.live)+sizeOf(e.responseFields.live))
	kept = e.fields.append(kept)
	n := len(kept)
	kept = e.responseFields.append(kept)
	e.fields, e.responseFields = fields{kept: kept[:n]}, fields{kept: kept[n:]}
	return len(e.method) + len(e.host) + len(e.target) + cap(kept)
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
	clear(r.shelves[:])
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
	r.looked.Store(true)
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
		return r.entry(seq)
	}
	return nil
}

// list returns the entries that have changed since a version, the oldest first; 0 stands for all.
// It is called between read and done.
func (r *ring) list(since uint64) (all []*entry) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for seq := r.first(); seq <= r.seq; seq++ {
		if e := r.entry(seq); e != nil && (since == 0 || e.version.Load() > since) {
			all = append(all, e)
		}
	}
	return all
}
