package binary

// The attributes of an extern name.
const (
	attrImplements    = 0x00
	attrVersionSuffix = 0x01
	attrExternalID    = 0x02
)

// externName reads the name of an import or export with its attributes.
func (d *decoder) externName() ExternName {
	var n ExternName
	switch b := d.byte("form of the name"); b {
	case 0x00, 0x01:
		n.Name = d.name("name")
	case 0x02:
		n.Name = d.name("name")
		n.HasAttrs = true
		seen := [3]bool{}
		for range d.count("name attributes") {
			if !d.attribute(&n, &seen) {
				return n
			}
		}
	default:
		d.badByte(b, "form of the name")
	}
	return n
}

func (d *decoder) attribute(n *ExternName, seen *[3]bool) bool {
	b := d.byte("name attribute")
	if d.err != nil {
		return false
	}
	if int(b) >= len(seen) {
		d.badByte(b, "name attribute")
		return false
	}
	if seen[b] {
		d.failAt(d.pos-1, "name %q has the attribute %s twice", n.Name,
			[...]string{"implements", "versionsuffix", "external-id"}[b])
		return false
	}
	seen[b] = true
	switch b {
	case attrImplements:
		n.Implements = d.name("implements attribute")
		n.HasImplements = true
	case attrVersionSuffix:
		n.VersionSuffix = d.name("versionsuffix attribute")
		n.HasVersionSuffix = true
	case attrExternalID:
		n.ExternalID = d.name("external-id attribute")
		n.HasExternalID = true
	}
	return d.err == nil
}

// importDef reads an import.
func (d *decoder) importDef() *Import {
	return &Import{Name: d.externName(), Type: d.externType()}
}

// exportDef reads an export.
func (d *decoder) exportDef() *Export {
	e := &Export{Name: d.externName(), Sort: d.sort(), Index: d.u32("index")}
	e.Type = optional(&d.reader, "a type", d.externType)
	return e
}

// externType reads the type of an import or export.
func (d *decoder) externType() ExternType {
	b := d.byte("kind of import or export")
	switch t := (ExternType{Sort: Sort(b)}); t.Sort {
	case 0x00:
		if b := d.byte("core sort"); b != byte(SortCoreModule&0xff) {
			d.badByte(b, "core sort (a module is expected)")
		}
		return ExternType{Sort: SortCoreModule, Index: d.u32("core type index")}
	case SortFunc, SortComponent, SortInstance:
		t.Index = d.u32("type index")
		return t
	case SortValue:
		if t.ValEq = !d.flag("value bound"); t.ValEq {
			t.Index = d.u32("value index")
		} else {
			v := d.valType()
			t.Value = &v
		}
		return t
	case SortType:
		if d.flag("type bound") {
			t.Bound = BoundSub
		} else {
			t.Index = d.u32("type index")
		}
		return t
	}
	d.badByte(b, "kind of import or export")
	return ExternType{}
}
