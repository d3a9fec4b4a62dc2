package corewasm

import (
	"bytes"
	"encoding/binary"
)

// Section is one section of a core module as it stands in the file.
type Section struct {
	ID      byte
	Content []byte // aliases the module
}

// IsData reports whether the section holds data segments or their number.
func (s Section) IsData() bool { return s.ID == secData || s.ID == secDataCount }

// Sections returns the sections of a module that are not custom, in order. Of a
// malformed module it returns those before the fault.
func Sections(module []byte) []Section {
	const preamble = 8
	if len(module) < preamble {
		return nil
	}
	var all []Section
	for rest := module[preamble:]; len(rest) > 0; {
		size, n := binary.Uvarint(rest[1:])
		if n <= 0 || size > uint64(len(rest)-1-n) {
			return all
		}
		if rest[0] != secCustom {
			all = append(all, Section{rest[0], rest[1+n : 1+n+int(size)]})
		}
		rest = rest[1+n+int(size):]
	}
	return all
}

// SameCode reports whether two modules have the same code section.
func (i *Info) SameCode(o *Info) bool {
	return bytes.Equal(i.sec[secCode].content, o.sec[secCode].content)
}
