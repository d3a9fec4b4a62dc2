package inspect

import (
	"encoding/binary"
	"iter"
)

// Sections of components and core modules (Binary.md of the component model, and the core
// specification).
const (
	preambleSize   = 8
	maxLEB         = 5 // bytes of a u32
	sectionCustom  = 0
	sectionModule  = 1 // in a component: a core module
	sectionNested  = 4 // in a component: a component
	sectionImport  = 10
	sectionExport  = 11
	nameSubsection = 0 // in a name section: the name of the module
)

// missing returns how many bytes a component or core module lacks at its end: more than 0 if the
// last section announces more than there is. That is what an interrupted copy or a build that is
// still writing looks like.
func missing(data []byte) int64 {
	if len(data) < preambleSize {
		return int64(preambleSize - len(data))
	}
	for rest := data[preambleSize:]; len(rest) > 0; {
		window := rest[1:min(len(rest), 1+maxLEB)]
		size, n := binary.Uvarint(window)
		switch {
		case n < 0 || size > 1<<32-1 || n == 0 && len(window) == maxLEB:
			return 0 // not a section: another kind of damage
		case n == 0:
			return 1 // at least the rest of the size
		}
		rest = rest[1+n:]
		if size > uint64(len(rest)) {
			return int64(size) - int64(len(rest))
		}
		rest = rest[size:]
	}
	return 0
}

// sections yields the sections of a component or core module, in order, up to the first fault.
func sections(data []byte) iter.Seq2[byte, []byte] {
	return func(yield func(id byte, body []byte) bool) {
		if len(data) < preambleSize {
			return
		}
		r := walker{data[preambleSize:]}
		for len(r.b) > 0 {
			id := r.b[0]
			r.b = r.b[1:]
			body, ok := r.bytes()
			if !ok || !yield(id, body) {
				return
			}
		}
	}
}

// coreModules appends the core modules of a component and of those inside it, in order.
func coreModules(component []byte, all [][]byte) [][]byte {
	for id, body := range sections(component) {
		switch id {
		case sectionModule:
			all = append(all, body)
		case sectionNested:
			all = coreModules(body, all)
		}
	}
	return all
}

// walker reads what sections are made of. It gives up quietly at the first fault.
type walker struct{ b []byte }

func (r *walker) u32() (uint32, bool) {
	v, n := binary.Uvarint(r.b)
	if n <= 0 || v > 1<<32-1 {
		return 0, false
	}
	r.b = r.b[n:]
	return uint32(v), true
}

func (r *walker) bytes() ([]byte, bool) {
	n, ok := r.u32()
	if !ok || uint64(n) > uint64(len(r.b)) {
		return nil, false
	}
	out := r.b[:n]
	r.b = r.b[n:]
	return out, true
}

func (r *walker) name() (string, bool) {
	b, ok := r.bytes()
	return string(b), ok
}
