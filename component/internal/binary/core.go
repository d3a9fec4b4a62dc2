package binary

// coreInstance reads a core:instance.
func (d *decoder) coreInstance() *CoreInstance {
	switch b := d.byte("core instance"); b {
	case 0x00:
		return &CoreInstance{
			Module: d.u32("core module index"),
			Args:   vec(&d.reader, "instantiation arguments", d.coreInstArg),
		}
	case 0x01:
		return &CoreInstance{Inline: true, Exports: vec(&d.reader, "exports", d.coreInlineExport)}
	default:
		d.badByte(b, "core instance")
		return nil
	}
}

func (d *decoder) coreInstArg() CoreInstArg {
	arg := CoreInstArg{Name: d.name("argument name")}
	if b := d.byte("sort of the instantiation argument"); b != byte(SortCoreInstance&0xff) {
		d.badByte(b, "sort of the instantiation argument (an instance is expected)")
	}
	arg.Instance = d.u32("core instance index")
	return arg
}

func (d *decoder) coreInlineExport() CoreInlineExport {
	return CoreInlineExport{
		Name:  d.name("export name"),
		Sort:  d.coreSort(),
		Index: d.u32("core index"),
	}
}

func (d *decoder) coreSort() Sort {
	b := d.byte("core sort")
	switch s := SortCore | Sort(b); s {
	case SortCoreFunc, SortCoreTable, SortCoreMemory, SortCoreGlobal, SortCoreTag, SortCoreType,
		SortCoreModule, SortCoreInstance:
		return s
	}
	d.badByte(b, "core sort")
	return 0
}

func (d *decoder) sort() Sort {
	b := d.byte("sort")
	switch s := Sort(b); s {
	case 0x00:
		return d.coreSort()
	case SortFunc, SortValue, SortType, SortComponent, SortInstance:
		return s
	}
	d.badByte(b, "sort")
	return 0
}

// The bytes that begin core types.
const (
	coreTypeShared   = 0x65
	coreTypeRec      = 0x4e
	coreTypeSubFinal = 0x4f
	coreTypeSub      = 0x50 // a module type at the top level of a component
	coreTypeArray    = 0x5e
	coreTypeStruct   = 0x5f
	coreTypeFunc     = 0x60
)

// coreType reads a core:type: a module type or a recursive type.
func (d *decoder) coreType() *CoreType {
	start := d.pos
	b, ok := d.peek()
	if ok && b == coreTypeSub {
		d.pos++
		return &CoreType{Module: d.coreModuleType()}
	}
	if ok && b == 0x00 {
		// The prefix keeps a non-final sub apart from a module type; only that may follow it.
		d.pos++
		if b, _ := d.peek(); b != coreTypeSub {
			d.byte("core type")
			d.badByte(b, "core type")
		}
	}
	t := &CoreType{Group: d.recType()}
	d.finish(t, start)
	return t
}

// finish fills in what follows from the group of t, which begins at start.
func (d *decoder) finish(t *CoreType, start int) {
	t.Raw = d.data[start:d.pos:d.pos]
	if len(t.Group) == 1 && t.Group[0].Final && len(t.Group[0].Supers) == 0 {
		t.Func = t.Group[0].Func
	}
}

func (d *decoder) coreModuleType() *CoreModuleType {
	if !d.enter() {
		return nil
	}
	defer d.leave()
	return &CoreModuleType{Decls: vec(&d.reader, "module type declarations", d.coreModuleDecl)}
}

func (d *decoder) coreModuleDecl() CoreModuleDecl {
	switch b := d.byte("module type declaration"); b {
	case 0x00:
		i := d.coreImport()
		return CoreModuleDecl{Import: &i}
	case 0x01:
		// Module types cannot be declared here, so a sub needs no prefix.
		start := d.pos
		t := &CoreType{Group: d.recType()}
		d.finish(t, start)
		return CoreModuleDecl{Type: t}
	case 0x02:
		if b := d.byte("sort of the alias"); b != byte(SortCoreType&0xff) {
			d.badByte(b, "sort of the alias (a type is expected)")
		}
		if b := d.byte("target of the alias"); b != 0x01 {
			d.badByte(b, "target of the alias (outer is expected)")
		}
		return CoreModuleDecl{Alias: &CoreOuterAlias{
			Sort: SortCoreType, Count: d.u32("outer alias count"), Index: d.u32("core type index"),
		}}
	case 0x03:
		return CoreModuleDecl{Export: &CoreExportDecl{Name: d.name("export name"),
			Desc: d.coreExternType()}}
	default:
		d.badByte(b, "module type declaration")
		return CoreModuleDecl{}
	}
}
