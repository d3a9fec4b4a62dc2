package inspect

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wasihttp/wasihttp/component"
)

// section encodes a section: id, size, body.
func section(id byte, body []byte) []byte {
	return append(append([]byte{id}, leb(len(body))...), body...)
}

func leb(n int) []byte {
	var out []byte
	for ; n >= 0x80; n >>= 7 {
		out = append(out, byte(n)|0x80)
	}
	return append(out, byte(n))
}

func text(s string) []byte { return append(leb(len(s)), s...) }

func customSection(name string, body []byte) []byte {
	return section(0,
		append(text(name), body...))
}

// producersSection encodes fields given as field, name, version, name, version, ….
func producersSection(fields ...[]string) []byte {
	body := leb(len(fields))
	for _, f := range fields {
		body = append(append(body, text(f[0])...), leb((len(f)-1)/2)...)
		for _, s := range f[1:] {
			body = append(body, text(s)...)
		}
	}
	return customSection("producers", body)
}

// nameSection names a core module.
func nameSection(name string) []byte { return customSection("name", section(0, text(name))) }

func moduleBytes(sections ...[]byte) []byte {
	return join([]byte("\x00asm\x01\x00\x00\x00"), sections...)
}

func componentBytes(sections ...[]byte) []byte {
	return join([]byte("\x00asm\x0d\x00\x01\x00"), sections...)
}

func join(head []byte, parts ...[]byte) []byte {
	for _, p := range parts {
		head = append(head, p...)
	}
	return head
}

func TestProducersAreMerged(t *testing.T) {
	inner := moduleBytes(
		nameSection("app.wasm"),
		producersSection([]string{"language", "Rust", ""},
			[]string{"processed-by", "rustc", "1.96.0", "wit-component", "0.262.0"}),
		producersSection([]string{"sdk", "Emscripten", "4"}, []string{"unheard-of", "x", "y"}),
	)
	helper := moduleBytes(
		nameSection("wit-component:adapter:wasi_snapshot_preview1"),
		producersSection([]string{"language", "C++", ""},
			[]string{"processed-by", "rustc", "1.98.0"}),
	)
	nested := componentBytes(producersSection([]string{"processed-by", "wac", "0.8"}))
	data := componentBytes(
		producersSection([]string{"processed-by", "wit-component", "0.262.0"}),
		section(1, inner), section(1, helper), section(4, nested),
	)
	c, err := component.Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	want := Producers{
		Language:    []Producer{{Name: "Rust"}},
		ProcessedBy: []Producer{{"wit-component", "0.262.0"}, {"rustc", "1.96.0"}, {"wac", "0.8"}},
		SDK:         []Producer{{"Emscripten", "4"}},
	}
	if diff := cmp.Diff(want, ComponentProducers(c)); diff != "" {
		t.Errorf("producers differ (-want +got):\n%s", diff)
	}
}

func TestMalformedProducersGiveWhatCameBefore(t *testing.T) {
	whole := moduleBytes(producersSection([]string{"language", "Go", "go1.26"},
		[]string{"processed-by", "tinygo", "0.40", "x", "y"}))
	want := moduleProducers(whole)
	if len(want.Language) != 1 || len(want.ProcessedBy) != 2 {
		t.Fatalf("producers = %+v", want)
	}
	for n := range len(whole) {
		// The section is cut short, not the module: its size is made to fit.
		if n < 10 {
			continue
		}
		got := moduleProducers(moduleBytes(section(0, whole[10:n])))
		for i, p := range got.ProcessedBy {
			if p != want.ProcessedBy[i] {
				t.Errorf("cut at %d: %+v", n, got)
			}
		}
		moduleProducers(whole[:n])
	}
}

func TestToolchain(t *testing.T) {
	language := func(names ...string) (p Producers) {
		for _, n := range names {
			p.Language = append(p.Language, Producer{Name: n})
		}
		return p
	}
	by := func(p Producers, tools ...string) Producers {
		for _, n := range tools {
			p.ProcessedBy = append(p.ProcessedBy, Producer{Name: n})
		}
		return p
	}
	for _, tt := range []struct {
		want string
		p    Producers
	}{
		{"", Producers{}},
		{"", by(Producers{}, "wit-component")},
		{"Rust", by(Producers{}, "rustc", "wit-bindgen-rust")},
		{"Rust", by(language("Rust"), "rustc")},
		{"JavaScript (StarlingMonkey)", by(language("JavaScript", "C11", "Rust", "C_plus_plus_14"),
			"ComponentizeJS", "clang", "rustc", "wit-bindgen-c")},
		{"JavaScript (QuickJS)", by(language("Rust", "JavaScript"), "componentize-qjs")},
		{"JavaScript (QuickJS)", Producers{Language: language("Rust").Language,
			Runtimes: []string{"componentize_qjs_runtime.wasm"}}},
		{"JavaScript", language("TypeScript")},
		{"Python (CPython)", Producers{Language: language("Rust").Language,
			Runtimes: []string{"libpython3.14.so"}}},
		{"Python (CPython)", by(Producers{}, "componentize-py")},
		{"Go", by(language("Go"), "Go cmd/compile")},
		{"Go (TinyGo)", by(language("Go"), "TinyGo")},
		{"C", by(language("C99", "C11"), "Debian clang", "wit-bindgen-c")},
		{"C++", by(language("C11", "C_plus_plus_17"), "clang")},
		{"C#", by(language("C#"), "clang")},
	} {
		if got := tt.p.Toolchain().String(); got != tt.want {
			t.Errorf("%+v: toolchain %q, want %q", tt.p, got, tt.want)
		}
	}
}

func TestToolchainOfGuests(t *testing.T) {
	for file, want := range map[string]string{
		"rust-hello/rust-hello.wasm": "Rust",
		"c-kitchen/c-kitchen.wasm":   "C",
	} {
		data, err := os.ReadFile(filepath.Join("..", "..", "testdata", "guests",
			filepath.FromSlash(file)))
		if err != nil {
			t.Fatal(err)
		}
		c, err := component.Decode(data)
		if err != nil {
			t.Fatal(err)
		}
		if got := ComponentProducers(c).Toolchain().String(); got != want {
			t.Errorf("%s: toolchain %q, want %q", file, got, want)
		}
	}
}
