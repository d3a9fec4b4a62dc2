package component

import (
	"runtime"
	"sync"

	"github.com/wasihttp/wasihttp/internal/engine"
)

// maxRecycledPerCPU bounds the instances kept for reuse.
const maxRecycledPerCPU = 8

// recycled is what is left of a closed store: an instance tree put back to where it was before its
// start function ran, which is the same as a new one. Only start functions run code while core
// modules are instantiated; they run anew for each store, because the embedder may return something
// else to them.
type recycled struct {
	limits Limits
	group  *engine.Group
	insts  []*instance
	mems   []*engine.Memory
	funcs  []*engine.Func
	room   *callRoom
	frame  *callFrame
	spares spares
	idle   *fiber
}

// pool holds recycled instance trees of one linked component.
type pool struct {
	mu     sync.Mutex
	free   []recycled
	closed bool
}

func (p *pool) take(lim Limits) (r recycled, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := len(p.free) - 1
	if n < 0 || p.free[n].limits != lim {
		return recycled{}, false
	}
	r = p.free[n]
	p.free[n] = recycled{}
	p.free = p.free[:n]
	return r, true
}

func (p *pool) put(r recycled) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || len(p.free) >= maxRecycledPerCPU*runtime.GOMAXPROCS(0) {
		return false
	}
	p.free = append(p.free, r)
	return true
}

// Idle returns the number of instances that are kept to be used again.
func (l *Linked) Idle() int {
	l.pool.mu.Lock()
	defer l.pool.mu.Unlock()
	return len(l.pool.free)
}

// close frees what the pool holds.
func (p *pool) close() {
	p.mu.Lock()
	free := p.free
	p.free, p.closed = nil, true
	p.mu.Unlock()
	for _, r := range free {
		if r.idle != nil {
			r.idle.stop()
		}
		_ = r.group.Close()
	}
}

// recycle keeps the instance tree of a store that is being closed for a later one, and reports
// whether it could. No thread may have been left in it, and no operation of the embedder that a
// guest waits for: handles, sets and ends of streams are dropped by then, and what the embedder
// still has of them belongs to the store that is closed.
func (s *Store) recycle() bool {
	if !s.instantiated || s.poison != nil {
		return false
	}
	for _, in := range s.insts {
		if !in.mayLeave || in.entered {
			return false
		}
	}
	if !s.group.Reset() {
		return false
	}
	for _, in := range s.insts {
		*in = instance{idx: in.idx, parent: in.parent, mayLeave: true, table: in.table.emptied()}
	}
	if s.frame != nil {
		*s.frame = callFrame{}
	}
	return s.linked.pool.put(recycled{limits: s.limits, group: s.group, insts: s.insts,
		mems: s.mems, funcs: s.funcs, room: s.room, frame: s.frame, spares: s.spares,
		idle: s.idle})
}

// maxKeptEntries bounds the room in a handle table that waits for another use.
const maxKeptEntries = 1024

// emptied returns an empty table, which hands out indices as a new one does, with the memory of t
// unless that is much. Close has cleared the entries.
func (t *table) emptied() table {
	if cap(t.entries) > maxKeptEntries || cap(t.free) > maxKeptEntries {
		return table{}
	}
	return table{entries: t.entries[:min(1, len(t.entries))], free: t.free[:0]}
}
