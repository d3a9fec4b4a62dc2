package inspect

import (
	"bytes"
	"slices"
	"strings"

	"github.com/wasihttp/wasihttp/component"
	"github.com/wasihttp/wasihttp/internal/corewasm"
	"github.com/wasihttp/wasihttp/internal/words"
)

// Difference is what distinguishes one build of a component from another.
type Difference struct {
	// Code reports whether core modules differ in anything that is compiled or
	// decides how they are put together; Data that the contents of data
	// segments differ. Custom sections are neither.
	Code, Data bool
	// What the component itself imports and exports that it did not before, and
	// the other way round; in order.
	ImportsAdded, ImportsRemoved []string
	ExportsAdded, ExportsRemoved []string
}

// Compare returns what has changed from the component before to now.
func Compare(before, now *component.Component) Difference {
	var d Difference
	d.ImportsAdded, d.ImportsRemoved = added(before.ImportNames(), now.ImportNames())
	d.ExportsAdded, d.ExportsRemoved = added(before.ExportNames(), now.ExportNames())
	was, is := coreModules(before.Binary(), nil), coreModules(now.Binary(), nil)
	for i := range max(len(was), len(is)) {
		code, data := compareModules(at(was, i), at(is, i))
		d.Code, d.Data = d.Code || code, d.Data || data
	}
	return d
}

// Summary describes the difference on one short line: names are counted, and a name that is alone
// is in parentheses after its count.
func (d *Difference) Summary() string {
	parts := append([]string{d.contents()}, counts("import", d.ImportsAdded, d.ImportsRemoved)...)
	return strings.Join(append(parts, counts("export", d.ExportsAdded, d.ExportsRemoved)...), ", ")
}

// counts says how many names of a kind were added and removed.
func counts(kind string, added, removed []string) []string {
	var parts []string
	for _, list := range []struct {
		verb  string
		names []string
	}{{"added", added}, {"removed", removed}} {
		if len(list.names) == 0 {
			continue
		}
		count := words.Count(len(list.names), kind, kind+"s")
		if len(parts) > 0 {
			count, _, _ = strings.Cut(count, " ")
		}
		count += " " + list.verb
		if len(list.names) == 1 {
			count += " (" + list.names[0] + ")"
		}
		parts = append(parts, count)
	}
	return parts
}

// List describes the difference in full, with all names.
func (d *Difference) List() []string {
	list := []string{d.contents()}
	for _, names := range []struct {
		prefix string
		names  []string
	}{
		{"+import ", d.ImportsAdded}, {"-import ", d.ImportsRemoved},
		{"+export ", d.ExportsAdded}, {"-export ", d.ExportsRemoved},
	} {
		for _, name := range names.names {
			list = append(list, names.prefix+name)
		}
	}
	return list
}

// contents says what has changed within the core modules.
func (d *Difference) contents() string {
	switch {
	case d.Code && d.Data:
		return "code and data changed"
	case d.Code:
		return "code changed"
	case d.Data:
		return "data changed"
	}
	return "neither code nor data changed"
}

// at returns the module in place i, nil if there are not so many.
func at(modules [][]byte, i int) []byte {
	if i >= len(modules) {
		return nil
	}
	return modules[i]
}

// added returns what is new in now and what is no longer there.
func added(before, now []string) (more, fewer []string) {
	for _, name := range now {
		if !slices.Contains(before, name) {
			more = append(more, name)
		}
	}
	for _, name := range before {
		if !slices.Contains(now, name) {
			fewer = append(fewer, name)
		}
	}
	return more, fewer
}

// compareModules compares two modules; nil stands for none.
func compareModules(before, now []byte) (code, data bool) {
	wasCode, wasData := codeAndData(before)
	isCode, isData := codeAndData(now)
	same := func(a, b corewasm.Section) bool {
		return a.ID == b.ID && bytes.Equal(a.Content, b.Content)
	}
	return (before == nil) != (now == nil) || !slices.EqualFunc(wasCode, isCode, same),
		!slices.EqualFunc(wasData, isData, same)
}

// codeAndData takes a module's sections apart.
func codeAndData(module []byte) (code, data []corewasm.Section) {
	for _, section := range corewasm.Sections(module) {
		if section.IsData() {
			data = append(data, section)
		} else {
			code = append(code, section)
		}
	}
	return code, data
}
