package wit

import "github.com/wasihttp/wasihttp/component/internal/binary"

// typ evaluates a type definition.
func (r *resolver) typ(s *scope, d *binary.Type) *typ {
	switch {
	case d.Resource != nil:
		return &typ{resource: true}
	case d.Func != nil:
		return &typ{fn: s.fn(d.Func)}
	case d.Value != nil:
		return &typ{val: s.val(d.Value)}
	}
	return &typ{decl: d, env: s}
}

func (s *scope) fn(d *binary.FuncType) *funcType {
	return &funcType{async: d.Async, params: s.fields(d.Params), result: s.optional(d.Result)}
}

func (s *scope) ref(v binary.ValType) ref {
	if v.Prim != 0 {
		return ref{prim: v.Prim}
	}
	return ref{typ: s.types[v.Index]}
}

func (s *scope) optional(v *binary.ValType) *ref {
	if v == nil {
		return nil
	}
	t := s.ref(*v)
	return &t
}

func (s *scope) fields(list []binary.Field) []field {
	out := make([]field, len(list))
	for i, f := range list {
		t := s.ref(f.Type)
		out[i] = field{label: f.Label, typ: &t}
	}
	return out
}

func (s *scope) val(d *binary.DefValType) *valType {
	v := &valType{op: d.Op, labels: d.Labels, length: d.Len}
	v.elem, v.key, v.ok, v.err = s.optional(d.Elem), s.optional(d.Key), s.optional(d.Ok), s.optional(d.Err)
	switch d.Op {
	case binary.OpRecord:
		v.fields = s.fields(d.Fields)
	case binary.OpVariant:
		for _, c := range d.Cases {
			v.fields = append(v.fields, field{label: c.Label, typ: s.optional(c.Type)})
		}
	case binary.OpTuple:
		for _, t := range d.Types {
			v.types = append(v.types, s.ref(t))
		}
	case binary.OpOwn, binary.OpBorrow:
		v.res = s.types[d.Index]
	}
	return v
}
