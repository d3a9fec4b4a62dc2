package component

import (
	"github.com/wasihttp/wasihttp/component/internal/binary"
	"github.com/wasihttp/wasihttp/component/internal/types"
)

var primKinds = map[binary.Opcode]types.Kind{
	binary.OpBool: types.Bool, binary.OpS8: types.S8, binary.OpU8: types.U8,
	binary.OpS16: types.S16, binary.OpU16: types.U16, binary.OpS32: types.S32,
	binary.OpU32: types.U32, binary.OpS64: types.S64, binary.OpU64: types.U64,
	binary.OpF32: types.F32, binary.OpF64: types.F64, binary.OpChar: types.Char,
	binary.OpString:       types.String,
	binary.OpErrorContext: types.ErrorContext,
}

// typ evaluates a type definition. Resources defined here get their identity here: a component
// instantiated twice defines two.
func (f *flattener) typ(s *scope, d *binary.Type) *typeItem {
	switch {
	case d.Value != nil:
		return &typeItem{val: f.defVal(s, d.Value)}
	case d.Func != nil:
		return &typeItem{fn: f.funcType(s, d.Func)}
	case d.Resource != nil:
		r := &types.Resource{Name: "resource", Slot: len(f.plan.resources), Instance: s.inst}
		def := resourceDef{id: r, dtor: -1}
		if d.Resource.HasDtor {
			def.dtor = f.funcRef(s.coreFuncs[d.Resource.Dtor])
		}
		f.plan.resources = append(f.plan.resources, def)
		return &typeItem{res: r}
	}
	return &typeItem{decl: d, env: s}
}

func (f *flattener) funcType(s *scope, d *binary.FuncType) *types.Func {
	f.count(len(d.Params))
	params := make([]types.Field, len(d.Params))
	for i, p := range d.Params {
		params[i] = types.Field{Name: p.Label, Type: f.val(s, p.Type)}
	}
	return types.NewFunc(d.Async, params, f.optVal(s, d.Result))
}

func (f *flattener) val(s *scope, v binary.ValType) *types.Type {
	if v.Prim != 0 {
		return types.NewPrim(primKinds[v.Prim])
	}
	t := s.types[v.Index].val
	if t == nil {
		planFail("type %d is not a value type", v.Index)
	}
	return t
}

func (f *flattener) optVal(s *scope, v *binary.ValType) *types.Type {
	if v == nil {
		return nil
	}
	return f.val(s, *v)
}

func (f *flattener) defVal(s *scope, d *binary.DefValType) *types.Type {
	if k, ok := primKinds[d.Op]; ok {
		return types.NewPrim(k)
	}
	f.count(len(d.Fields) + len(d.Types) + len(d.Cases) + len(d.Labels))
	switch d.Op {
	case binary.OpRecord:
		fs := make([]types.Field, len(d.Fields))
		for i, x := range d.Fields {
			fs[i] = types.Field{Name: x.Label, Type: f.val(s, x.Type)}
		}
		return types.NewRecord(fs)
	case binary.OpTuple:
		fs := make([]types.Field, len(d.Types))
		for i, x := range d.Types {
			fs[i].Type = f.val(s, x)
		}
		return types.NewTuple(fs)
	case binary.OpVariant:
		cs := make([]types.Case, len(d.Cases))
		for i, x := range d.Cases {
			cs[i] = types.Case{Name: x.Label, Type: f.optVal(s, x.Type)}
		}
		return types.NewVariant(cs)
	case binary.OpList:
		return types.NewList(f.val(s, *d.Elem))
	case binary.OpFixedList:
		return types.NewFixedList(f.val(s, *d.Elem), d.Len)
	case binary.OpMap:
		return types.NewMap(f.val(s, *d.Key), f.val(s, *d.Elem))
	case binary.OpFlags:
		return types.NewFlags(d.Labels)
	case binary.OpEnum:
		return types.NewEnum(d.Labels)
	case binary.OpOption:
		return types.NewOption(f.val(s, *d.Elem))
	case binary.OpResult:
		return types.NewResult(f.optVal(s, d.Ok), f.optVal(s, d.Err))
	case binary.OpOwn:
		return types.NewOwn(s.resource(d.Index))
	case binary.OpBorrow:
		return types.NewBorrow(s.resource(d.Index))
	case binary.OpStream:
		return types.NewStream(f.optVal(s, d.Elem))
	case binary.OpFuture:
		return types.NewFuture(f.optVal(s, d.Elem))
	}
	planFail("unsupported type constructor %#x", d.Op)
	return nil
}

func (s *scope) resource(i uint32) *types.Resource {
	r := s.types[i].res
	if r == nil {
		planFail("type %d is not a resource", i)
	}
	return r
}
