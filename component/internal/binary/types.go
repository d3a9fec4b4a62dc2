package binary

// The bytes that begin types other than value types.
const (
	typeResource  = 0x3f
	typeFunc      = 0x40
	typeComponent = 0x41
	typeInstance  = 0x42
	typeFuncAsync = 0x43
)

// typeDef reads a type.
func (d *decoder) typeDef() *Type {
	b, _ := d.peek()
	switch b {
	case typeResource:
		d.pos++
		return &Type{Resource: d.resource()}
	case typeFunc, typeFuncAsync:
		d.pos++
		return &Type{Func: d.funcType(b == typeFuncAsync)}
	case typeComponent:
		d.pos++
		return &Type{Component: &ComponentType{Decls: d.decls(true)}}
	case typeInstance:
		d.pos++
		return &Type{Instance: &InstanceType{Decls: d.decls(false)}}
	}
	return &Type{Value: d.defValType()}
}

func (d *decoder) resource() *ResourceType {
	t := &ResourceType{Rep: d.coreValType()}
	if dtor := optional(&d.reader, "a destructor",
		func() uint32 { return d.u32("core function index") }); dtor != nil {
		t.Dtor, t.HasDtor = *dtor, true
	}
	return t
}

func (d *decoder) funcType(async bool) *FuncType {
	t := &FuncType{Async: async, Params: vec(&d.reader, "parameters", d.field)}
	t.Result = d.resultList()
	return t
}

// resultList reads the result of a function type.
func (d *decoder) resultList() *ValType {
	switch b := d.byte("function result"); b {
	case 0x00:
		t := d.valType()
		return &t
	case 0x01:
		if n := d.byte("number of named results"); n != 0 {
			d.badByte(n, "number of named results")
		}
	default:
		d.badByte(b, "function result")
	}
	return nil
}

func (d *decoder) field() Field { return Field{Label: d.name("label"), Type: d.valType()} }

func (d *decoder) variantCase() Case {
	c := Case{Label: d.name("label"), Type: optional(&d.reader, "a payload", d.valType)}
	if b := d.byte("end of the case"); b != 0 {
		d.badByte(b, "end of the case (0x00 is expected)")
	}
	return c
}

func (d *decoder) label() string { return d.name("label") }

func isPrimitive(b byte) bool {
	return Opcode(b) >= OpString && Opcode(b) <= OpBool || Opcode(b) == OpErrorContext
}

// valType reads the use of a value type. Negative numbers are primitive types, the others type
// indices.
func (d *decoder) valType() ValType {
	if b, ok := d.peek(); ok && b&0xc0 == 0x40 {
		d.pos++
		if !isPrimitive(b) {
			d.badByte(b, "value type")
		}
		return ValType{Prim: Opcode(b)}
	}
	start := d.pos
	v := d.s33("value type")
	if v < 0 {
		d.failAt(start, "unexpected number for value type")
	}
	return ValType{Index: uint32(v)}
}

func (d *decoder) valTypePtr() *ValType {
	v := d.valType()
	return &v
}

func (d *decoder) defValType() *DefValType {
	b := d.byte("type")
	t := &DefValType{Op: Opcode(b)}
	if isPrimitive(b) {
		return t
	}
	switch t.Op {
	case OpRecord:
		t.Fields = vec(&d.reader, "record fields", d.field)
	case OpVariant:
		t.Cases = vec(&d.reader, "variant cases", d.variantCase)
	case OpList, OpOption:
		t.Elem = d.valTypePtr()
	case OpFixedList:
		t.Elem = d.valTypePtr()
		t.Len = d.u32("list length")
	case OpTuple:
		t.Types = vec(&d.reader, "tuple types", d.valType)
	case OpFlags, OpEnum:
		t.Labels = vec(&d.reader, "labels", d.label)
	case OpResult:
		t.Ok = optional(&d.reader, "an ok type", d.valType)
		t.Err = optional(&d.reader, "an error type", d.valType)
	case OpOwn, OpBorrow:
		t.Index = d.u32("type index")
	case OpStream, OpFuture:
		t.Elem = optional(&d.reader, "an element type", d.valType)
	case OpMap:
		t.Key = d.valTypePtr()
		t.Elem = d.valTypePtr()
	default:
		d.badByte(b, "type")
	}
	return t
}

func (d *decoder) decls(imports bool) []Decl {
	if !d.enter() {
		return nil
	}
	defer d.leave()
	return vec(&d.reader, "type declarations", func() Decl { return d.decl(imports) })
}

func (d *decoder) decl(imports bool) Decl {
	b := d.byte("type declaration")
	switch b {
	case 0x00:
		return Decl{CoreType: d.coreType()}
	case 0x01:
		return Decl{Type: d.typeDef()}
	case 0x02:
		return Decl{Alias: d.alias()}
	case 0x03:
		if imports {
			return Decl{Import: &ImportDecl{Name: d.externName(), Type: d.externType()}}
		}
	case 0x04:
		return Decl{Export: &ExportDecl{Name: d.externName(), Type: d.externType()}}
	}
	d.badByte(b, "type declaration")
	return Decl{}
}
