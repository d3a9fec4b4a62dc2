package wit

import (
	"fmt"
	"slices"
	"strings"

	"github.com/wasihttp/wasihttp/component/internal/binary"
	"github.com/wasihttp/wasihttp/component/internal/names"
)

// Text returns the world of a component as WIT text: package root:component with world root, then a
// block for each package of which the component imports or exports interfaces. Only those parts of
// the interfaces are there that the component names. What WIT has no words for stands in comments.
// The text of a component is always the same.
func Text(c *binary.Component) string {
	r := newResolver()
	return r.text(r.root(c))
}

// Part is a component that is put together with others.
type Part struct {
	Component *binary.Component
	Links     map[string]Source // which imports are satisfied by parts before it
}

// Source is an export of a part.
type Source struct {
	Part   int
	Export string
}

// PartsText is Text for components that are put together: the world has the imports that no part
// satisfies, and the exports that are named.
func PartsText(parts []Part, exports []Source) string {
	r := newResolver()
	return r.text(r.parts(parts, exports))
}

func newResolver() *resolver {
	return &resolver{world: newIface(), imports: newIface(), exports: newIface()}
}

func (r *resolver) text(complete bool) string {
	p := &printer{budget: maxNodes}
	p.line(0, "package root:component;")
	p.gap()
	p.world(r)
	p.packages(r)
	if !complete || p.budget < 0 {
		p.gap()
		p.line(0, "// The component is too large to be described in full.")
	}
	return p.text.String()
}

// maxNodes bounds how many types are written: types that are used again and again without a name
// could make the text much larger than the component.
const maxNodes = 1 << 18

type printer struct {
	text   strings.Builder
	wanted bool // an empty line stands before the next line
	budget int
}

// line writes one line, indented by depth levels.
func (p *printer) line(depth int, format string, args ...any) {
	if p.wanted {
		p.text.WriteByte('\n')
		p.wanted = false
	}
	for range depth {
		p.text.WriteString("  ")
	}
	fmt.Fprintf(&p.text, format, args...)
	p.text.WriteByte('\n')
}

// gap separates what was written, if anything, from what may follow.
func (p *printer) gap() { p.wanted = p.text.Len() > 0 }

// open and shut begin and end a block in braces, whose inside begins and ends without an empty
// line.
func (p *printer) open(depth int, format string, args ...any) {
	p.line(depth, format+" {", args...)
}

func (p *printer) shut(depth int) {
	p.wanted = false
	p.line(depth, "}")
	p.gap()
}

func (p *printer) world(r *resolver) {
	v := newView(r.world)
	for _, it := range slices.Concat(r.imports.items, r.exports.items) {
		v.add(it)
	}
	part := func(write func(p *printer)) string {
		q := &printer{budget: p.budget}
		write(q)
		p.budget = q.budget
		return q.text.String()
	}
	externs := func(word string, items []item) string {
		return part(func(p *printer) {
			for _, it := range items {
				if it.typ == nil && !v.isMethod(it) {
					p.extern(word, it, v)
				}
			}
		})
	}
	imports, exports := externs("import", r.imports.items), externs("export", r.exports.items)
	types := part(func(p *printer) {
		for _, it := range v.items {
			if it.typ != nil {
				p.typeItem(v, it, 1)
			}
		}
	})
	p.open(0, "world root")
	p.append(imports)
	p.append(v.useLines(1))
	p.append(types)
	p.append(exports)
	p.shut(0)
}

// append writes finished lines, set off by empty lines.
func (p *printer) append(lines string) {
	if lines == "" {
		return
	}
	if p.wanted {
		p.text.WriteByte('\n')
	}
	p.text.WriteString(lines)
	p.gap()
}

// extern writes an import or export of the world.
func (p *printer) extern(word string, it item, v *view) {
	switch {
	case it.inst != nil && it.implements != "":
		p.line(1, "%s %s: %s;", word, ident(it.name), path(it.implements))
	case it.inst != nil && isInterface(it.name):
		p.line(1, "%s %s;", word, path(it.name))
	case it.inst != nil:
		p.gap()
		p.open(1, "%s %s: interface", word, ident(it.name))
		p.body(viewOf(it.inst), 2)
		p.shut(1)
	case it.fn != nil && isInterface(it.name):
		p.line(1, "// %s %s: %s", word, it.name, p.function(v, it.fn, it.fn.params))
	case it.fn != nil:
		p.line(1, "%s %s: %s;", word, ident(it.name), p.function(v, it.fn, it.fn.params))
	case it.comp != nil:
		p.line(1, "// %s %s: a component", word, it.name)
	default:
		p.line(1, "// %s %s: a %s", word, it.name, it.other)
	}
}

func isInterface(name string) bool {
	n, err := names.ParseCanonical(name)
	return err == nil && n.Kind == names.Interface
}

// packages writes the interfaces that have a package, grouped by it, in the order in which the
// world names them first.
func (p *printer) packages(r *resolver) {
	type pack struct {
		name   string
		ifaces []*iface
	}
	var order []*pack
	byName := map[string]*pack{}
	seen := map[string]bool{}
	for _, it := range slices.Concat(r.imports.items, r.exports.items) {
		if it.inst == nil || seen[it.inst.name] || !isInterface(it.inst.name) {
			continue
		}
		seen[it.inst.name] = true
		name, _ := splitInterface(it.inst.name)
		k := byName[name]
		if k == nil {
			k = &pack{name: name}
			byName[name] = k
			order = append(order, k)
		}
		k.ifaces = append(k.ifaces, it.inst)
	}
	for _, k := range order {
		p.open(0, "package %s", k.name)
		for _, i := range k.ifaces {
			_, name := splitInterface(i.name)
			p.open(1, "interface %s", ident(name))
			p.body(viewOf(i), 2)
			p.shut(1)
		}
		p.shut(0)
	}
}

// splitInterface splits ns:pkg/iface@1.0.0 into ns:pkg@1.0.0, as WIT has it, and iface.
func splitInterface(s string) (pack, name string) {
	n, err := names.ParseCanonical(s)
	if err != nil || n.Kind != names.Interface {
		return "", s
	}
	pack = ident(n.Namespace) + ":" + ident(n.Package)
	if n.Version != "" {
		pack += "@" + n.Version
	}
	return pack, n.Interface
}

// path writes the name of an interface, with its package if it has one, as WIT has it.
func path(s string) string {
	pack, name := splitInterface(s)
	if pack == "" {
		return ident(name)
	}
	pack, version, versioned := strings.Cut(pack, "@")
	if versioned {
		return pack + "/" + ident(name) + "@" + version
	}
	return pack + "/" + ident(name)
}

// body writes the inside of an interface. Its use statements come first, among them those that only
// the rest shows to be needed.
func (p *printer) body(v *view, depth int) {
	rest := &printer{budget: p.budget}
	for _, it := range v.items {
		if it.typ != nil {
			rest.typeItem(v, it, depth)
		}
	}
	for _, it := range v.items {
		switch {
		case it.typ != nil || v.isMethod(it):
		case it.fn != nil:
			if n, err := names.Parse(it.name); err == nil && n.Kind != names.Plain {
				rest.line(depth, "// %s: %s", it.name, rest.function(v, it.fn, it.fn.params))
			} else {
				rest.line(depth, "%s: %s;", ident(it.name), rest.function(v, it.fn, it.fn.params))
			}
			rest.gap()
		case it.inst != nil:
			rest.line(depth, "// %s: an instance", it.name)
			rest.gap()
		case it.comp != nil:
			rest.line(depth, "// %s: a component", it.name)
			rest.gap()
		default:
			rest.line(depth, "// %s: a %s", it.name, it.other)
			rest.gap()
		}
	}
	p.budget = rest.budget
	p.append(v.useLines(depth))
	p.append(rest.text.String())
}

// typeItem writes the definition of a named type.
func (p *printer) typeItem(v *view, it item, depth int) {
	name := ident(it.name)
	def, other := v.definition(it)
	switch {
	case other != "":
		if other != it.name {
			p.line(depth, "type %s = %s;", name, ident(other))
		}
	case def.resource:
		p.resource(v, it.name, depth)
	case def.val != nil:
		p.defined(v, name, def.val, depth)
	case def.fn != nil:
		p.line(depth, "// type %s = %s", name, p.function(v, def.fn, def.fn.params))
	default:
		p.line(depth, "// type %s: an instance or component type", name)
	}
	p.gap()
}

func (p *printer) resource(v *view, name string, depth int) {
	methods := v.methods[name]
	if len(methods) == 0 {
		p.line(depth, "resource %s;", ident(name))
		return
	}
	p.open(depth, "resource %s", ident(name))
	for _, m := range methods {
		n, _ := names.Parse(m.name)
		switch n.Kind {
		case names.Constructor:
			p.line(depth+1, "%s;", p.constructor(v, m.fn))
		case names.Static:
			p.line(depth+1, "%s: static %s;", ident(n.Label), p.function(v, m.fn, m.fn.params))
		default:
			params := m.fn.params
			if len(params) > 0 { // the first one is self
				params = params[1:]
			}
			p.line(depth+1, "%s: %s;", ident(n.Label), p.function(v, m.fn, params))
		}
	}
	p.shut(depth)
}

func (p *printer) defined(v *view, name string, d *valType, depth int) {
	block := func(word string, lines func()) {
		p.open(depth, "%s %s", word, name)
		lines()
		p.shut(depth)
	}
	labels := func() {
		for _, l := range d.labels {
			p.line(depth+1, "%s,", ident(l))
		}
	}
	switch d.op {
	case binary.OpRecord:
		block("record", func() {
			for _, f := range d.fields {
				p.line(depth+1, "%s: %s,", ident(f.label), p.ref(v, *f.typ))
			}
		})
	case binary.OpVariant:
		block("variant", func() {
			for _, f := range d.fields {
				if f.typ == nil {
					p.line(depth+1, "%s,", ident(f.label))
				} else {
					p.line(depth+1, "%s(%s),", ident(f.label), p.ref(v, *f.typ))
				}
			}
		})
	case binary.OpEnum:
		block("enum", labels)
	case binary.OpFlags:
		block("flags", labels)
	default:
		p.line(depth, "type %s = %s;", name, p.value(v, d))
	}
}
