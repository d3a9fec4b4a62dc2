package component

import "errors"

// linker offers what scripts may import: what hosts that run such scripts agree on, and the exports
// of the named instances so far.
func (w *wastRun) linker() *Linker {
	l := NewLinker()
	root := l.Instance("")
	number := func(n uint32) HostFunc {
		return func(*Call, []Value) (Value, error) {
			return U32(n),
				nil
		}
	}
	nothing := func(*Call, []Value) (Value, error) { return Value{}, nil }
	slowly := func(result func(args []Value) Value) AsyncHostFunc {
		return func(_ *Call, args []Value, done func(Value, error)) (*Value, func(), error) {
			done(result(args), nil)
			return nil, nil, nil
		}
	}
	never := func(*Call, []Value, func(Value, error)) (*Value, func(), error) {
		return nil, nil,
			nil
	}
	root.AsyncFunc("host-echo-u32", "async func(v: u32) -> u32",
		func(_ *Call, args []Value, _ func(Value, error)) (*Value, func(), error) {
			return &args[0], nil, nil
		})
	root.Func("host-return-two", "func() -> u32", number(2))

	// Nothing here has a collector to run or one table for all instances.
	own := l.Instance("wasmtime")
	own.Func("gc", "func()", nothing)
	own.Func("set-max-table-capacity", "func(max: u32)", nothing)

	h := l.Instance("host")
	h.Func("return-three", "func() -> u32", number(3))
	h.Func("return-hi", "func() -> string",
		func(*Call, []Value) (Value, error) { return String("hi"), nil })
	l.Instance("host/nested").Func("return-four", "func() -> u32", number(4))
	h.Module("simple-module", wastSimpleModule())
	var drops, last uint32
	h.Resource("resource1", func(rep any) error {
		drops++
		last = rep.(uint32)
		return nil
	})
	h.res["resource1-again"] = h.res["resource1"]
	h.Resource("resource2", nil)
	same := func(_ *Call, args []Value) (Value, error) {
		if args[0].Rep().(uint32) != args[1].U32() {
			return Value{}, errors.New("another resource")
		}
		return Value{}, nil
	}
	h.Func("[constructor]resource1", "func(r: u32) -> own<resource1>",
		func(_ *Call, args []Value) (Value, error) { return Own(args[0].U32()), nil })
	h.Func("[static]resource1.assert", "func(r: own<resource1>, rep: u32)", same)
	h.Func("[static]resource1.last-drop", "func() -> u32",
		func(*Call, []Value) (Value, error) { return U32(last), nil })
	h.Func("[static]resource1.drops", "func() -> u32",
		func(*Call, []Value) (Value, error) { return U32(drops), nil })
	h.Func("[method]resource1.simple", "func(self: borrow<resource1>, rep: u32)", same)
	h.Func("[method]resource1.take-borrow", "func(self: borrow<resource1>, b: borrow<resource1>)",
		nothing)
	h.Func("[method]resource1.take-own", "func(self: borrow<resource1>, b: own<resource1>)",
		nothing)
	h.AsyncFunc("[method]resource1.never-return", "async func(self: borrow<resource1>)", never)
	h.AsyncFunc("never-return", "async func()", never)
	h.AsyncFunc("return-two-slowly", "async func() -> s32",
		slowly(func([]Value) Value { return S32(2) }))
	h.AsyncFunc("echo-slowly", "async func(a: u32) -> u32",
		slowly(func(args []Value) Value { return args[0] }))

	for name, wi := range w.insts {
		wi.offer(l, name, wi.inst.root)
	}
	return l
}

// wastSimpleModule exports the global g, 100, and the function f, which returns 101.
func wastSimpleModule() []byte {
	return []byte("\x00asm\x01\x00\x00\x00" +
		"\x01\x05\x01\x60\x00\x01\x7f" + "\x03\x02\x01\x00" +
		"\x06\x07\x01\x7f\x00\x41\xe4\x00\x0b" +
		"\x07\x09\x02\x01g\x03\x00\x01f\x00\x00" + "\x0a\x07\x01\x05\x00\x41\xe5\x00\x0b")
}

// offer makes the exports of an instance something that others can import. Each has a store of its
// own, so that resources can be recognized but do not cross.
func (i *wastInstance) offer(l *Linker, name string, from *compInst) {
	h := l.Instance(name)
	for item, it := range from.items {
		switch it := it.(type) {
		case *compFunc:
			exported := &Func{store: i.store, fn: it}
			h.funcs[item] = &hostFunc{iface: h, name: item, typ: it.typ,
				fn: func(c *Call, args []Value) (Value, error) {
					return exported.Call(c.Context(), args...)
				}}
		case *moduleRef:
			h.Module(item, it.bytes)
		case *typeItem:
			if it.res == nil {
				continue
			}
			if i.res[it.res] == nil {
				i.res[it.res] = h.Resource(item, nil)
			}
			h.res[item] = i.res[it.res]
		case *compInst:
			i.offer(l, name+"/"+item, it)
		}
	}
}
