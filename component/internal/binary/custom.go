package binary

const componentNameSection = "component-name"

// custom reads a custom section. A component-name section that is malformed keeps the names read before the fault.
func (d *decoder) custom(c *Component) {
	s := Custom{Name: d.name("custom section name")}
	if d.err != nil {
		return
	}
	s.Data = d.data[d.pos:len(d.data):len(d.data)]
	d.pos = len(d.data)
	c.Customs = append(c.Customs, s)
	if s.Name == componentNameSection {
		decodeNames(c, s.Data)
	}
}

func decodeNames(c *Component, data []byte) {
	d := &decoder{reader: reader{data: data}}
	for d.err == nil && d.left() > 0 {
		id := d.byte("subsection id")
		body := d.bytes(d.u32("subsection size"), "subsection")
		if d.err != nil {
			return
		}
		sub := &decoder{reader: reader{data: body}}
		switch id {
		case 0:
			if name := sub.name("component name"); sub.err == nil {
				c.Name = name
			}
		case 1:
			sub.sortNames(c)
		}
	}
}

func (d *decoder) sortNames(c *Component) {
	sort := d.sort()
	names := map[uint32]string{}
	for range d.count("names") {
		index := d.u32("index")
		name := d.name("name")
		if d.err != nil {
			break
		}
		names[index] = name
	}
	if len(names) == 0 {
		return
	}
	if c.Names == nil {
		c.Names = &NameMaps{Sorts: map[Sort]map[uint32]string{}}
	}
	c.Names.Sorts[sort] = names
}
