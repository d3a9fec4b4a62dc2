package engine

import (
	"debug/dwarf"
	"encoding/binary"
	"sort"
	"sync"
)

// lineMap leads from offsets in the code of a rewritten module to those in the original. It is read
// from the line table that rewriting adds, when a profile first needs it.
type lineMap struct {
	once     sync.Once
	sections map[string][]byte // of debug information
	rows     []dwarf.LineEntry // sorted by address; Line is the original offset
}

// newLineMap returns the map of a rewritten module, or of its stub; nil if it has none.
func newLineMap(wasm []byte) *lineMap {
	l := &lineMap{sections: map[string][]byte{}}
	const preamble = 8
	for rest := wasm[min(preamble, len(wasm)):]; len(rest) > 1; {
		size, n := binary.Uvarint(rest[1:])
		if n <= 0 || size > uint64(len(rest)-1-n) {
			return nil
		}
		content := rest[1+n : 1+n+int(size)]
		if rest[0] == 0 {
			if size, n := binary.Uvarint(content); n > 0 && size <= uint64(len(content)-n) {
				name := string(content[n : n+int(size)])
				if name == ".debug_abbrev" || name == ".debug_info" || name == ".debug_line" {
					l.sections[name] = append([]byte{}, content[n+int(size):]...)
				}
			}
		}
		rest = rest[1+n+int(size):]
	}
	if len(l.sections) != 3 {
		return nil
	}
	return l
}

// original returns the offset in the original code, and false if it is unknown.
func (l *lineMap) original(offset uint64) (uint64, bool) {
	l.once.Do(l.read)
	i := sort.Search(len(l.rows), func(i int) bool { return l.rows[i].Address > offset }) - 1
	if i < 0 || l.rows[i].EndSequence {
		return 0, false
	}
	return uint64(l.rows[i].Line), true
}

// read reads the table, which is this program's own.
func (l *lineMap) read() {
	data, err := dwarf.New(l.sections[".debug_abbrev"], nil, nil, l.sections[".debug_info"],
		l.sections[".debug_line"], nil, nil, nil)
	l.sections = nil
	if err != nil {
		return
	}
	unit, err := data.Reader().Next()
	if err != nil || unit == nil {
		return
	}
	lines, err := data.LineReader(unit)
	if err != nil || lines == nil {
		return
	}
	var row dwarf.LineEntry
	for lines.Next(&row) == nil {
		l.rows = append(l.rows, row)
	}
	sort.SliceStable(l.rows, func(i, j int) bool { return l.rows[i].Address < l.rows[j].Address })
}

// at returns the frames at an offset in the code of the rewritten module, for a function of the
// original: what was inlined there first.
func (m *Module) at(f Frame, offset uint64) []Frame {
	if m.lines == nil {
		return []Frame{f}
	}
	original, ok := m.lines.original(offset)
	if !ok {
		return []Frame{f}
	}
	return m.positioned(f, original)
}
