package engine

import (
	"cmp"
	"debug/dwarf"
	"iter"
	"sort"
	"strings"
	"sync"

	"github.com/wasihttp/wasihttp/internal/corewasm"
	"github.com/wasihttp/wasihttp/internal/rustname"
)

// debugInfo finds source positions in the DWARF of a module. It is read when
// the first backtrace needs it.
type debugInfo struct {
	info *corewasm.Info

	mu    sync.Mutex
	ready bool
	data  *dwarf.Data
	units []unit
	split []string // files with the rest of units, of the first few
}

type unit struct {
	entry  *dwarf.Entry
	ranges [][2]uint64
	lines  []dwarf.LineEntry // sorted by address; nil until needed
	files  []*dwarf.LineFile // nil until needed
}

// position is one level of a physical frame: the innermost inlined function
// first, the function itself last.
type position struct {
	fn   string // "" for the function itself
	file string
	line int
}

// positions returns what is at an offset of the code section, or nil if it is unknown. It is
// safe for concurrent use.
func (d *debugInfo) positions(offset uint64) (found []position) {
	d.mu.Lock()
	defer d.mu.Unlock()
	defer func() {
		// debug/dwarf promises nothing for hostile bytes, and a backtrace
		// without lines is better than none.
		if recover() != nil {
			found = nil
		}
	}()
	if !d.ready {
		d.ready = true
		d.load()
	}
	for i := range d.units {
		if u := &d.units[i]; contains(u.ranges, offset) {
			return d.inUnit(u, offset)
		}
	}
	return nil
}

func (d *debugInfo) load() {
	sec := d.info.Custom
	data, err := dwarf.New(sec(".debug_abbrev"), nil, nil, sec(".debug_info"), sec(".debug_line"),
		nil, sec(".debug_ranges"), sec(".debug_str"))
	if err != nil {
		return
	}
	for _, name := range []string{
		".debug_addr", ".debug_line_str", ".debug_str_offsets", ".debug_rnglists",
	} {
		if b := sec(name); b != nil && data.AddSection(name, b) != nil {
			return
		}
	}
	d.data = data
	r := data.Reader()
	for {
		e, err := r.Next()
		if err != nil || e == nil {
			return
		}
		if e.Tag == dwarf.TagCompileUnit || e.Tag == dwarf.TagSkeletonUnit {
			if name := splitName(e); name != "" && len(d.split) < maxSplit {
				d.split = append(d.split, name)
			}
			if ranges, err := data.Ranges(e); err == nil {
				d.units = append(d.units, unit{entry: e, ranges: ranges})
			}
		}
		r.SkipChildren()
	}
}

// maxSplit bounds debugInfo.split.
const maxSplit = 4

// splitName returns the file that has what is not in a unit, as DW_AT_dwo_name or GNU's extension
// of DWARF 4 (DW_AT_GNU_dwo_name); "" for none.
func splitName(unit *dwarf.Entry) string {
	for _, attr := range []dwarf.Attr{dwarf.AttrDwoName, 0x2130} {
		if name, ok := unit.Val(attr).(string); ok {
			return name
		}
	}
	return ""
}

// contains leaves out the ranges of code that linkers dropped: they begin at 0 or at the end of the
// address space.
func contains(ranges [][2]uint64, at uint64) bool {
	for _, r := range ranges {
		if r[0] != 0 && r[0] <= at && at < r[1] {
			return true
		}
	}
	return false
}

func (d *debugInfo) inUnit(u *unit, at uint64) []position {
	if u.lines == nil {
		u.lines = d.lineTable(u.entry)
	}
	i := sort.Search(len(u.lines), func(i int) bool { return u.lines[i].Address > at }) - 1
	if i < 0 || u.lines[i].EndSequence || u.lines[i].File == nil {
		return nil
	}
	here := position{file: u.lines[i].File.Name, line: u.lines[i].Line}
	files := d.files(u.entry)
	var found []position
	inlined := d.inlinedAt(u.entry, at)
	for i := len(inlined) - 1; i >= 0; i-- {
		e := inlined[i]
		here.fn = d.nameOf(e)
		found = append(found, here)
		here = position{}
		if n, ok := e.Val(dwarf.AttrCallFile).(int64); ok && n >= 0 && int(n) < len(files) &&
			files[n] != nil {
			here.file = files[n].Name
		}
		if n, ok := e.Val(dwarf.AttrCallLine).(int64); ok {
			here.line = int(n)
		}
	}
	return append(found, here)
}

// files returns the files of a unit, nil for an index without one.
func (d *debugInfo) files(unit *dwarf.Entry) []*dwarf.LineFile {
	lr, err := d.data.LineReader(unit)
	if err != nil || lr == nil {
		return nil
	}
	return lr.Files()
}

// lineTable reads the rows of a unit. They need not come in the order of
// addresses; those of dropped code are left out.
func (d *debugInfo) lineTable(unit *dwarf.Entry) []dwarf.LineEntry {
	lines := []dwarf.LineEntry{}
	lr, err := d.data.LineReader(unit)
	if err != nil || lr == nil {
		return lines
	}
	begin := 0 // of the current sequence
	var e dwarf.LineEntry
	for lr.Next(&e) == nil {
		lines = append(lines, e)
		if e.EndSequence {
			if first := lines[begin].Address; first == 0 || first >= 0xfffffffe {
				lines = lines[:begin]
			}
			begin = len(lines)
		}
	}
	sort.SliceStable(lines, func(i, j int) bool {
		a, b := &lines[i], &lines[j]
		// The end of one sequence may be the beginning of the next.
		return a.Address < b.Address || a.Address == b.Address && a.EndSequence && !b.EndSequence
	})
	return lines
}

// inlinedAt returns the inlined calls around an address, outermost first.
func (d *debugInfo) inlinedAt(unit *dwarf.Entry, at uint64) []*dwarf.Entry {
	var found []*dwarf.Entry
	r := d.data.Reader()
	r.Seek(unit.Offset)
	if e, err := r.Next(); err != nil || e == nil || !e.Children {
		return nil
	}
	inside := false
	for depth := 1; depth > 0; {
		e, err := r.Next()
		if err != nil || e == nil {
			return found
		}
		if e.Tag == 0 {
			depth--
			if inside && depth == 1 {
				return found
			}
			continue
		}
		descend := false
		switch e.Tag {
		case dwarf.TagNamespace, dwarf.TagModule, dwarf.TagStructType, dwarf.TagClassType:
			descend = true // functions stand in these
		case dwarf.TagSubprogram, dwarf.TagInlinedSubroutine, dwarf.TagLexDwarfBlock:
			ranges, err := d.data.Ranges(e)
			if descend = err == nil && contains(ranges, at); descend {
				inside = true
				if e.Tag == dwarf.TagInlinedSubroutine {
					found = append(found, e)
				}
			}
		}
		if e.Children {
			if descend {
				depth++
			} else {
				r.SkipChildren()
			}
		}
	}
	return found
}

// nameOf returns the linker's name of a function of Rust, which holds its path, and of others the
// plain name, if they have one.
func (d *debugInfo) nameOf(e *dwarf.Entry) string {
	plain, linked := "", ""
	for e := range d.origins(e) {
		if name, ok := e.Val(dwarf.AttrLinkageName).(string); ok && linked == "" {
			if _, ok := rustname.Readable(name); ok {
				return name
			}
			linked = name
		}
		if name, ok := e.Val(dwarf.AttrName).(string); ok && plain == "" {
			plain = name
		}
	}
	return cmp.Or(plain, linked)
}

// declared returns where a function is declared, or "" and 0.
func (d *debugInfo) declared(e *dwarf.Entry) (file string, line int) {
	for e := range d.origins(e) {
		index, ok := e.Val(dwarf.AttrDeclFile).(int64)
		at, has := e.Val(dwarf.AttrDeclLine).(int64)
		if !ok || !has {
			continue
		}
		i := sort.Search(len(d.units), func(i int) bool {
			return d.units[i].entry.Offset > e.Offset
		}) - 1
		if i < 0 {
			return "", 0
		}
		u := &d.units[i]
		if u.files == nil {
			u.files = d.files(u.entry)
		}
		if index < 0 || int(index) >= len(u.files) || u.files[index] == nil {
			return "", 0
		}
		return u.files[index].Name, int(at)
	}
	return "", 0
}

// origins returns an entry and those that it is made from, in which what it lacks may stand.
func (d *debugInfo) origins(e *dwarf.Entry) iter.Seq[*dwarf.Entry] {
	return func(yield func(*dwarf.Entry) bool) {
		for range 8 { // origins do not go in circles, unless bytes are hostile
			if !yield(e) {
				return
			}
			next, ok := e.Val(dwarf.AttrAbstractOrigin).(dwarf.Offset)
			if !ok {
				if next, ok = e.Val(dwarf.AttrSpecification).(dwarf.Offset); !ok {
					return
				}
			}
			r := d.data.Reader()
			r.Seek(next)
			var err error
			if e, err = r.Next(); err != nil || e == nil {
				return
			}
		}
	}
}

// genericName returns a name that all copies of a generic function share.
func (d *debugInfo) genericName(e *dwarf.Entry) string {
	name := generic(d.nameOf(e))
	for e := range d.origins(e) {
		if plain, ok := e.Val(dwarf.AttrName).(string); ok && !strings.HasPrefix(name, "_ZN") {
			return generic(plain)
		}
	}
	return name
}

// generic returns a name without the hash at the end of Rust's older names, and without parameters
// of types.
func generic(name string) string {
	const hash = len("17h0123456789abcdefE")
	if i := len(name) - hash; i > 0 && strings.HasPrefix(name, "_ZN") && name[i:i+3] == "17h" {
		return name[:i]
	}
	if i := strings.IndexByte(name, '<'); i > 0 && !strings.HasPrefix(name, "operator") {
		return name[:i]
	}
	return name
}
