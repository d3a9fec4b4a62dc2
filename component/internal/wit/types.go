package wit

import "github.com/wasihttp/wasihttp/component/internal/binary"

// typ evaluates a type definition.
func (f *frame) typ(d *binary.Type) *typ {
	switch {
	case d.Resource != nil:
		return &typ{resource: true}
	case d.Func != nil:
		return &typ{fn: f.fn(d.Func)}
	case d.Value != nil:
		return &typ{val: f.val(d.Value)}
	}
	return &typ{decl: d, env: f.Space}
}

func (f *frame) fn(d *binary.FuncType) *funcType {
	return &funcType{async: d.Async, params: f.fields(d.Params), result: f.optional(d.Result)}
}

func (f *frame) ref(v binary.ValType) ref {
	if v.Prim != 0 {
		return ref{prim: v.Prim}
	}
	return ref{typ: f.typeAt(v.Index)}
}

func (f *frame) optional(v *binary.ValType) *ref {
	if v == nil {
		return nil
	}
	t := f.ref(*v)
	return &t
}

func (f *frame) fields(list []binary.Field) []field {
	out := make([]field, len(list))
	for i, x := range list {
		t := f.ref(x.Type)
		out[i] = field{label: x.Label, typ: &t}
	}
	return out
}

func (f *frame) val(d *binary.DefValType) *valType {
	v := &valType{op: d.Op, labels: d.Labels, length: d.Len}
	v.elem, v.key = f.optional(d.Elem), f.optional(d.Key)
	v.ok, v.err = f.optional(d.Ok), f.optional(d.Err)
	switch d.Op {
	case binary.OpRecord:
		v.fields = f.fields(d.Fields)
	case binary.OpVariant:
		for _, c := range d.Cases {
			v.fields = append(v.fields, field{label: c.Label, typ: f.optional(c.Type)})
		}
	case binary.OpTuple:
		for _, t := range d.Types {
			v.types = append(v.types, f.ref(t))
		}
	case binary.OpOwn, binary.OpBorrow:
		v.res = f.typeAt(d.Index)
	}
	return v
}
