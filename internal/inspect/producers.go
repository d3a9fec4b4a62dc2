package inspect

import (
	"bytes"
	"slices"
	"strings"

	"github.com/wasihttp/wasihttp/component"
)

// Producer is a language or tool that took part in making a component.
type Producer struct {
	Name    string
	Version string // "" if it is unknown
}

// Producers are the languages and tools that made a component or core module, each list in the
// order of the binary and without repetition. They come from the producers custom sections
// (tool-conventions, ProducersSection.md), which anybody may leave out or get wrong: good for
// hints, not for decisions.
type Producers struct {
	Language    []Producer
	ProcessedBy []Producer
	SDK         []Producer
	// Runtimes names core modules that give an embedded language runtime away, such as
	// libpython3.14.so.
	Runtimes []string
}

// ComponentProducers collects the producers of a component, of its nested components and of their
// core modules. The helper modules that wit-component adds do not count.
func ComponentProducers(c *component.Component) Producers {
	var p Producers
	p.component(c.Binary())
	return p
}

// moduleProducers returns the producers of a core module. What is malformed is left out.
func moduleProducers(module []byte) Producers {
	var p Producers
	p.module(module)
	return p
}

func (p *Producers) component(binary []byte) {
	var inner [][]byte
	for id, body := range sections(binary) {
		switch id {
		case sectionCustom:
			s := walker{body}
			if name, _ := s.name(); name == "producers" {
				p.section(s.b)
			}
		case sectionModule, sectionNested:
			inner = append(inner, body)
		}
	}
	for _, body := range inner {
		if component.KindOf(body) == component.FileComponent {
			p.component(body)
		} else {
			p.module(body)
		}
	}
}

func (p *Producers) module(b []byte) {
	name, producers := moduleCustoms(b)
	if strings.HasPrefix(name, "wit-component:") {
		return
	}
	if strings.HasPrefix(name, "libpython") || strings.HasPrefix(name, "componentize_py") {
		p.Runtimes = append(p.Runtimes, name)
	} else {
		p.libraries(b)
	}
	for _, s := range producers {
		p.section(s)
	}
}

// libraries looks for runtimes among the libraries that a module holds addresses for: it is what is
// left to tell them if the names of modules were stripped.
func (p *Producers) libraries(module []byte) {
	const moduleExports = 7 // the section's id
	for id, body := range sections(module) {
		for _, name := range []string{"componentize_py_runtime", quickJSRuntime} {
			if id == moduleExports && bytes.Contains(body, []byte(name+".wasm:")) {
				p.Runtimes = append(p.Runtimes, name+".wasm")
			}
		}
	}
}

// quickJSRuntime is the library of componentize-qjs.
const quickJSRuntime = "componentize_qjs_runtime"

// section reads the body of a producers section: fields with a list of names and versions each.
func (p *Producers) section(b []byte) {
	r := walker{b}
	fields, ok := r.u32()
	for ; ok && fields > 0; fields-- {
		var field string
		var n uint32
		if field, ok = r.name(); !ok {
			return
		}
		if n, ok = r.u32(); !ok {
			return
		}
		var into *[]Producer
		switch field {
		case "language":
			into = &p.Language
		case "processed-by":
			into = &p.ProcessedBy
		case "sdk":
			into = &p.SDK
		}
		for ; n > 0; n-- {
			name, ok1 := r.name()
			version, ok2 := r.name()
			if !ok1 || !ok2 {
				return
			}
			e := Producer{Name: name, Version: version}
			if into != nil && !slices.Contains(*into, e) {
				*into = append(*into, e)
			}
		}
	}
}

// moduleCustoms finds a core module's name (name section, subsection 0) and the bodies of its
// producers sections.
func moduleCustoms(module []byte) (name string, producers [][]byte) {
	for id, body := range sections(module) {
		if id != sectionCustom {
			continue
		}
		s := walker{body}
		switch section, _ := s.name(); section {
		case "producers":
			producers = append(producers, s.b)
		case "name":
			if len(s.b) > 0 && s.b[0] == nameSubsection {
				s.b = s.b[1:]
				if sub, ok := s.bytes(); ok {
					inner := walker{sub}
					name, _ = inner.name()
				}
			}
		}
	}
	return name, producers
}
