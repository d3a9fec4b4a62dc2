package component

import "github.com/wasihttp/wasihttp/component/internal/types"

// The bounds of all handle tables of a store together, against guests that leak handles. They are
// below the specification's 2^28-1, and lower where memory is scarce: a handle and what is behind
// it take up to bytesPerHandle of the host's memory.
const (
	maxHandles     = 1_000_000
	fewestHandles  = 1 << 16
	bytesPerHandle = 1024
)

// handleLimit returns how many handles a store with these limits may have.
func handleLimit(lim Limits) int {
	if lim.MemoryBytes == 0 {
		return maxHandles
	}
	return int(min(max(lim.MemoryBytes/bytesPerHandle, fewestHandles), maxHandles))
}

// handleCount is how many handles the tables of a store have, and may have.
type handleCount struct{ live, limit int }

// entryKind is the kind of an entry of a handle table.
type entryKind byte

const (
	entryFree entryKind = iota
	entryResource
	entryOther // waitables, sets and error contexts: obj holds them
)

// entry is one slot of a handle table.
type entry struct {
	kind  entryKind
	own   bool
	lends uint32          // borrows of it that are out
	res   *types.Resource // entryResource
	guest uint32          // the representation of a component-defined resource
	rep   any             // the value behind an embedder's resource, or the object of entryOther
	scope *task           // a borrow: the task that must drop it
}

// table is the handle table of one component instance: resources, waitables, sets and error
// contexts. Index 0 is never handed out; freed indices are reused last in, first out, which guests
// can observe.
type table struct {
	entries []entry
	free    []uint32
	count   *handleCount
}

// add returns a new handle and its entry, which is zero but for the kind: for the caller to fill in
// at once. To pass it as a whole takes longer than all else here.
func (t *table) add(kind entryKind) (uint32, *entry) {
	if t.count.live >= t.count.limit {
		trapf("handle table is full (%d handles)", t.count.limit)
	}
	t.count.live++
	if n := len(t.free); n > 0 {
		i := t.free[n-1]
		t.free = t.free[:n-1]
		e := &t.entries[i]
		e.kind = kind
		return i, e
	}
	if len(t.entries) == 0 {
		t.entries = make([]entry, 1, 16)
	}
	i := len(t.entries)
	t.entries = append(t.entries, entry{kind: kind})
	return uint32(i), &t.entries[i]
}

// addOther returns a new handle of an object that is no resource.
func (t *table) addOther(object any) uint32 {
	i, e := t.add(entryOther)
	e.rep = object
	return i
}

// get returns the entry of a handle, valid until the table changes.
func (t *table) get(i uint32) *entry {
	if i == 0 || i >= uint32(len(t.entries)) || t.entries[i].kind == entryFree {
		trapf("unknown handle index %d", i)
	}
	return &t.entries[i]
}

// resource returns the entry of a handle to a resource of type r.
func (t *table) resource(i uint32, r *types.Resource) *entry {
	e := t.get(i)
	if e.kind != entryResource || e.res != r {
		trapf("handle index %d used with the wrong type, expected guest-defined resource %s", i,
			r.Name)
	}
	return e
}

func (t *table) remove(i uint32) {
	t.entries[i] = entry{}
	t.free = append(t.free, i)
	t.count.live--
}

func (t *table) addWaitable(w waiter) uint32 {
	i := t.addOther(w)
	w.base().index = i
	return i
}

func (t *table) other(i uint32) any {
	e := t.get(i)
	if e.kind != entryOther {
		return nil
	}
	return e.rep
}

func (t *table) waitable(i uint32) *waitable {
	w, ok := t.other(i).(waiter)
	if !ok {
		trapf("handle index %d is not a waitable", i)
	}
	return w.base()
}

func (t *table) set(i uint32) *waitableSet {
	s, ok := t.other(i).(*waitableSet)
	if !ok {
		trapf("handle index %d is not a waitable-set", i)
	}
	return s
}

func (t *table) subtask(i uint32) *subtask {
	s, ok := t.other(i).(*subtask)
	if !ok {
		trapf("handle index %d is not a subtask", i)
	}
	return s
}

func (t *table) errorContext(i uint32) *errorContext {
	e, ok := t.other(i).(*errorContext)
	if !ok {
		trapf("handle index %d is not an error-context", i)
	}
	return e
}

// end returns the end of a stream or future of type typ.
func (t *table) end(i uint32, typ *types.Type, readable bool) *copyEnd {
	e, ok := t.other(i).(*copyEnd)
	if ok && e.readable == readable && e.sh.future == (typ.Kind == types.Future) &&
		types.Equal(e.sh.elem, typ.Elem) {
		return e
	}
	side := "writable"
	if readable {
		side = "readable"
	}
	trapf("handle index %d is not a %s end of %s", i, side, typ)
	return nil
}
