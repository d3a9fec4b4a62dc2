package corewasm

import "encoding/binary"

// lineTable collects pairs of offsets, new and original, for a DWARF line table in which the "line"
// of an address is an offset in the original code section.
type lineTable struct {
	rows []lineRow
}

type lineRow struct{ from, to uint32 }

func (t *lineTable) add(from, to int) {
	t.rows = append(t.rows, lineRow{uint32(from), uint32(to)})
}

// Parameters of the line program (DWARF 3 §6.2.4): special opcodes serve
// small steps forward of both address and line.
const (
	lineRange  = 14
	opcodeBase = 10
)

// appendSections appends the debug sections, DWARF version 3 with one
// compilation unit that spans the code.
func (t *lineTable) appendSections(dst []byte, codeSize int) []byte {
	u16, u32 := binary.LittleEndian.AppendUint16, binary.LittleEndian.AppendUint32
	section := func(name string, content []byte) {
		content = append(appendName(nil, name), content...)
		dst = append(appendU32(append(dst, secCustom), uint32(len(content))), content...)
	}
	// withLength puts the length before a unit.
	withLength := func(unit []byte) []byte {
		return append(u32(nil, uint32(len(unit))), unit...)
	}

	section(".debug_abbrev", []byte{
		1, 0x11, 0, // abbreviation 1: compile unit without children
		0x11, 0x01, // low_pc: address
		0x12, 0x01, // high_pc: address
		0x10, 0x06, // stmt_list: four bytes
		0, 0, 0,
	})

	info := u16(nil, 3)
	info = append(u32(info, 0), 4)
	// Readers take address 0 for code that the linker left out.
	info = u32(append(info, 1), 1)
	info = u32(info, uint32(codeSize)+1)
	info = u32(info, 0)
	section(".debug_info", withLength(info))

	header := []byte{
		1, 1, 0, lineRange, opcodeBase, // instruction length, is_stmt, line base
		0, 1, 1, 1, 1, 0, 0, 0, 1, // operands of the standard opcodes
		0,                  // no folders
		'x', 0, 0, 0, 0, 0, // one file
	}
	line := u16(nil, 3)
	line = append(u32(line, uint32(len(header))), header...)
	at := lineRow{from: 1, to: 1}
	line = u32(append(line, 0, 5, 2), at.from) // set_address
	for _, r := range t.rows {
		da, dl := r.from-at.from, int64(r.to)-int64(at.to)
		if op := dl + int64(da)*lineRange + opcodeBase; dl >= 0 && dl < lineRange && op <= 255 {
			line = append(line, byte(op))
		} else {
			line = appendS32(append(line, 3), int32(dl)) // advance_line
			line = appendU32(append(line, 2), da)        // advance_pc
			line = append(line, 1)                       // copy
		}
		at = r
	}
	line = append(line, 2, 1, 0, 1, 1) // advance_pc, end_sequence
	section(".debug_line", withLength(line))
	return dst
}
