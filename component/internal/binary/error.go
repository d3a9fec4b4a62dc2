package binary

import (
	"fmt"
	"strings"
)

// Error says where and why the input is not a component.
type Error struct {
	Offset int // in the input, in bytes
	// Path names the nested component or core module, such as "component 1, core module 0"; it is
	// empty for the outermost component.
	Path    string
	Section string // the section being read, such as "import section", "" outside of all
	Msg     string
}

// Error returns the text with the place.
func (e *Error) Error() string { return Describe(e.Offset, e.Path, e.Section, e.Msg) }

// Describe writes what is wrong at a place: an offset, and before the message what the place is
// part of, the outermost first.
func Describe(offset int, parts ...string) string {
	var named []string
	for _, p := range parts {
		if p != "" {
			named = append(named, p)
		}
	}
	return fmt.Sprintf("%s (at offset 0x%x)", strings.Join(named, ": "), offset)
}

// Inside returns the path of what lies at path inside of place.
func Inside(place, path string) string {
	if place == "" || path == "" {
		return place + path
	}
	return place + ", " + path
}

// Place names the definition at index i of c.Defs by its place in its index space, as in "core
// module 0"; "" if it is neither a component nor a core module.
func (c *Component) Place(i int) string {
	switch c.Defs[i].(type) {
	case *Component:
		return c.place(SortComponent, i)
	case *CoreModule:
		return c.place(SortCoreModule, i)
	}
	return ""
}

// place names what the definition after the first n of c.Defs adds to an index space.
func (c *Component) place(sort Sort, n int) string {
	index := 0
	for _, d := range c.Defs[:n] {
		if sortOf(d) == sort {
			index++
		}
	}
	what := "component"
	if sort == SortCoreModule {
		what = "core module"
	}
	return fmt.Sprintf("%s %d", what, index)
}

// sortOf returns the sort of what a definition adds, if that is a component or core module.
func sortOf(d Def) Sort {
	switch d := d.(type) {
	case *Component:
		return SortComponent
	case *CoreModule:
		return SortCoreModule
	case *Import:
		return d.Type.Sort
	case *Export:
		return d.Sort
	case *Alias:
		return d.Sort
	}
	return 0
}
