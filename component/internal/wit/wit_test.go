package wit

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wasihttp/wasihttp/component/internal/binary"
	"github.com/wasihttp/wasihttp/component/internal/validate"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func decode(t *testing.T, path string) *binary.Component {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	c, err := binary.Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := validate.Analyze(c, validate.DefaultFeatures); err != nil {
		t.Fatal(err)
	}
	return c
}

// TestText compares with golden files. shapes has everything that WIT can say (shapes.world.wit is
// what it was made from: wasm-tools component embed --dummy, then component new), keywords the
// words of the language as names, nameless what other tools may do; the guests are what real tools
// do.
func TestText(t *testing.T) {
	guests := filepath.Join("..", "..", "..", "testdata", "guests")
	for golden, file := range map[string]string{
		"shapes.wit":        filepath.Join("testdata", "shapes.wasm"),
		"nameless.wit":      filepath.Join("testdata", "nameless.wasm"),
		"keywords.wit":      filepath.Join("testdata", "keywords.wasm"),
		"rust-hello.wit":    filepath.Join(guests, "rust-hello", "rust-hello.wasm"),
		"rust-hello-p3.wit": filepath.Join(guests, "rust-hello-p3", "rust-hello-p3.wasm"),
	} {
		t.Run(golden, func(t *testing.T) {
			got := Text(decode(t, file))
			path := filepath.Join("testdata", golden)
			if *update {
				if err := os.WriteFile(path, []byte(got), 0o666); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("WIT differs (-want +got):\n%s", diff)
			}
			if again := Text(decode(t, file)); again != got {
				t.Errorf("a second time the text is another one:\n%s", cmp.Diff(got, again))
			}
		})
	}
}

func TestTextOfAnEmptyComponent(t *testing.T) {
	if diff := cmp.Diff("package root:component;\n\nworld root {\n}\n",
		Text(&binary.Component{})); diff != "" {
		t.Error(diff)
	}
}

const truncatedNote = "// The component is too large to be described in full.\n"

// TestComponentsThatMultiply nests components of which each instantiates the one inside twice.
func TestComponentsThatMultiply(t *testing.T) {
	inner := &binary.Component{}
	for range 40 {
		inner = &binary.Component{Defs: []binary.Def{inner, &binary.Instance{}, &binary.Instance{}}}
	}
	inner.Defs = append([]binary.Def{
		&binary.Type{Func: &binary.FuncType{}},
		&binary.Import{Name: binary.ExternName{Name: "f"},
			Type: binary.ExternType{Sort: binary.SortFunc}},
	}, inner.Defs...)
	got := Text(inner)
	if !strings.Contains(got, "import f: func();") || !strings.HasSuffix(got, truncatedNote) {
		t.Errorf("text = %q", got)
	}
}

// TestTypesThatMultiply builds tuples of which each holds the one before twice, none with a name.
func TestTypesThatMultiply(t *testing.T) {
	c := &binary.Component{Defs: []binary.Def{
		&binary.Type{Value: &binary.DefValType{Op: binary.OpTuple,
			Types: []binary.ValType{{Prim: binary.OpU8}}}},
	}}
	const levels = 40
	for i := range uint32(levels) {
		c.Defs = append(c.Defs, &binary.Type{Value: &binary.DefValType{Op: binary.OpTuple,
			Types: []binary.ValType{{Index: i}, {Index: i}}}})
	}
	c.Defs = append(c.Defs,
		&binary.Type{Func: &binary.FuncType{Params: []binary.Field{{Label: "a",
			Type: binary.ValType{Index: levels}}}}},
		&binary.Import{Name: binary.ExternName{Name: "f"},
			Type: binary.ExternType{Sort: binary.SortFunc, Index: levels + 1}},
	)
	got := Text(c)
	if !strings.HasSuffix(got, truncatedNote) {
		t.Errorf("text ends with %q", got[max(0, len(got)-100):])
	}
	if len(got) > 64<<20 {
		t.Errorf("text has %d bytes", len(got))
	}
}

func TestIdent(t *testing.T) {
	for name, want := range map[string]string{"stream": "%stream", "streams": "streams",
		"func": "%func", "TLS": "TLS"} {
		if got := ident(name); got != want {
			t.Errorf("ident(%q) = %q, want %q", name, got, want)
		}
	}
}
