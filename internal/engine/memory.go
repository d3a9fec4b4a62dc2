package engine

import (
	"github.com/tetratelabs/wazero/experimental"

	"github.com/wasihttp/wasihttp/internal/corewasm"
)

// Memory is a linear memory of a group.
type Memory struct{ linear *linear }

// Memory returns an exported memory.
func (g *Group) Memory(slot int, export string) (*Memory, error) {
	if _, _, err := g.export(slot, export, corewasm.KindMemory); err != nil {
		return nil, err
	}
	return &Memory{g.slots[g.memorySlot(slot, export)].memory}, nil
}

// Bytes returns the current contents, for reading and writing. They are invalid after any guest
// call, which may grow and move them.
func (m *Memory) Bytes() []byte { return m.linear.buf }

// backing holds the bytes of a linear memory.
type backing interface {
	// resize returns the memory's first size bytes: those there before unchanged, new ones zero or,
	// the first time, as in the image. It returns nil if there is not enough memory.
	resize(size uint64) []byte
	// reset restores the initial contents; resize must follow before they are used.
	reset() error
	// release frees the bytes; they must not be used again.
	release() error
}

// linear is the memory of one instance; it implements wazero's LinearMemory.
type linear struct {
	group   *Group
	backing backing
	buf     []byte
	initial uint64
	// shrink makes the next Reallocate return the initial size, whatever its argument.
	shrink bool
}

// allocator allocates, for wazero, the memory of the module that the group is instantiating.
type allocator struct{ group *Group }

// Allocate implements experimental.MemoryAllocator.
func (a allocator) Allocate(_, most uint64) experimental.LinearMemory {
	g := a.group
	if limit := g.lim.MaxMemoryBytes; limit != 0 {
		most = min(most, limit)
	}
	l := &linear{group: g, backing: g.current.image.acquire(most)}
	g.backed = append(g.backed, l)
	return l
}

// maxMemory is a page less than 32 bits can address: wazero would take a memory
// of 4 GiB for an empty one.
const maxMemory = 65535 * pageSize

// Reallocate implements experimental.LinearMemory.
func (l *linear) Reallocate(size uint64) []byte {
	if l.shrink {
		l.buf = l.backing.resize(l.initial)
		return l.buf
	}
	if size > maxMemory {
		return nil
	}
	more := size - uint64(len(l.buf))
	if !l.group.fits(more) {
		l.group.refused = true
		return nil
	}
	buf := l.backing.resize(size)
	if buf == nil {
		return nil
	}
	if l.buf == nil {
		l.initial = size
	}
	l.group.used += more
	l.group.linear.Add(more)
	l.buf = buf
	return buf
}

// Free implements experimental.LinearMemory. The group frees its memories
// itself: wazero does not when an instantiation fails.
func (l *linear) Free() {}

func (l *linear) release() error {
	l.buf = nil
	return l.backing.release()
}

// heapBacking is memory from Go's heap.
type heapBacking struct {
	segments []corewasm.Segment
	buf      []byte
	first    uint64 // the size at first
}

func (h *heapBacking) resize(size uint64) []byte {
	if size > uint64(cap(h.buf)) {
		capacity := size
		if len(h.buf) > 0 {
			capacity += size / 4
		}
		buf := make([]byte, size, capacity)
		if h.buf == nil {
			apply(buf, h.segments)
			h.first = size
		}
		copy(buf, h.buf)
		h.buf = buf
	}
	h.buf = h.buf[:size]
	return h.buf
}

func (h *heapBacking) reset() error {
	if uint64(cap(h.buf)) > h.first {
		h.buf = nil // what it grew by is not kept for the next user
		return nil
	}
	clear(h.buf)
	apply(h.buf, h.segments)
	return nil
}

func (h *heapBacking) release() error {
	h.buf = nil
	return nil
}

func apply(buf []byte, segments []corewasm.Segment) {
	for _, s := range segments {
		copy(buf[s.Offset:], s.Bytes)
	}
}
