package component

import (
	"encoding/binary"
	"slices"
	"strings"

	ast "github.com/wasihttp/wasihttp/component/internal/binary"
)

// Producer is a language or tool that took part in making a component.
type Producer struct {
	Name    string
	Version string // "" if it is not told
}

// Producers are the languages and tools that made a component or core module, each list in the order of the binary and without
// repetition. They come from the producers custom sections (tool-conventions, ProducersSection.md), which anybody may leave out or get wrong:
// good for hints, not for decisions.
type Producers struct {
	Language    []Producer
	ProcessedBy []Producer
	SDK         []Producer
	// Runtimes names core modules that give an embedded language runtime away, such as libpython3.14.so.
	Runtimes []string
}

// Producers collects the producers of the component, of its nested components and of their core modules. The helper modules that
// wit-component adds do not count.
func (c *Component) Producers() Producers {
	var p Producers
	p.component(c.ast)
	return p
}

// ModuleProducers returns the producers of a core module. What is malformed is left out.
func ModuleProducers(module []byte) Producers {
	var p Producers
	p.module(module)
	return p
}

func (p *Producers) component(c *ast.Component) {
	for _, s := range c.Customs {
		if s.Name == "producers" {
			p.section(s.Data)
		}
	}
	for _, d := range c.Defs {
		switch d := d.(type) {
		case *ast.CoreModule:
			p.module(d.Bytes)
		case *ast.Component:
			p.component(d)
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
	}
	for _, s := range producers {
		p.section(s)
	}
}

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

// moduleCustoms finds a core module's name (name section, subsection 0) and the bodies of its producers sections.
func moduleCustoms(b []byte) (name string, producers [][]byte) {
	if len(b) < 8 {
		return "", nil
	}
	r := walker{b[8:]}
	for len(r.b) > 0 {
		id := r.b[0]
		r.b = r.b[1:]
		body, ok := r.bytes()
		if !ok {
			return name, producers
		}
		if id != 0 {
			continue
		}
		s := walker{body}
		switch section, _ := s.name(); section {
		case "producers":
			producers = append(producers, s.b)
		case "name":
			if len(s.b) > 0 && s.b[0] == 0 {
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

// walker reads what custom sections are made of, giving up quietly at the first fault.
type walker struct{ b []byte }

func (r *walker) u32() (uint32, bool) {
	v, n := binary.Uvarint(r.b)
	if n <= 0 || v > 1<<32-1 {
		return 0, false
	}
	r.b = r.b[n:]
	return uint32(v), true
}

func (r *walker) bytes() ([]byte, bool) {
	n, ok := r.u32()
	if !ok || uint64(n) > uint64(len(r.b)) {
		return nil, false
	}
	out := r.b[:n]
	r.b = r.b[n:]
	return out, true
}

func (r *walker) name() (string, bool) {
	b, ok := r.bytes()
	return string(b), ok
}

// Toolchain is what a component was most likely written in.
type Toolchain struct {
	Language string // "Rust", "JavaScript", …; "" if nothing tells
	Runtime  string // of an interpreted language or a compiler with its own: "StarlingMonkey", "QuickJS", "CPython", "TinyGo"; else ""
}

// String gives both, such as "JavaScript (StarlingMonkey)".
func (t Toolchain) String() string {
	if t.Runtime == "" {
		return t.Language
	}
	return t.Language + " (" + t.Runtime + ")"
}

// Toolchain guesses. An interpreter's own language is passed over in favour of what it interprets.
func (p Producers) Toolchain() Toolchain {
	tools := func(words ...string) bool {
		return slices.ContainsFunc(slices.Concat(p.ProcessedBy, p.SDK), func(t Producer) bool {
			return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(strings.ToLower(t.Name), w) })
		})
	}
	language := func(names ...string) bool {
		return slices.ContainsFunc(p.Language, func(l Producer) bool {
			return slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(l.Name, n) })
		})
	}
	starts := func(prefix string) bool {
		return slices.ContainsFunc(p.Language, func(l Producer) bool { return strings.HasPrefix(l.Name, prefix) })
	}
	switch {
	case len(p.Runtimes) > 0 || tools("componentize-py") || language("Python"):
		return Toolchain{"Python", "CPython"}
	case tools("componentize-qjs", "quickjs"):
		return Toolchain{"JavaScript", "QuickJS"}
	case tools("componentizejs", "componentize-js", "starlingmonkey"):
		return Toolchain{"JavaScript", "StarlingMonkey"}
	case language("JavaScript", "TypeScript"):
		return Toolchain{Language: "JavaScript"}
	case tools("tinygo"):
		return Toolchain{"Go", "TinyGo"}
	case language("Go") || tools("go cmd/compile", "wit-bindgen-go", "componentize-go"):
		return Toolchain{Language: "Go"}
	case language("C#") || tools("componentize-dotnet", "wit-bindgen-csharp"):
		return Toolchain{Language: "C#"}
	case tools("moonbit") || language("MoonBit"):
		return Toolchain{Language: "MoonBit"}
	case language("Swift"):
		return Toolchain{Language: "Swift"}
	case language("Zig"):
		return Toolchain{Language: "Zig"}
	case tools("wit-bindgen-rust", "cargo-component", "cargo"):
		return Toolchain{Language: "Rust"}
	case starts("C_plus_plus") || language("C++"):
		return Toolchain{Language: "C++"}
	case starts("C") && tools("clang", "wit-bindgen-c"):
		return Toolchain{Language: "C"}
	case language("Rust") || tools("rustc"):
		return Toolchain{Language: "Rust"}
	case tools("wit-bindgen-c", "clang"):
		return Toolchain{Language: "C"}
	}
	return Toolchain{}
}
