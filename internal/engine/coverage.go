package engine

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/tetratelabs/wazero/api"

	"github.com/wasihttp/wasihttp/internal/corewasm"
)

// Coverage collects what of the code of guests runs: of all modules, and of each the union over its
// instances, which are asked when they are closed. It is safe for concurrent use.
type Coverage struct {
	mu      sync.Mutex
	modules map[string]*covered // by the digests of what they were compiled from
}

// NewCoverage returns a Coverage of nothing.
func NewCoverage() *Coverage { return &Coverage{modules: map[string]*covered{}} }

// covered is what of one module ran.
type covered struct {
	name  string
	info  *corewasm.Info
	debug debugInfo

	mu   sync.Mutex
	bits []uint64
}

// of returns what collects for a module.
func (c *Coverage) of(m *Module) *covered {
	key := string(m.source.digest())
	c.mu.Lock()
	defer c.mu.Unlock()
	one := c.modules[key]
	if one == nil {
		one = &covered{
			name: m.Name(), info: m.info, debug: debugInfo{info: m.info},
			bits: make([]uint64, m.rewritten.Coverage),
		}
		c.modules[key] = one
	}
	return one
}

// collect adds what ran in an instance. It may be called on nil.
func (c *covered) collect(mod api.Module) error {
	if c == nil || len(c.bits) == 0 {
		return nil
	}
	read := mod.ExportedFunction(coverageExport)
	if read == nil {
		return fmt.Errorf("module %q: nothing says what ran", c.name)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	var stack [1]uint64
	for i, have := range c.bits {
		if have == ^uint64(0) {
			continue
		}
		stack[0] = uint64(i)
		if err := read.CallWithStack(noValues{}, stack[:]); err != nil {
			return fmt.Errorf("module %q: reading what ran: %w", c.name, err)
		}
		c.bits[i] = have | stack[0]
	}
	return nil
}

// CoveredModule is what of a module ran.
type CoveredModule struct {
	// Name is that of the module; different modules can have the same.
	Name string
	// Glue says that the module has none of the program: it adapts calls of an older WASI, or
	// connects other modules.
	Glue bool
	// GoModule is the path of the Go module that it was built from; "" if it says of none.
	GoModule string
	// Elsewhere is the file with debug information that the module names, if that was not read, and
	// Unread the reason; "" otherwise.
	Elsewhere, Unread string
	// Split are the files with the rest of the debug information, which are not read: what the
	// functions are that were inlined. There are few.
	Split []string
	// Functions are all that the module defines, in order.
	Functions []CoveredFunc
	// Lines says that there is DWARF debug information with lines.
	Lines bool
	// Files are those that the debug information names, in order, without those that were not
	// wanted.
	Files []CoveredFile
}

// CoveredFunc is a function.
type CoveredFunc struct {
	// Name is the unchanged name from the name section or the debug information; "" if it is not
	// known. Index is that in the module, imports first.
	Name  string
	Index uint32
	Ran   bool
	// Line is where it is declared, or else its first line; 0 if that is not known.
	Line int
	// File is the path in the debug information of its first line; "" if that is not known.
	File string
	// Branches are those of a function of a module without lines.
	Branches []CoveredBranch
}

// CoveredFile is a source file. Its functions include those that were inlined; those that were
// compiled several times are there once.
type CoveredFile struct {
	Path      string
	Lines     []CoveredLine // in order
	Functions []CoveredFunc // in order of their lines
}

// CoveredLine is a line that has code.
type CoveredLine struct {
	Line     int
	Ran      bool
	Branches []CoveredBranch
}

// CoveredBranch says of each outcome of a branch whether it came.
type CoveredBranch []bool

// DebugFiles says what to do with files that debug information names. Their paths are as in
// [Frame].
type DebugFiles struct {
	// Wanted reports whether a source file is of interest.
	Wanted func(path string) bool
	// Open, unless nil, returns the contents of a file with debug information, by the name that a
	// module has for it.
	Open func(name string) ([]byte, error)
}

// Modules returns what ran so far in instances that are closed, sorted by name.
func (c *Coverage) Modules(files DebugFiles) ([]CoveredModule, error) {
	c.mu.Lock()
	modules := make([]*covered, 0, len(c.modules))
	keys := map[*covered]string{}
	for key, m := range c.modules {
		modules = append(modules, m)
		keys[m] = key
	}
	c.mu.Unlock()
	slices.SortFunc(modules, func(a, b *covered) int {
		if a.name != b.name {
			return strings.Compare(a.name, b.name)
		}
		return strings.Compare(keys[a], keys[b])
	})
	var all []CoveredModule
	for _, m := range modules {
		one, err := m.result(files)
		if err != nil {
			return nil, fmt.Errorf("module %q: %w", m.name, err)
		}
		all = append(all, one)
	}
	return all, nil
}

// result puts together what is known of the module.
func (c *covered) result(files DebugFiles) (CoveredModule, error) {
	c.mu.Lock()
	bits := slices.Clone(c.bits)
	c.mu.Unlock()
	m := CoveredModule{Name: c.name, Lines: c.info.HasDWARF, Glue: glue(c.name, c.info)}
	m.GoModule = goModule(c.info)
	names, debug := c.info.Names(), &c.debug
	if name := elsewhere(c.info); name != "" && !m.Lines {
		if info, err := c.external(name, files.Open); err != nil {
			m.Elsewhere, m.Unread = name, err.Error()
		} else {
			debug, m.Lines = &debugInfo{info: info}, true
		}
	}
	lines := newLineCoverage(debug, files.Wanted)
	m.Split = debug.split
	var branches []CoveredBranch
	err := c.info.Covered(bits, func(f *corewasm.Flow, blocks []bool, came [][]bool) {
		fn := CoveredFunc{Name: names.Func(f.Func), Index: f.Func}
		fn.Ran = len(blocks) > 0 && blocks[0]
		branches = branches[:0]
		for i, b := range f.Branches {
			branches = append(branches, ways(b.Outcomes, came[i]))
			if !m.Lines && len(branches[i]) > 1 {
				fn.Branches = append(fn.Branches, branches[i])
			}
		}
		fn.File, fn.Line = lines.function(f, fn.Name, blocks, branches)
		m.Functions = append(m.Functions, fn)
	})
	m.Files = lines.files()
	return m, err
}

// goModule returns the path of the main module in the build information that Go puts into the data
// of a program (see runtime/debug.BuildInfo).
func goModule(info *corewasm.Info) string {
	for _, d := range info.Data {
		if _, rest, ok := bytes.Cut(d.Bytes, []byte("\nmod\t")); ok {
			if end := bytes.IndexAny(rest, "\t\n"); end > 0 {
				return string(rest[:end])
			}
		}
	}
	return ""
}

// elsewhere returns the name in the section of tool-conventions' Debugging.md for debug information
// in a file of its own.
func elsewhere(info *corewasm.Info) string {
	section := info.Custom("external_debug_info")
	size, n := binary.Uvarint(section)
	if n <= 0 || size > uint64(len(section)-n) {
		return ""
	}
	return strings.ToValidUTF8(string(section[n:n+int(size)]), "\uFFFD")
}

// external returns the module in a file that has the debug information.
func (c *covered) external(
	name string, open func(name string) ([]byte, error),
) (*corewasm.Info, error) {
	if open == nil {
		return nil, errors.New("it was not looked for")
	}
	data, err := open(name)
	if err != nil {
		return nil, err
	}
	info, err := corewasm.Scan(data)
	switch {
	case err != nil:
		return nil, fmt.Errorf("it is not a WebAssembly module: %w", err)
	case !info.HasDWARF:
		return nil, errors.New("it has no debug information")
	case info.CodeSize() > 0 && !info.SameCode(c.info):
		return nil, errors.New("it is of another build: its code differs")
	}
	return info, nil
}

// ways makes one of the outcomes of a branch that lead to the same place, such as the gaps in a
// br_table, in the order in which they come first.
func ways(outcomes []int, came []bool) CoveredBranch {
	if len(outcomes) == 2 && outcomes[0] != outcomes[1] {
		return slices.Clone(came)
	}
	var out CoveredBranch
	at := map[int]int{} // in out, by what is led to
	for i, to := range outcomes {
		k, ok := at[to]
		if !ok {
			k = len(out)
			at[to], out = k, append(out, false)
		}
		out[k] = out[k] || came[i]
	}
	return out
}

// glue reports whether a module is one of those that componentizing adds: an adapter, which exports
// the functions of WASI's first version, or one that fills tables.
func glue(name string, info *corewasm.Info) bool {
	if strings.HasPrefix(name, "wit-component:") {
		return true
	}
	return slices.ContainsFunc(info.Exports, func(e corewasm.Export) bool {
		switch e.Name {
		case "$imports", "proc_exit", "fd_write", "environ_get", "random_get", "clock_time_get":
			return true
		}
		return false
	})
}
