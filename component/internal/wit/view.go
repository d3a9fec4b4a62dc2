package wit

import (
	"fmt"
	"strings"

	"github.com/wasihttp/wasihttp/component/internal/names"
)

// view is one interface, or the world, while it is written: which names its types have in it.
type view struct {
	iface   *iface
	items   []item
	types   map[string]item
	local   map[*typ]string
	taken   map[string]bool
	methods map[string][]item // by resource, in order
	uses    []*use
}

// use is a use statement.
type use struct {
	from  *iface
	names []string // "a" or "a as b"
}

func newView(i *iface) *view {
	return &view{iface: i, types: map[string]item{}, local: map[*typ]string{},
		taken: map[string]bool{}, methods: map[string][]item{}}
}

func viewOf(i *iface) *view {
	v := newView(i)
	for _, it := range i.items {
		v.add(it)
	}
	return v
}

// add appends an item. A type makes its name known, also for the nameless type that it stands for.
func (v *view) add(it item) {
	v.items = append(v.items, it)
	v.taken[it.name] = true
	if it.typ == nil {
		if n, err := names.Parse(it.name); it.fn != nil && err == nil && n.Kind != names.Plain {
			v.methods[n.Resource] = append(v.methods[n.Resource], it)
		}
		return
	}
	v.types[it.name] = it
	v.local[it.typ] = it.name
	for t := it.typ.eq; t != nil; t = t.eq {
		_, known := v.local[t]
		if known {
			break
		}
		if v.foreign(t) {
			v.local[t] = it.name
			v.use(t, it.name)
			break
		}
		if t.nominal() {
			v.local[t] = it.name
		}
	}
}

// foreign reports whether t has its name from another interface.
func (v *view) foreign(t *typ) bool {
	return t.owner != nil && t.owner != v.iface && t.owner.name != "" && !v.sibling(t)
}

// sibling reports whether t has its name from another list of the same interface, of which this one
// has all types.
func (v *view) sibling(t *typ) bool {
	return t.owner != nil && t.owner != v.iface && v.iface.name != "" &&
		t.owner.name == v.iface.name && v.iface.has(t.name)
}

func (v *view) use(t *typ, as string) {
	text := ident(t.name)
	if as != t.name {
		text += " as " + ident(as)
	}
	for _, u := range v.uses {
		if u.from == t.owner {
			u.names = append(u.names, text)
			return
		}
	}
	v.uses = append(v.uses, &use{from: t.owner, names: []string{text}})
}

// nameOf finds the name by which t is known, bringing in that of another interface if there is no
// other. Types that are the same wherever they are written (lists, tuples, …) have only the name
// under which they are referred to.
func (v *view) nameOf(t *typ) (string, bool) {
	for ; t != nil; t = t.eq {
		if name, ok := v.local[t]; ok {
			return name, true
		}
		if v.sibling(t) {
			return t.name, true
		}
		if v.foreign(t) {
			name := t.name
			for n := 2; v.taken[name]; n++ {
				name = fmt.Sprintf("%s-v%d", t.name, n)
			}
			v.taken[name] = true
			v.local[t] = name
			v.use(t, name)
			return name, true
		}
	}
	return "", false
}

// definition returns what the type of an item stands for: a definition to be written under its
// name, or another name of this view, which is the item's own when a use statement brings it.
func (v *view) definition(it item) (def *typ, other string) {
	for t := it.typ; ; t = t.eq {
		if t != it.typ {
			if v.foreign(t) {
				return nil, v.local[t]
			}
			if name, ok := v.local[t]; ok && name != it.name {
				return nil, name
			}
			if v.sibling(t) && t.name != it.name {
				return nil, t.name
			}
		}
		if t.eq == nil {
			return t, ""
		}
	}
}

// isMethod reports whether an item is written with its resource.
func (v *view) isMethod(it item) bool {
	n, err := names.Parse(it.name)
	if err != nil || it.fn == nil || n.Kind == names.Plain {
		return false
	}
	r, ok := v.types[n.Resource]
	if !ok {
		return false
	}
	def, other := v.definition(r)
	return other == "" && def.resource
}

// path names an interface in a use statement: those of the same package by their own name.
func (v *view) path(i *iface) string {
	pack, name := splitInterface(i.name)
	if own, _ := splitInterface(v.iface.name); pack == own {
		return ident(name)
	}
	return path(i.name)
}

// useLines writes the use statements.
func (v *view) useLines(depth int) string {
	p := &printer{}
	for _, u := range v.uses {
		p.line(depth, "use %s.{%s};", v.path(u.from), strings.Join(u.names, ", "))
	}
	return p.text.String()
}
