package binary

// maxNesting bounds how deep components and component, instance and module types may contain each
// other.
const maxNesting = 100

// The section ids.
const (
	sectionCustom = iota
	sectionCoreModule
	sectionCoreInstance
	sectionCoreType
	sectionComponent
	sectionInstance
	sectionAlias
	sectionType
	sectionCanon
	sectionStart
	sectionImport
	sectionExport
	sectionValue
)

// sectionName names a section in error texts.
func sectionName(id byte) string {
	switch id {
	case sectionCustom:
		return "custom section"
	case sectionCoreModule:
		return "core module section"
	case sectionCoreInstance:
		return "core instance section"
	case sectionCoreType:
		return "core type section"
	case sectionComponent:
		return "component section"
	case sectionInstance:
		return "instance section"
	case sectionAlias:
		return "alias section"
	case sectionType:
		return "type section"
	case sectionCanon:
		return "canon section"
	case sectionStart:
		return "start section"
	case sectionImport:
		return "import section"
	case sectionExport:
		return "export section"
	case sectionValue:
		return "value section"
	}
	return ""
}

// Decode reads a whole component. The tree aliases data, which must not change as long as the tree
// is used. The error, if any, is an *Error. It never panics. The time and memory that it takes grow
// with len(data), to half a second and some hundred megabytes at most.
func Decode(data []byte) (*Component, error) {
	d := &decoder{reader: reader{data: data}}
	c := d.component()
	if d.err != nil {
		return nil, d.err
	}
	return c, nil
}

// decoder reads the sections of one component; nested ones are read by the same decoder, its limits
// narrowed.
type decoder struct {
	reader
	depth int // of components and types around the current position
}

// enter counts one more level of nesting; leave takes it back.
func (d *decoder) enter() bool {
	if d.depth >= maxNesting {
		d.failAt(d.pos, "nested more than %d levels deep", maxNesting)
		return false
	}
	d.depth++
	return true
}

func (d *decoder) leave() { d.depth-- }

// component reads the preamble and all sections up to the end of the reader's data.
func (d *decoder) component() *Component {
	if !d.enter() {
		return nil
	}
	defer d.leave()
	c := &Component{Offset: d.pos, Size: d.left()}
	outer := d.section
	d.section = ""
	d.preamble()
	for d.err == nil && d.left() > 0 {
		d.oneSection(c)
	}
	d.section = outer
	return c
}

func (d *decoder) preamble() {
	start := d.pos
	rest := d.data[start:]
	switch Kind(rest) {
	case KindComponent:
		d.pos += preambleSize
	case KindEmpty, KindTruncated:
		d.failAt(len(d.data), "unexpected end within the preamble of a component")
	case KindModule:
		d.failAt(start, "expected a component, found a core module")
	case KindUnsupportedVersion:
		if rest[6] == layerModule && rest[7] == 0 {
			d.failAt(start,
				"expected a component, found a core module of the unknown version 0x%02x%02x",
				rest[5], rest[4])
			return
		}
		d.failAt(start+4, "unknown binary version 0x%02x%02x, expected 0x%04x of a component",
			rest[5], rest[4], componentVersion)
	case KindUnsupportedLayer:
		d.failAt(start+6, "unknown layer 0x%02x%02x, expected 0x%04x of a component", rest[7],
			rest[6], layerComponent)
	case KindText:
		d.failAt(start, "expected the binary format, found text")
	default:
		d.failAt(start, "not WebAssembly: the magic number is missing")
	}
}

func (d *decoder) oneSection(c *Component) {
	start := d.pos
	d.part(1)
	id := d.byte("section id")
	if d.err == nil && sectionName(id) == "" {
		d.failAt(start, "unknown section id %d", id)
	}
	d.section = sectionName(id)
	size := d.u32("section size")
	if d.err == nil && uint64(size) > uint64(d.left()) {
		d.failAt(start, "unexpected end: the section has %d bytes, %d are left", size, d.left())
	}
	if d.err != nil {
		return
	}
	whole := d.data
	d.data = whole[:d.pos+int(size)]
	d.sectionBody(c, id)
	if d.err == nil && d.left() != 0 {
		d.failAt(d.pos, "%d bytes left over at the end of the section", d.left())
	}
	d.data = whole
	d.section = ""
}

func (d *decoder) sectionBody(c *Component, id byte) {
	switch id {
	case sectionCustom:
		d.name("custom section name")
		if d.err == nil {
			d.pos = len(d.data)
		}
	case sectionCoreModule:
		if def := d.coreModule(); def != nil {
			c.add(def, def.Offset)
		} else {
			d.err.Path, d.err.Section = c.place(SortCoreModule, len(c.Defs)), ""
		}
	case sectionCoreInstance:
		defs(d, c, "core instances", d.coreInstance)
	case sectionCoreType:
		defs(d, c, "core types", d.coreType)
	case sectionComponent:
		if def := d.component(); d.err == nil {
			c.add(def, def.Offset)
		} else {
			d.err.Path = Inside(c.place(SortComponent, len(c.Defs)), d.err.Path)
		}
	case sectionInstance:
		defs(d, c, "instances", d.instance)
	case sectionAlias:
		defs(d, c, "aliases", d.alias)
	case sectionType:
		defs(d, c, "types", d.typeDef)
	case sectionCanon:
		defs(d, c, "canonical definitions", d.canon)
	case sectionStart:
		at := d.pos
		if def := d.start(); d.err == nil {
			c.add(def, at)
		}
	case sectionImport:
		defs(d, c, "imports", d.importDef)
	case sectionExport:
		defs(d, c, "exports", d.exportDef)
	case sectionValue:
		defs(d, c, "values", d.valueDef)
	}
}

func (c *Component) add(def Def, offset int) {
	c.Defs = append(c.Defs, def)
	c.DefOffsets = append(c.DefOffsets, offset)
}

// defs reads a vector of definitions.
func defs[T Def](d *decoder, c *Component, what string, item func() T) {
	for range d.count(what) {
		at := d.pos
		def := item()
		if d.err != nil {
			return
		}
		c.add(def, at)
	}
}

func (d *decoder) coreModule() *CoreModule {
	m := &CoreModule{Offset: d.pos, Bytes: d.data[d.pos:len(d.data):len(d.data)]}
	switch Kind(m.Bytes) {
	case KindModule:
	case KindComponent:
		d.failAt(d.pos, "expected a core module, found a component")
	case KindEmpty, KindTruncated:
		d.failAt(len(d.data), "unexpected end within the preamble of a core module")
	default:
		d.failAt(d.pos, "expected the preamble of a core module")
	}
	if d.err != nil {
		return nil
	}
	d.pos = len(d.data)
	return m
}

func (d *decoder) start() *Start {
	s := &Start{Func: d.u32("function index")}
	s.Args = vec(&d.reader, "start arguments", func() uint32 { return d.u32("value index") })
	s.Results = d.u32("number of results")
	return s
}

func (d *decoder) valueDef() *ValueDef {
	v := &ValueDef{Type: d.valType()}
	v.Data = d.bytes(d.u32("size of the value"), "the value")
	return v
}
