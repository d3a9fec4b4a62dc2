package component

import "slices"

// asyncModel is what CanonicalABI.md says of streams, futures, waitable sets and subtasks of one
// instance, written down plainly and apart from the implementation. All payloads are bytes, and all
// memory is mem. A method returns ok false for a trap.
type asyncModel struct {
	mem     []byte
	handles []any // by handle; nil where there is none
	free    []uint32
}

type modelSet struct{ members []*modelWaitable }

// modelWaitable is an end or a subtask.
type modelWaitable struct {
	handle uint32
	set    *modelSet
	event  bool // is to be delivered

	// An end.
	pair                 *modelPair
	readable, busy, done bool
	at, size, progress   uint32
	result               uint32
	unfinished           bool // of the copy: progress was made, but the buffer is still with the pair

	// A subtask.
	call                 bool
	state                uint32
	to                   uint32
	delivered, cancelled bool
}

// modelPair is what the two ends have between them.
type modelPair struct {
	future, dropped bool
	parked          *modelWaitable
}

func (m *asyncModel) add(v any) uint32 {
	if n := len(m.free); n > 0 {
		h := m.free[n-1]
		m.free = m.free[:n-1]
		m.handles[h] = v
		return h
	}
	if len(m.handles) == 0 {
		m.handles = make([]any, 1)
	}
	m.handles = append(m.handles, v)
	return uint32(len(m.handles) - 1)
}

func (m *asyncModel) addWaitable(w *modelWaitable) *modelWaitable {
	w.handle = m.add(w)
	return w
}

func (m *asyncModel) remove(h uint32) {
	m.handles[h] = nil
	m.free = append(m.free, h)
}

func (m *asyncModel) waitable(h uint32) *modelWaitable {
	if h >= uint32(len(m.handles)) {
		return nil
	}
	w, _ := m.handles[h].(*modelWaitable)
	return w
}

func (m *asyncModel) set(h uint32) *modelSet {
	if h >= uint32(len(m.handles)) {
		return nil
	}
	s, _ := m.handles[h].(*modelSet)
	return s
}

func (m *asyncModel) end(h uint32, future, readable bool) *modelWaitable {
	if w := m.waitable(h); w != nil && !w.call && w.readable == readable &&
		w.pair.future == future {
		return w
	}
	return nil
}

func (m *asyncModel) newPair(future bool) uint64 {
	p := &modelPair{future: future}
	r := m.addWaitable(&modelWaitable{pair: p, readable: true})
	w := m.addWaitable(&modelWaitable{pair: p})
	return uint64(r.handle) | uint64(w.handle)<<32
}

func (w *modelWaitable) remain() uint32 { return w.size - w.progress }

// finish marks the copy of an end as ended.
func (w *modelWaitable) finish(result uint32) {
	w.result, w.event, w.unfinished = result, true, false
}

// copied marks progress of the end that is parked.
func (w *modelWaitable) copied() {
	w.result, w.event, w.unfinished = uint32(copyCompleted), true,
		true
}

// exchange moves n bytes from a writer to a reader.
func (m *asyncModel) exchange(reader, writer *modelWaitable, n uint32) {
	from, to := writer.at+writer.progress, reader.at+reader.progress
	copy(m.mem[to:to+n], slices.Clone(m.mem[from:from+n]))
	reader.progress += n
	writer.progress += n
}

// copy is stream.read, stream.write, future.read or future.write.
func (m *asyncModel) copy(h uint32, future, readable bool, at, n uint32) (result uint32, ok bool) {
	e := m.end(h, future, readable)
	if e == nil || e.busy || e.done || n > 1<<28-1 ||
		n > 0 && uint64(at)+uint64(n) > uint64(len(m.mem)) {
		return 0, false
	}
	e.at, e.size, e.progress, e.busy = at, n, 0, true
	p := e.pair
	o := p.parked
	reader, writer := e, o
	if !readable {
		reader, writer = o, e
	}
	park := func() { p.parked = e }
	switch {
	case p.dropped:
		e.finish(uint32(copyDropped))
	case o == nil:
		park()
	case future:
		m.exchange(reader, writer, 1)
		p.parked = nil
		o.finish(uint32(copyCompleted))
		e.finish(uint32(copyCompleted))
	case o.remain() > 0:
		if n > 0 {
			m.exchange(reader, writer, min(n, o.remain()))
			o.copied()
		}
		e.finish(uint32(copyCompleted))
	case !readable && n == 0 && o.size == 0:
		e.finish(uint32(copyCompleted))
	default:
		p.parked = nil
		o.finish(uint32(copyCompleted))
		park()
	}
	if !e.event || e.unfinished && e.remain() > 0 {
		return 0xffff_ffff, true
	}
	_, result = m.deliver(e)
	return result, true
}

// deliver takes the event of a waitable.
func (m *asyncModel) deliver(w *modelWaitable) (code, payload uint32) {
	w.event = false
	if w.call {
		w.delivered = w.state >= 2
		return 1, w.state
	}
	if w.unfinished {
		w.unfinished, w.pair.parked = false, nil
	}
	w.busy = false
	code = 3
	if w.readable {
		code = 2
	}
	if w.pair.future {
		w.done = w.result != uint32(copyCancelled)
		return code + 2, w.result
	}
	w.done = w.result == uint32(copyDropped)
	return code, w.result | w.progress<<4
}

// cancelCopy is one of the four that cancel a copy. A copy that made some progress but has room for
// more is cancelled, what has moved being reported.
func (m *asyncModel) cancelCopy(h uint32, future, readable bool) (result uint32, ok bool) {
	e := m.end(h, future, readable)
	if e == nil || !e.busy {
		return 0, false
	}
	if !e.event || e.unfinished && e.remain() > 0 {
		e.pair.parked = nil
		e.finish(uint32(copyCancelled))
	}
	_, result = m.deliver(e)
	return result, true
}

func (m *asyncModel) dropEnd(h uint32, future, readable bool) (ok bool) {
	e := m.end(h, future, readable)
	if e == nil || e.busy || future && !readable && !e.done {
		return false
	}
	p := e.pair
	if !p.dropped {
		p.dropped = true
		if o := p.parked; o != nil {
			p.parked = nil
			o.finish(uint32(copyDropped))
		}
	}
	m.leave(e)
	m.remove(h)
	return true
}

func (m *asyncModel) leave(w *modelWaitable) {
	if w.set != nil {
		w.set.members = slices.DeleteFunc(w.set.members,
			func(x *modelWaitable) bool { return x == w })
		w.set = nil
	}
}

func (m *asyncModel) join(h, set uint32) (ok bool) {
	w, s := m.waitable(h), m.set(set)
	if w == nil || set != 0 && s == nil {
		return false
	}
	m.leave(w)
	if s != nil {
		w.set = s
		s.members = append(s.members, w)
	}
	return true
}

func (m *asyncModel) dropSet(h uint32) (ok bool) {
	s := m.set(h)
	if s == nil || len(s.members) > 0 {
		return false
	}
	m.remove(h)
	return true
}

// work is the start of a call that has its result at once, or else later.
func (m *asyncModel) work(n, to uint32, now bool) uint32 {
	if now {
		le.PutUint32(m.mem[to:], n)
		return 2
	}
	w := m.addWaitable(&modelWaitable{call: true, state: 1, to: to})
	return w.handle<<4 | 1
}

// complete completes a call with its result.
func (m *asyncModel) complete(w *modelWaitable, n uint32) {
	if w.state != 1 {
		return
	}
	le.PutUint32(m.mem[w.to:], n)
	w.state, w.event = 2, true
}

func (m *asyncModel) cancelCall(h uint32) (state uint32, ok bool) {
	w := m.waitable(h)
	if w == nil || !w.call || w.delivered || w.cancelled || w.set != nil {
		return 0, false
	}
	if w.state == 1 {
		w.cancelled, w.state = true, 4
	}
	_, state = m.deliver(w)
	return state, true
}

func (m *asyncModel) dropCall(h uint32) (ok bool) {
	w := m.waitable(h)
	if w == nil || !w.call || !w.delivered {
		return false
	}
	m.leave(w)
	m.remove(h)
	return true
}
