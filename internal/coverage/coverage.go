// Package coverage shows what of the code of components ran: as lcov files, as pages, and as text.
// It counts the code that the user wrote; it shows libraries apart from that.
package coverage

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/wasihttp/wasihttp/host"
	"github.com/wasihttp/wasihttp/internal/stable"
	"github.com/wasihttp/wasihttp/internal/words"
)

// Component is a component whose code was watched.
type Component struct {
	Path string
	// Language is what it is written in, Engine what interprets that; "" if nothing does.
	Language, Engine string
	// Coverage is what ran; nil if nothing was watched.
	Coverage *host.Coverage
}

// Report is what of the user's code ran.
type Report struct {
	// Files are the sources that the user wrote, sorted by name.
	Files []*File
	// Programs are components in which modules of the user have no lines, sorted by name.
	Programs []*Program
	// Other counts the functions of everything else: libraries, runtimes, adapters.
	Other Share
	// Notes say what cannot be seen, and what to do about it.
	Notes []string
}

// File is a source file.
type File struct {
	// Name is how reports call it, with slashes: relative to the current folder if it is below.
	Name string
	// Path is where it can be read; "" if it is not on this machine.
	Path      string
	Lines     []host.CoveredLine
	Functions []host.CoveredFunc
}

// Program is a component, as far as nothing is known of its lines.
type Program struct {
	Name      string
	Functions []host.CoveredFunc
}

// Share is how many of something ran.
type Share struct{ Ran, All int }

func (s *Share) count(ran bool) {
	if s.All++; ran {
		s.Ran++
	}
}

func (s *Share) add(other Share) { s.Ran, s.All = s.Ran+other.Ran, s.All+other.All }

// Percent returns the share in percent; 100 of nothing.
func (s Share) Percent() float64 {
	if s.All == 0 {
		return 100
	}
	return 100 * float64(s.Ran) / float64(s.All)
}

// String returns the percentage with one digit, which is cut and not rounded: only all are 100 %.
func (s Share) String() string {
	if s.All == 0 {
		return "–"
	}
	tenths := 1000 * s.Ran / s.All
	return fmt.Sprintf("%d.%d %%", tenths/10, tenths%10)
}

// Totals are the shares of lines, functions and outcomes of branches.
type Totals struct{ Lines, Functions, Branches Share }

func (t *Totals) add(o Totals) {
	t.Lines.add(o.Lines)
	t.Functions.add(o.Functions)
	t.Branches.add(o.Branches)
}

func (t *Totals) functions(list []host.CoveredFunc) {
	for i := range list {
		t.Functions.count(list[i].Ran)
		t.branches(list[i].Branches)
	}
}

func (t *Totals) branches(list []host.CoveredBranch) {
	for _, b := range list {
		for _, came := range b {
			t.Branches.count(came)
		}
	}
}

// Totals returns the shares of the file.
func (f *File) Totals() Totals {
	var t Totals
	for i := range f.Lines {
		t.Lines.count(f.Lines[i].Ran)
		t.branches(f.Lines[i].Branches)
	}
	t.functions(f.Functions)
	return t
}

// Totals returns the shares of the program.
func (p *Program) Totals() Totals {
	var t Totals
	t.functions(p.Functions)
	return t
}

// Totals returns the shares of the whole report.
func (r *Report) Totals() Totals {
	var t Totals
	for _, f := range r.Files {
		t.add(f.Totals())
	}
	for _, p := range r.Programs {
		t.add(p.Totals())
	}
	return t
}

// Measure returns the share by which the report is judged, and the name of what is counted: lines,
// or functions if nothing is known of lines.
func (r *Report) Measure() (s Share, of string) {
	t := r.Totals()
	if t.Lines.All > 0 {
		return t.Lines, "lines"
	}
	return t.Functions, "functions"
}

// New returns the report of components. The error says which module cannot be read.
func New(sources *Sources, components []Component) (*Report, error) {
	b := &builder{Report: &Report{}, sources: sources, files: map[string]*File{}}
	for _, c := range components {
		if c.Engine != "" {
			b.Notes = append(b.Notes, engineNote(sources.shown(c.Path), c))
		}
		if c.Coverage == nil {
			continue
		}
		modules, err := c.Coverage.Modules(host.DebugFiles{
			Wanted: sources.Wanted,
			Open:   func(name string) ([]byte, error) { return beside(c.Path, name) },
		})
		if err != nil {
			return nil, fmt.Errorf("%s: %w", c.Path, err)
		}
		b.component(c, modules)
	}
	b.finish()
	return b.Report, nil
}

type builder struct {
	*Report
	sources *Sources
	files   map[string]*File
}

func (b *builder) component(c Component, modules []host.CoveredModule) {
	program := &Program{Name: b.sources.shown(c.Path)}
	several := 0 // modules of the user's
	for i := range modules {
		if m := &modules[i]; !m.Glue && len(m.Functions) > 0 {
			several++
		}
	}
	for i := range modules {
		m := &modules[i]
		for _, f := range m.Files {
			b.file(f)
		}
		owns, inGo := ownerOf(m), isGo(m) || m.GoModule != ""
		nameless := 0
		for _, f := range m.Functions {
			switch {
			case m.Glue || m.Lines || !owns(f.Name):
				if f.File == "" || !b.sources.Wanted(f.File) {
					b.Other.count(f.Ran)
				}
			default:
				if f.Name == "" {
					f.Name = fmt.Sprintf("function %d", f.Index)
					nameless++
				}
				if inGo {
					f.Branches = nil // most are those of its scheduler
				}
				if several > 1 {
					f.Name = m.Name + ": " + f.Name
				}
				program.Functions = append(program.Functions, f)
			}
		}
		if len(m.Split) > 0 {
			b.Notes = append(b.Notes, fmt.Sprintf("%s: functions that the compiler inlined are "+
				"not listed, since they are in files of their own (%s); build it without "+
				"-gsplit-dwarf", program.Name, words.Shorten(strings.Join(m.Split, ", "), 80)))
		}
		if nameless > 8 && nameless*2 > len(m.Functions) {
			b.Notes = append(b.Notes, fmt.Sprintf("%s: %s has no names of functions, so libraries "+
				"count, too; build it without what strips them (%s)", program.Name, m.Name,
				stripHint(c.Language)))
		}
	}
	if len(program.Functions) > 0 {
		b.Programs = append(b.Programs, program)
		hint := linesHint(c.Language)
		for i := range modules {
			if m := &modules[i]; m.Elsewhere != "" {
				hint = fmt.Sprintf("it should be in %s beside the component: %s",
					words.Shorten(m.Elsewhere, 80), m.Unread)
			}
		}
		b.Notes = append(b.Notes, fmt.Sprintf("%s has no debug information with lines, so "+
			"functions are counted (%s)", program.Name, hint))
	}
}

// file adds a file, or what another module has of it.
func (b *builder) file(f host.CoveredFile) {
	name, own := b.sources.of(f.Path)
	if !own {
		return
	}
	file := b.files[name]
	if file == nil {
		file = &File{Name: name, Path: b.sources.disk(f.Path)}
		b.files[name] = file
	}
	for _, l := range f.Lines {
		file.line(l)
	}
	for _, fn := range f.Functions {
		file.function(fn)
	}
}

func (f *File) line(l host.CoveredLine) {
	i, found := slices.BinarySearchFunc(f.Lines, l.Line, func(l host.CoveredLine, n int) int {
		return cmp.Compare(l.Line, n)
	})
	if !found {
		f.Lines = slices.Insert(f.Lines, i, l)
		return
	}
	old := &f.Lines[i]
	old.Ran = old.Ran || l.Ran
	for k, branch := range l.Branches {
		if k >= len(old.Branches) || len(old.Branches[k]) != len(branch) {
			old.Branches = append(old.Branches, branch)
			continue
		}
		for o, came := range branch {
			old.Branches[k][o] = old.Branches[k][o] || came
		}
	}
}

func (f *File) function(fn host.CoveredFunc) {
	for i := range f.Functions {
		if old := &f.Functions[i]; old.Line == fn.Line && old.Name == fn.Name {
			old.Ran = old.Ran || fn.Ran
			return
		}
	}
	f.Functions = append(f.Functions, fn)
}

// finish sorts, and leaves out files that are not on this machine if others are.
func (b *builder) finish() {
	here := false
	for _, f := range b.files {
		here = here || f.Path != ""
	}
	missing := 0
	for _, f := range b.files {
		if here && f.Path == "" {
			for i := range f.Functions {
				b.Other.count(f.Functions[i].Ran)
			}
			continue
		}
		if f.Path == "" {
			missing++
		}
		stable.Sort(f.Functions, func(a, b host.CoveredFunc) int {
			return cmp.Or(cmp.Compare(a.Line, b.Line), strings.Compare(a.Name, b.Name))
		})
		b.Files = append(b.Files, f)
	}
	if missing > 0 {
		b.Notes = append(b.Notes, words.Count(missing, "source file is", "source files are")+
			" not on this machine; run the tests in the project's folder")
	}
	slices.SortFunc(b.Files, func(a, b *File) int { return strings.Compare(a.Name, b.Name) })
	slices.SortFunc(b.Programs, func(a, b *Program) int { return strings.Compare(a.Name, b.Name) })
	slices.Sort(b.Notes)
	b.Notes = slices.Compact(b.Notes)
}
