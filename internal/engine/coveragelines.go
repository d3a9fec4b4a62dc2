package engine

import (
	"cmp"
	"debug/dwarf"
	"maps"
	"math"
	"slices"
	"sort"
	"strings"

	"github.com/wasihttp/wasihttp/internal/corewasm"
	"github.com/wasihttp/wasihttp/internal/stable"
)

// lineCoverage tells from blocks which lines ran.
type lineCoverage struct {
	debug  *debugInfo
	paths  []string
	wanted []bool
	index  map[string]int32
	rows   []coverRow // of the whole module, by address; each is followed by the end of its code
	found  []sourceCoverage
	spans  []coverSpan // blocks, by address
	bodies []coverBody // functions, by address
}

// coverRow says where code is from, from an address on.
type coverRow struct {
	at        uint32
	file      int32 // none: nowhere
	line, col int32
}

const noFile = -1

type coverSpan struct {
	first, end uint32
	ran        bool
}

type coverBody struct {
	begin, end uint32
	name       string
	file       int32
	line       int
	index      uint32
	ran, known bool // known: the debug information names the function
}

// sourceCoverage is what is known of a file.
type sourceCoverage struct {
	lines    map[int32]bool
	branches map[branchPlace]CoveredBranch
	funcs    map[funcPlace]*CoveredFunc
}

// branchPlace makes one of the copies of a branch that inlining and generic functions cause.
type branchPlace struct{ line, col, nth, ways int32 }

// funcPlace does so with functions.
type funcPlace struct {
	line int
	name string
}

// newLineCoverage reads the line tables. It returns one without lines if there are none.
func newLineCoverage(d *debugInfo, wanted func(path string) bool) *lineCoverage {
	c := &lineCoverage{debug: d, index: map[string]int32{}}
	if !d.info.HasDWARF {
		return c
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	defer func() {
		if recover() != nil { // see debugInfo.positions
			c.rows = nil
		}
	}()
	if !d.ready {
		d.ready = true
		d.load()
	}
	for i := range d.units {
		for _, e := range d.lineTable(d.units[i].entry) {
			if e.Address > math.MaxUint32 {
				continue
			}
			row := coverRow{uint32(e.Address), noFile, int32(e.Line), int32(e.Column)}
			if !e.EndSequence && e.File != nil && e.Line > 0 {
				row.file = c.file(e.File.Name, wanted)
			}
			c.rows = append(c.rows, row)
		}
	}
	slices.SortStableFunc(c.rows, func(a, b coverRow) int { return cmp.Compare(a.at, b.at) })
	return c
}

func (c *lineCoverage) file(path string, wanted func(path string) bool) int32 {
	n, ok := c.index[path]
	if !ok {
		n = int32(len(c.paths))
		c.index[path] = n
		c.paths, c.wanted = append(c.paths, path), append(c.wanted, wanted(path))
		c.found = append(c.found, sourceCoverage{
			lines: map[int32]bool{}, branches: map[branchPlace]CoveredBranch{},
			funcs: map[funcPlace]*CoveredFunc{},
		})
	}
	return n
}

// rowAt returns the index of the first row that begins after an address.
func (c *lineCoverage) rowAt(at uint32) int {
	return sort.Search(len(c.rows), func(i int) bool { return c.rows[i].at > at })
}

// place returns where the code at an address is from.
func (c *lineCoverage) place(at uint32) coverRow {
	if i := c.rowAt(at) - 1; i >= 0 {
		return c.rows[i]
	}
	return coverRow{file: noFile}
}

// function adds what of a function ran, and returns its first line.
func (c *lineCoverage) function(
	f *corewasm.Flow, name string, blocks []bool, branches []CoveredBranch,
) (file string, line int) {
	if len(c.rows) == 0 {
		return "", 0
	}
	body := coverBody{begin: f.Offset, end: f.End, name: name, file: noFile, index: f.Func}
	body.ran = len(blocks) > 0 && blocks[0]
	for i, b := range f.Blocks {
		if b.Instructions == 0 {
			continue
		}
		c.spans = append(c.spans, coverSpan{b.First, b.End, blocks[i]})
		for k := max(c.rowAt(b.First)-1, 0); k < len(c.rows) && c.rows[k].at < b.End; k++ {
			row := c.rows[k]
			ends := uint32(math.MaxUint32)
			if k+1 < len(c.rows) {
				ends = c.rows[k+1].at
			}
			if row.file == noFile || ends <= b.First || ends == row.at {
				continue
			}
			if body.line == 0 {
				body.file, body.line = row.file, int(row.line)
			}
			if c.wanted[row.file] {
				lines := c.found[row.file].lines
				lines[row.line] = lines[row.line] || blocks[i]
			}
		}
	}
	c.branches(f, branches)
	c.bodies = append(c.bodies, body)
	if body.file == noFile {
		return "", 0
	}
	return c.paths[body.file], body.line
}

// branches adds the branches of a function.
func (c *lineCoverage) branches(f *corewasm.Flow, branches []CoveredBranch) {
	nth := map[branchPlace]int32{}
	for i, b := range f.Branches {
		row, ways := c.place(b.Offset), branches[i]
		if len(ways) < 2 || row.file == noFile || !c.wanted[row.file] || c.check(f, &b, row) {
			continue
		}
		at := branchPlace{line: row.line, col: row.col, ways: int32(len(ways))}
		if at.col == 0 {
			nth[at]++
			at.nth = nth[at]
		}
		all := c.found[row.file].branches
		if all[at] == nil {
			all[at] = make(CoveredBranch, len(ways))
		}
		for o, came := range ways {
			all[at][o] = all[at][o] || came
		}
	}
}

// check reports whether a branch is one that the compiler has added for what the source leaves to
// it, such as the bounds of an array: one way is a trap, for which no other line is written.
func (c *lineCoverage) check(f *corewasm.Flow, b *corewasm.Branch, row coverRow) bool {
	if len(b.Outcomes) != 2 {
		return false
	}
	for _, to := range b.Outcomes {
		if to == corewasm.Return || !f.Blocks[to].Traps {
			continue
		}
		trap := c.place(f.Blocks[to].First)
		if trap.file == noFile || !c.wanted[trap.file] ||
			trap.file == row.file && trap.line == row.line {
			return true
		}
	}
	return false
}

// files returns what is known of the files that were wanted.
func (c *lineCoverage) files() []CoveredFile {
	if len(c.rows) == 0 {
		return nil
	}
	c.names()
	var all []CoveredFile
	for i, path := range c.paths {
		s := &c.found[i]
		if !c.wanted[i] || len(s.lines) == 0 && len(s.funcs) == 0 {
			continue
		}
		s.dropMacros()
		file := CoveredFile{Path: path}
		for line, ran := range s.lines {
			file.Lines = append(file.Lines, CoveredLine{Line: int(line), Ran: ran})
		}
		stable.Sort(file.Lines, func(a, b CoveredLine) int {
			return cmp.Compare(a.Line, b.Line)
		})
		s.addBranches(file.Lines)
		for _, f := range s.funcs {
			file.Functions = append(file.Functions, *f)
		}
		stable.Sort(file.Functions, func(a, b CoveredFunc) int {
			return cmp.Or(cmp.Compare(a.Line, b.Line), strings.Compare(a.Name, b.Name))
		})
		all = append(all, file)
	}
	stable.Sort(all, func(a, b CoveredFile) int { return strings.Compare(a.Path, b.Path) })
	return all
}

// maxOnLine is how many functions a person writes on a line.
const maxOnLine = 3

// dropMacros drops the functions that a macro has made, which are all on the line that calls it,
// and their branches.
func (s *sourceCoverage) dropMacros() {
	lines := map[int]int{}
	for at := range s.funcs {
		lines[at.line]++
	}
	maps.DeleteFunc(s.funcs, func(at funcPlace, _ *CoveredFunc) bool {
		return lines[at.line] > maxOnLine
	})
	maps.DeleteFunc(s.branches, func(at branchPlace, _ CoveredBranch) bool {
		return lines[int(at.line)] > maxOnLine
	})
}

// addBranches adds the branches to their lines, which are in order.
func (s *sourceCoverage) addBranches(lines []CoveredLine) {
	places := make([]branchPlace, 0, len(s.branches))
	for p := range s.branches {
		places = append(places, p)
	}
	stable.Sort(places, func(a, b branchPlace) int {
		return cmp.Or(cmp.Compare(a.line, b.line), cmp.Compare(a.col, b.col),
			cmp.Compare(a.nth, b.nth), cmp.Compare(a.ways, b.ways))
	})
	for _, p := range places {
		k, ok := slices.BinarySearchFunc(lines, int(p.line), func(l CoveredLine, line int) int {
			return cmp.Compare(l.Line, line)
		})
		if ok {
			lines[k].Branches = append(lines[k].Branches, s.branches[p])
		}
	}
}

// names adds the functions that the debug information knows, and those of the module that it does
// not.
func (c *lineCoverage) names() {
	c.debug.mu.Lock()
	defer c.debug.mu.Unlock()
	for i := range c.debug.units {
		c.unit(c.debug.units[i].entry)
	}
	for _, b := range c.bodies {
		if !b.known && b.file != noFile && c.wanted[b.file] {
			fn := CoveredFunc{Name: b.name, Index: b.index, Ran: b.ran}
			c.add(b.file, b.line, generic(b.name), fn)
		}
	}
}

// unit adds the functions of a unit that has a file that is wanted.
func (c *lineCoverage) unit(entry *dwarf.Entry) {
	defer func() { _ = recover() }() // see debugInfo.positions
	files := c.debug.files(entry)
	if !slices.ContainsFunc(files, func(f *dwarf.LineFile) bool {
		if f == nil {
			return false
		}
		n, ok := c.index[f.Name]
		return ok && c.wanted[n]
	}) {
		return
	}
	r := c.debug.data.Reader()
	r.Seek(entry.Offset)
	if e, err := r.Next(); err != nil || e == nil || !e.Children {
		return
	}
	for depth := 1; depth > 0; {
		e, err := r.Next()
		if err != nil || e == nil {
			return
		}
		switch e.Tag {
		case 0:
			depth--
		case dwarf.TagSubprogram, dwarf.TagInlinedSubroutine:
			c.entry(e)
		case dwarf.TagNamespace, dwarf.TagModule, dwarf.TagStructType, dwarf.TagClassType,
			dwarf.TagLexDwarfBlock:
		default:
			r.SkipChildren()
			continue
		}
		if e.Children {
			depth++
		}
	}
}

// entry adds a function, or a copy of it that was inlined.
func (c *lineCoverage) entry(e *dwarf.Entry) {
	ranges, err := c.debug.data.Ranges(e)
	if err != nil {
		return
	}
	ran, has := false, false
	first := uint32(math.MaxUint32)
	for _, r := range ranges {
		if r[0] == 0 || r[0] >= r[1] || r[1] > math.MaxUint32 {
			continue
		}
		has = true
		first = min(first, uint32(r[0]))
		if e.Tag == dwarf.TagSubprogram {
			if b := c.body(uint32(r[1] - 1)); b != nil {
				b.known, ran = true, ran || b.ran
			}
		} else {
			ran = ran || c.within(uint32(r[0]), uint32(r[1]))
		}
	}
	if !has {
		return
	}
	fn := CoveredFunc{Name: c.debug.nameOf(e), Ran: ran}
	path, line := c.debug.declared(e)
	file, ok := c.index[path]
	if path == "" || line == 0 {
		i := max(c.rowAt(first)-1, 0)
		for i+1 < len(c.rows) && (c.rows[i].file == noFile || c.rows[i+1].at <= first) {
			i++
		}
		file, line = c.rows[i].file, int(c.rows[i].line)
		ok = file != noFile
	}
	if ok && c.wanted[file] {
		c.add(file, line, c.debug.genericName(e), fn)
	}
}

// add adds a function to those of a file, in which it is the only one of that line and name.
func (c *lineCoverage) add(file int32, line int, name string, f CoveredFunc) {
	at := funcPlace{line, name}
	all := c.found[file].funcs
	f.Line, f.File = line, c.paths[file]
	if old := all[at]; old != nil {
		old.Ran = old.Ran || f.Ran
		old.Name = min(old.Name, f.Name)
		return
	}
	all[at] = &f
}

// body returns the function that the code at an address is in.
func (c *lineCoverage) body(at uint32) *coverBody {
	i := sort.Search(len(c.bodies), func(i int) bool { return c.bodies[i].end > at })
	if i < len(c.bodies) && c.bodies[i].begin <= at {
		return &c.bodies[i]
	}
	return nil
}

// within reports whether a block in a part of the code ran.
func (c *lineCoverage) within(from, to uint32) bool {
	i := sort.Search(len(c.spans), func(i int) bool { return c.spans[i].end > from })
	for ; i < len(c.spans) && c.spans[i].first < to; i++ {
		if c.spans[i].ran {
			return true
		}
	}
	return false
}
