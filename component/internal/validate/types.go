package validate

import (
	"strings"

	"github.com/wasihttp/wasihttp/component/internal/binary"
)

// resource is the identity of a resource type.
type resource struct {
	owner *scope // of the component that defines it, nil if it is abstract
}

// anyType is what a type index refers to: *resType, *defType, *funcType, *instType or *compType.
type anyType interface{ weight() weight }

// weight bounds how large a type is, written out as a tree.
type weight struct {
	nodes int
	depth int
}

func (w *weight) contain(inner weight) {
	w.nodes += inner.nodes
	w.depth = max(w.depth, inner.depth+1)
}

// resType is one use of a resource type, by a definition, an import, an export or an alias of
// these.
type resType struct {
	id *resource
}

func (t *resType) weight() weight { return weight{nodes: 1} }

// valType is a value type: a primitive, or def. A defined type that is a primitive is given as the
// primitive.
type valType struct {
	prim binary.Opcode
	def  *defType
}

type field struct {
	label string
	typ   valType
}

type variantCase struct {
	label string
	typ   *valType
}

// defType is a defined value type. Its fields are those of binary.DefValType with the indices
// resolved.
type defType struct {
	op     binary.Opcode
	fields []field
	cases  []variantCase
	labels []string
	types  []valType
	elem   *valType
	key    *valType
	length uint32
	ok     *valType
	err    *valType
	res    *resType
	facts
}

// facts are what the rules need to know of a value type.
type facts struct {
	w         weight
	size      uint64 // in bytes, with pointers of 64 bits
	align     uint64
	flat      []byte // core value types, cut after maxFlatParams+1
	hasBorrow bool   // somewhere inside
	hasList   bool   // a string, list or map is inside, those in streams and futures not counted
}

func (t *defType) weight() weight { return t.w }

type funcType struct {
	async  bool
	params []field
	result *valType
	w      weight

	paramFacts, resultFacts facts // of all parameters in sequence, of the result
}

func (t *funcType) weight() weight { return t.w }

// entity is the type of something that can be imported or exported.
type entity struct {
	sort binary.Sort // SortCoreModule, SortFunc, SortType, SortComponent or SortInstance

	module *moduleType // SortCoreModule
	fn     *funcType   // SortFunc
	typ    anyType     // SortType: the type itself
	comp   *compType   // SortComponent
	inst   *instType   // SortInstance
}

func (e entity) weight() weight {
	switch e.sort {
	case binary.SortFunc:
		return e.fn.w
	case binary.SortType:
		return e.typ.weight()
	case binary.SortComponent:
		return e.comp.w
	case binary.SortInstance:
		return e.inst.w
	}
	return weight{nodes: 1}
}

type resourceSet map[*resource]bool

// externs is an ordered set of named entities.
type externs struct {
	names []string
	items map[string]entity
}

func (e *externs) add(name string, item entity) {
	if e.items == nil {
		e.items = map[string]entity{}
	}
	e.names = append(e.names, name)
	e.items[name] = item
}

// instType is the type of an instance. bound holds the resources that every instance of the type
// brings its own of; only types in the type index space have some, for an instance that exists its
// resources have been made part of the scope.
type instType struct {
	exports externs
	bound   resourceSet
	w       weight
}

func (t *instType) weight() weight { return t.w }

// compType is the type of a component: for all resources of imported there are those of defined
// such that, given the imports, there are the exports.
type compType struct {
	imports   externs
	exports   externs
	imported  resourceSet
	defined   resourceSet
	instances int // made by instantiating it once, itself included
	w         weight
}

func (t *compType) weight() weight { return t.w }

// article puts the indefinite article before a noun.
func article(noun string) string {
	// No noun here has a u that is pronounced as a vowel.
	if noun != "" && strings.IndexByte("aeio", noun[0]) >= 0 {
		return "an " + noun
	}
	return "a " + noun
}

// typeKind names what a type index refers to in error texts.
func typeKind(t anyType) string {
	switch t := t.(type) {
	case *resType:
		return "resource type"
	case *funcType:
		return "function type"
	case *instType:
		return "instance type"
	case *compType:
		return "component type"
	case *defType:
		return opName(t.op)
	}
	return "type"
}

// opName names a type constructor as the text format does.
func opName(op binary.Opcode) string {
	switch op {
	case binary.OpBool:
		return "bool"
	case binary.OpS8:
		return "s8"
	case binary.OpU8:
		return "u8"
	case binary.OpS16:
		return "s16"
	case binary.OpU16:
		return "u16"
	case binary.OpS32:
		return "s32"
	case binary.OpU32:
		return "u32"
	case binary.OpS64:
		return "s64"
	case binary.OpU64:
		return "u64"
	case binary.OpF32:
		return "f32"
	case binary.OpF64:
		return "f64"
	case binary.OpChar:
		return "char"
	case binary.OpString:
		return "string"
	case binary.OpErrorContext:
		return "error-context"
	case binary.OpRecord:
		return "record"
	case binary.OpVariant:
		return "variant"
	case binary.OpList:
		return "list"
	case binary.OpFixedList:
		return "fixed-length list"
	case binary.OpTuple:
		return "tuple"
	case binary.OpFlags:
		return "flags"
	case binary.OpEnum:
		return "enum"
	case binary.OpOption:
		return "option"
	case binary.OpResult:
		return "result"
	case binary.OpOwn:
		return "own"
	case binary.OpBorrow:
		return "borrow"
	case binary.OpStream:
		return "stream"
	case binary.OpFuture:
		return "future"
	case binary.OpMap:
		return "map"
	}
	return "unknown type"
}

func (t valType) String() string {
	if t.def != nil {
		return opName(t.def.op)
	}
	return opName(t.prim)
}
