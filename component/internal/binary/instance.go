package binary

// instance reads a component instance.
func (d *decoder) instance() *Instance {
	switch b := d.byte("instance"); b {
	case 0x00:
		return &Instance{
			Component: d.u32("component index"),
			Args:      vec(&d.reader, "instantiation arguments", d.instArg),
		}
	case 0x01:
		return &Instance{Inline: true, Exports: vec(&d.reader, "exports", d.inlineExport)}
	default:
		d.badByte(b, "instance")
		return nil
	}
}

func (d *decoder) instArg() InstArg {
	return InstArg{Name: d.name("argument name"), Sort: d.sort(), Index: d.u32("index")}
}

func (d *decoder) inlineExport() InlineExport {
	return InlineExport{Name: d.externName(), Sort: d.sort(), Index: d.u32("index")}
}

// alias reads an alias.
func (d *decoder) alias() *Alias {
	a := &Alias{Sort: d.sort()}
	sortEnd := d.pos
	b := d.byte("alias target")
	switch a.Target = AliasTarget(b); a.Target {
	case AliasExport:
		a.Instance = d.u32("instance index")
		a.Name = d.name("export name")
	case AliasCoreExport:
		a.Instance = d.u32("core instance index")
		a.Name = d.name("export name")
	case AliasOuter:
		switch a.Sort {
		case SortCoreModule, SortCoreType, SortType, SortComponent:
		default:
			d.failAt(sortEnd-1, "sort 0x%02x cannot be aliased from an enclosing component",
				byte(a.Sort))
		}
		a.Count = d.u32("outer alias count")
		a.Index = d.u32("index")
	default:
		d.badByte(b, "alias target")
	}
	return a
}
