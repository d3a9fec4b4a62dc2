package corewasm

// Names are the contents of the name section that matter for backtraces.
type Names struct {
	Module string
	funcs  map[uint32]string
}

// Func returns the name of a function by its index, imports first; "" if it has none.
func (n *Names) Func(index uint32) string {
	if n == nil {
		return ""
	}
	return n.funcs[index]
}

// Len returns the number of named functions.
func (n *Names) Len() int {
	if n == nil {
		return 0
	}
	return len(n.funcs)
}

// ParseNames reads the content of a name section (Core WebAssembly 2.0 §7.4.1). Custom sections
// never make a module invalid: what cannot be read is left out without an error. The result does
// not alias section.
func ParseNames(section []byte) *Names {
	n := &Names{funcs: map[uint32]string{}}
	r := reader{b: section}
	for r.more() {
		id := r.byte()
		sub := r.sub(r.u32())
		switch id {
		case 0:
			if name := sub.name(); sub.err == nil {
				n.Module = name
			}
		case 1:
			for range sub.count("function names") {
				index := sub.u32()
				name := sub.name()
				if sub.err != nil {
					break
				}
				n.funcs[index] = name
			}
		}
	}
	return n
}

// Names returns the parsed name section of the module, never nil.
func (i *Info) Names() *Names {
	return ParseNames(i.Custom("name"))
}
