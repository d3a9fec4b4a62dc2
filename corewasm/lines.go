package corewasm

// lineTable collects pairs of offsets for the synthetic line table.
type lineTable struct {
	rows []lineRow
}

type lineRow struct{ from, to uint32 }

func (t *lineTable) add(from, to int) {
	t.rows = append(t.rows, lineRow{uint32(from), uint32(to)})
}

func (t *lineTable) appendSections(dst []byte, codeSize int) []byte { return dst }
