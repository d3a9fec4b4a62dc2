package component

import (
	"encoding/binary"
	"fmt"
	"slices"

	syntax "github.com/wasihttp/wasihttp/component/internal/binary"
	"github.com/wasihttp/wasihttp/component/internal/names"
)

// Part is a component that is put together with others.
type Part struct {
	Name      string // for errors: the file it is in
	Component *Component
}

// PartLink satisfies an import of one part with an export of another. Parts are named by their
// index in the argument of Compose.
type PartLink struct {
	Part   int
	Import string
	From   int
	Export string
}

// PartExport is an export of a part that becomes one of the whole.
type PartExport struct {
	Part int
	Name string
}

// composition holds the parts of a component that Compose has made. The parts are instantiated in
// order, each once, as if they were nested in a component that has nothing else.
type composition struct {
	parts   []Part
	order   []int
	links   [][]PartLink // by part
	exports []PartExport
}

// Compose returns one component made of several, which imports what the parts import and no link
// satisfies. Types are checked when the whole is linked: a *LinkError names those that do not fit.
// The error of Compose reports links that lead in a circle, or to an export that a part does not
// have.
func Compose(parts []Part, links []PartLink, exports []PartExport) (*Component, error) {
	c := &composition{parts: parts, links: make([][]PartLink, len(parts)), exports: exports}
	for _, l := range links {
		if from := parts[l.From]; !slices.Contains(from.Component.ExportNames(), l.Export) {
			return nil, fmt.Errorf("%s does not export %s", from.Name, l.Export)
		}
		c.links[l.Part] = append(c.links[l.Part], l)
	}
	var binaries [][]byte
	ast := &syntax.Component{}
	for _, p := range parts {
		if p.Component.whole != nil {
			return nil, fmt.Errorf("%s is composed already", p.Name)
		}
		binaries = append(binaries, p.Component.binary)
		ast.Defs = append(ast.Defs, p.Component.ast)
		ast.DefOffsets = append(ast.DefOffsets, 0)
	}
	if err := c.sort(); err != nil {
		return nil, err
	}
	return &Component{binary: Bundle(binaries...), ast: ast, whole: c}, nil
}

// sort orders the parts so that each comes after those from which it imports.
func (c *composition) sort() error {
	const visiting, visited = 1, 2
	state := make([]int, len(c.parts))
	var visit func(i int) error
	visit = func(i int) error {
		switch state[i] {
		case visiting:
			return fmt.Errorf("%s imports from itself, by way of others", c.parts[i].Name)
		case visited:
			return nil
		}
		state[i] = visiting
		for _, l := range c.links[i] {
			if err := visit(l.From); err != nil {
				return err
			}
		}
		state[i] = visited
		c.order = append(c.order, i)
		return nil
	}
	for i := range c.parts {
		if err := visit(i); err != nil {
			return err
		}
	}
	return nil
}

// importNames returns the names of what the parts import from outside, each once.
func (c *composition) importNames() []string {
	var list []string
	for i, p := range c.parts {
		for _, name := range p.Component.ImportNames() {
			linked := slices.ContainsFunc(c.links[i],
				func(l PartLink) bool { return l.Import == name })
			if !linked && !slices.Contains(list, name) {
				list = append(list, name)
			}
		}
	}
	return list
}

func (c *composition) exportNames() []string {
	list := make([]string, len(c.exports))
	for i, e := range c.exports {
		list[i] = e.Name
	}
	return list
}

// compose flattens the parts of a composition as if they were nested in one component.
func (f *flattener) compose(c *composition) *compInst {
	f.plan.instances = append(f.plan.instances, instanceDef{parent: -1})
	made := make([]*compInst, len(c.parts))
	for _, i := range c.order {
		p := c.parts[i]
		f.importer, f.declared = p.Name, p.Component.modules
		f.linked = make(map[string]link, len(c.links[i]))
		for _, l := range c.links[i] {
			f.linked[l.Import] = link{by: c.parts[l.From].Name, from: made[l.From],
				export: l.Export}
		}
		made[i] = f.instantiate(&compDef{ast: p.Component.ast}, nil, 0)
	}
	exports := newCompInst()
	for _, e := range c.exports {
		if it, ok := made[e.Part].items[e.Name]; ok {
			exports.add(e.Name, it)
		}
	}
	return exports
}

// link is the source of an import of a part.
type link struct {
	by     string // the name of the other part
	from   *compInst
	export string
}

// root returns what the other part offers as a whole: its functions and types with plain names.
func (l link) root() *offer { return &offer{by: l.by, inst: l.from} }

// instance returns what the linked export offers; nil if it is no instance.
func (l link) instance() *offer {
	inst, ok := l.from.items[l.export].(*compInst)
	if !ok {
		return nil
	}
	return &offer{by: l.by, inst: inst}
}

// Compatible reports whether an interface of the name offered can be tried for an import of the
// name wanted: both are the same, or versions on the same compatibility track.
func Compatible(offered, wanted string) bool {
	if offered == wanted {
		return true
	}
	a, okA := names.Track(offered)
	b, okB := names.Track(wanted)
	return okA && okB && a == b
}

// Bundle returns one file that holds several: the binary form of a component in which they are
// nested, in order, and which does nothing with them. They need not be components.
func Bundle(files ...[]byte) []byte {
	size := 8
	for _, file := range files {
		size += 1 + binary.MaxVarintLen32 + len(file)
	}
	out := append(make([]byte, 0, size), "\x00asm\x0d\x00\x01\x00"...)
	for _, file := range files {
		out = append(out, componentSection)
		out = binary.AppendUvarint(out, uint64(len(file)))
		out = append(out, file...)
	}
	return out
}

// componentSection is the id of a section that holds a component (Binary.md).
const componentSection = 4

// Unbundle returns the files of which Bundle has made one.
func Unbundle(bundle []byte) [][]byte {
	var files [][]byte
	for rest := bundle[min(8, len(bundle)):]; len(rest) > 0; {
		size, n := binary.Uvarint(rest[1:])
		if n <= 0 || size > uint64(len(rest)-1-n) {
			break
		}
		rest = rest[1+n:]
		files = append(files, rest[:size:size])
		rest = rest[size:]
	}
	return files
}
