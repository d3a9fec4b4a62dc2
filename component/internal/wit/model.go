// Package wit writes the world of a component, read from its binary, as WIT text.
//
// It expects a component that package validate has accepted. Source:
// component-model/design/mvp/WIT.md.
package wit

import (
	"github.com/wasihttp/wasihttp/component/internal/binary"
	"github.com/wasihttp/wasihttp/component/internal/space"
)

// typ is an entry of a type index space. Entries that an import or export names have name and
// owner; what they stand for, unless it is a new resource, is eq.
type typ struct {
	name  string
	owner *iface
	eq    *typ

	val      *valType
	fn       *funcType
	resource bool
	decl     *binary.Type // an instance or component type, to be evaluated in env
	env      *space.Space[item]
}

// ref is a use of a value type: a primitive, or an entry of a type index space.
type ref struct {
	prim binary.Opcode
	typ  *typ
}

type field struct {
	label string
	typ   *ref // nil for a case without payload
}

// valType is a defined value type, its indices resolved.
type valType struct {
	op     binary.Opcode
	fields []field  // of a record, cases of a variant
	labels []string // of flags and enums
	types  []ref    // of a tuple
	elem   *ref
	key    *ref
	ok     *ref
	err    *ref
	length uint32
	res    *typ // of own and borrow
}

type funcType struct {
	async  bool
	params []field
	result *ref
}

// nominal reports whether t is written out only where it gets its name.
func (t *typ) nominal() bool {
	if t.resource {
		return true
	}
	if t.val == nil {
		return false
	}
	switch t.val.op {
	case binary.OpRecord, binary.OpVariant, binary.OpEnum, binary.OpFlags:
		return true
	}
	return false
}

// item is an import or export. One of typ, fn, inst, comp and other is set.
type item struct {
	name       string
	implements string // the interface of an instance that bears a plain name
	typ        *typ
	fn         *funcType
	inst       *iface
	comp       *comp
	other      string // names a kind of item that WIT has no words for
}

// iface is a list of named items: an instance, the world's imports or its exports. name is that of
// the first import or export of the instance.
type iface struct {
	name  string
	items []item
	index map[string]int
}

func newIface() *iface { return &iface{index: map[string]int{}} }

func (i *iface) add(it item) {
	if _, ok := i.index[it.name]; ok {
		return
	}
	i.index[it.name] = len(i.items)
	i.items = append(i.items, it)
}

// merge adds an item, or what an instance of that name has and the one that is there lacks: two
// components may import different parts of an interface.
func (i *iface) merge(it item) {
	if !i.has(it.name) {
		i.add(it)
		return
	}
	if have := i.get(it.name).inst; have != nil && it.inst != nil {
		for _, more := range it.inst.items {
			have.add(more)
		}
	}
}

func (i *iface) has(name string) bool {
	_, ok := i.index[name]
	return ok
}

// get finds an item that validation has found to be there.
func (i *iface) get(name string) item { return i.items[i.index[name]] }

// comp is a component that can be instantiated: its binary or, for an imported one, its type.
type comp struct {
	ast *binary.Component
	typ *binary.ComponentType
	env *space.Space[item]
}
