package corewasm

import "sort"

// OffsetMap maps offsets in the rewritten code section to offsets in the
// original one. Both count bytes from the start of the section's content, as
// DWARF for WebAssembly does.
type OffsetMap struct {
	from, to []uint32
}

// add records that from here on bytes at from come from to; places where the distance does not
// change are left out.
func (m *OffsetMap) add(from, to int) {
	if n := len(m.from); n > 0 && int(m.from[n-1])-int(m.to[n-1]) == from-to {
		return
	}
	m.from = append(m.from, uint32(from))
	m.to = append(m.to, uint32(to))
}

// Original returns the original offset for an offset; inserted code is attributed to what follows
// the last original byte before it.
func (m *OffsetMap) Original(offset uint32) (uint32, bool) {
	i := sort.Search(len(m.from), func(i int) bool { return m.from[i] > offset })
	if i == 0 {
		return 0, false
	}
	at := m.to[i-1] + (offset - m.from[i-1])
	if i < len(m.to) && at > m.to[i] {
		at = m.to[i]
	}
	return at, true
}

// Len returns the number of entries.
func (m *OffsetMap) Len() int { return len(m.from) }
