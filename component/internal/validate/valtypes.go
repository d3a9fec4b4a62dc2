package validate

import (
	"fmt"
	"strings"

	"github.com/wasihttp/wasihttp/component/internal/binary"
	"github.com/wasihttp/wasihttp/component/internal/names"
)

// The core value types in facts.flat.
const (
	i32 = byte(binary.CoreI32)
	i64 = byte(binary.CoreI64)
	f32 = byte(binary.CoreF32)
	f64 = byte(binary.CoreF64)
)

func isPrimitive(op binary.Opcode) bool {
	return op >= binary.OpString && op <= binary.OpBool || op == binary.OpErrorContext
}

// primFacts returns the facts of a primitive type (CanonicalABI.md, "Alignment", "Element Size" and
// "Flattening").
func primFacts(op binary.Opcode) facts {
	scalar := func(size uint64, flat byte) facts {
		return facts{w: weight{nodes: 1}, size: size, align: size, flat: []byte{flat}}
	}
	switch op {
	case binary.OpBool, binary.OpS8, binary.OpU8:
		return scalar(1, i32)
	case binary.OpS16, binary.OpU16:
		return scalar(2, i32)
	case binary.OpS64, binary.OpU64:
		return scalar(8, i64)
	case binary.OpF32:
		return scalar(4, f32)
	case binary.OpF64:
		return scalar(8, f64)
	case binary.OpString:
		return listFacts()
	}
	return scalar(4, i32) // s32, u32, char and the handles
}

func listFacts() facts {
	return facts{w: weight{nodes: 1}, size: 16, align: 8, flat: []byte{i32, i32}, hasList: true}
}

func (t valType) facts() facts {
	if t.def != nil {
		return t.def.facts
	}
	return primFacts(t.prim)
}

// valType resolves the use of a value type.
func (s *scope) valType(t binary.ValType) (valType, error) {
	if t.Prim != 0 {
		if t.Prim == binary.OpErrorContext && !s.v.has(ErrorContext) {
			return valType{}, fmt.Errorf("the type error-context is not supported")
		}
		return valType{prim: t.Prim}, nil
	}
	found, err := s.typeAt(t.Index)
	if err != nil {
		return valType{}, err
	}
	def, ok := found.(*defType)
	if !ok {
		return valType{}, fmt.Errorf("type index %d is not a defined value type but %s", t.Index,
			article(typeKind(found)))
	}
	if isPrimitive(def.op) {
		return valType{prim: def.op}, nil
	}
	return valType{def: def}, nil
}

func (s *scope) optValType(t *binary.ValType) (*valType, error) {
	if t == nil {
		return nil, nil
	}
	v, err := s.valType(*t)
	if err != nil {
		return nil, err
	}
	return &v, nil
}

func (s *scope) resourceAt(index uint32) (*resType, error) {
	t, err := s.typeAt(index)
	if err != nil {
		return nil, err
	}
	r, ok := t.(*resType)
	if !ok {
		return nil, fmt.Errorf("type index %d is not a resource type but %s", index,
			article(typeKind(t)))
	}
	return r, nil
}

// labelSet checks labels and their strong uniqueness.
type labelSet struct {
	what string
	seen map[string]string
}

func (l *labelSet) add(label string) error {
	if err := names.CheckLabel(label); err != nil {
		if label == "" {
			return fmt.Errorf("%s name is empty", l.what)
		}
		return fmt.Errorf("%s name %w", l.what, err)
	}
	key := strings.ToLower(label)
	if prev, ok := l.seen[key]; ok {
		return fmt.Errorf("%s name %q conflicts with the previous %q", l.what, label, prev)
	}
	if l.seen == nil {
		l.seen = map[string]string{}
	}
	l.seen[key] = label
	return nil
}

// defValType resolves and checks the definition of a value type.
func (s *scope) defValType(b *binary.DefValType) (*defType, error) {
	t := &defType{op: b.Op, length: b.Len}
	if isPrimitive(b.Op) {
		if _, err := s.valType(binary.ValType{Prim: b.Op}); err != nil {
			return nil, err
		}
		t.facts = primFacts(b.Op)
		return t, nil
	}
	if err := s.resolveParts(b, t); err != nil {
		return nil, err
	}
	if err := s.checkParts(t); err != nil {
		return nil, err
	}
	return t, t.computeFacts()
}

// resolveParts looks up the types that b refers to and checks its labels.
func (s *scope) resolveParts(b *binary.DefValType, t *defType) (err error) {
	switch b.Op {
	case binary.OpRecord:
		if t.fields, err = s.fields(b.Fields, "record field"); err != nil {
			return err
		}
	case binary.OpVariant:
		labels := labelSet{what: "variant case"}
		for _, c := range b.Cases {
			if err := labels.add(c.Label); err != nil {
				return err
			}
			payload, err := s.optValType(c.Type)
			if err != nil {
				return err
			}
			t.cases = append(t.cases, variantCase{c.Label, payload})
		}
	case binary.OpFlags, binary.OpEnum:
		labels := labelSet{what: "flag"}
		if b.Op == binary.OpEnum {
			labels.what = "enum case"
		}
		for _, l := range b.Labels {
			if err := labels.add(l); err != nil {
				return err
			}
		}
		t.labels = b.Labels
	case binary.OpTuple:
		for _, p := range b.Types {
			part, err := s.valType(p)
			if err != nil {
				return err
			}
			t.types = append(t.types, part)
		}
	case binary.OpOwn, binary.OpBorrow:
		t.res, err = s.resourceAt(b.Index)
		return err
	}
	if t.elem, err = s.optValType(b.Elem); err != nil {
		return err
	}
	if t.key, err = s.optValType(b.Key); err != nil {
		return err
	}
	if t.ok, err = s.optValType(b.Ok); err != nil {
		return err
	}
	t.err, err = s.optValType(b.Err)
	return err
}

func (s *scope) fields(in []binary.Field, what string) ([]field, error) {
	labels := labelSet{what: what}
	var out []field
	for _, f := range in {
		if err := labels.add(f.Label); err != nil {
			return nil, err
		}
		t, err := s.valType(f.Type)
		if err != nil {
			return nil, fmt.Errorf("%s %q: %w", what, f.Label, err)
		}
		out = append(out, field{f.Label, t})
	}
	return out, nil
}

// checkParts enforces what each constructor demands of its parts.
func (s *scope) checkParts(t *defType) error {
	switch t.op {
	case binary.OpRecord:
		if len(t.fields) == 0 {
			return fmt.Errorf("a record type must have at least one field")
		}
	case binary.OpVariant:
		if len(t.cases) == 0 {
			return fmt.Errorf("a variant type must have at least one case")
		}
	case binary.OpTuple:
		if len(t.types) == 0 {
			return fmt.Errorf("a tuple type must have at least one type")
		}
	case binary.OpEnum:
		if len(t.labels) == 0 {
			return fmt.Errorf("an enum type must have at least one case")
		}
	case binary.OpFlags:
		if len(t.labels) == 0 {
			return fmt.Errorf("a flags type must have at least one flag")
		}
		if len(t.labels) > maxFlagsPerValue {
			return fmt.Errorf("a flags type cannot have more than %d flags, found %d",
				maxFlagsPerValue, len(t.labels))
		}
	case binary.OpFixedList:
		if !s.v.has(FixedLists) {
			return fmt.Errorf("lists of a fixed length are not supported")
		}
		if t.length == 0 {
			return fmt.Errorf("a list of a fixed length must have at least one element")
		}
	case binary.OpMap:
		if !s.v.has(Maps) {
			return fmt.Errorf("map types are not supported")
		}
		if !isKeyType(*t.key) {
			return fmt.Errorf("%s cannot be the key of a map", *t.key)
		}
	case binary.OpStream, binary.OpFuture:
		if !s.v.has(Async) {
			return fmt.Errorf("%s types are not supported", opName(t.op))
		}
		if t.elem == nil {
			return nil
		}
		if t.elem.facts().hasBorrow {
			return fmt.Errorf("a %s cannot carry a borrow", opName(t.op))
		}
		if t.op == binary.OpStream && t.elem.prim == binary.OpChar {
			return fmt.Errorf("stream<char> is not valid at this time")
		}
	}
	return nil
}

func isKeyType(t valType) bool {
	switch t.prim {
	case binary.OpBool, binary.OpS8, binary.OpU8, binary.OpS16, binary.OpU16, binary.OpS32,
		binary.OpU32, binary.OpS64, binary.OpU64, binary.OpChar, binary.OpString:
		return true
	}
	return false
}

// funcType resolves and checks a function type.
func (s *scope) funcType(b *binary.FuncType) (*funcType, error) {
	if b.Async && !s.v.has(Async) {
		return nil, fmt.Errorf("async functions are not supported")
	}
	params, err := s.fields(b.Params, "function parameter")
	if err != nil {
		return nil, err
	}
	result, err := s.optValType(b.Result)
	if err != nil {
		return nil, fmt.Errorf("function result: %w", err)
	}
	if result != nil && result.facts().hasBorrow {
		return nil, fmt.Errorf("a function result cannot contain a borrow")
	}
	t := &funcType{async: b.Async, params: params, result: result}
	t.paramFacts = sequence(func(yield func(valType) bool) {
		for _, p := range params {
			if !yield(p.typ) {
				return
			}
		}
	})
	if t.paramFacts.size > maxParamSize {
		return nil, fmt.Errorf("the function parameters take more than %d bytes",
			uint64(maxParamSize))
	}
	t.w = t.paramFacts.w
	if result != nil {
		t.resultFacts = result.facts()
		t.w.contain(t.resultFacts.w)
	}
	return t, t.w.check()
}

func (w weight) check() error {
	if w.depth >= maxTypeDepth { // a type without parts has the depth 0, but is a level
		return fmt.Errorf("the type is nested more than %d levels deep", maxTypeDepth)
	}
	if w.nodes > maxTypeNodes {
		return fmt.Errorf("the type is larger than %d parts", maxTypeNodes)
	}
	return nil
}
