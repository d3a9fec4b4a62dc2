package compose

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/wasihttp/wasihttp/component"
)

// part returns a component that imports and exports empty interfaces of those names.
func part(t *testing.T, name string, imports, exports []string) component.Part {
	t.Helper()
	section := func(id byte, body []byte) []byte {
		return append([]byte{id, byte(len(body))}, body...)
	}
	wasm := []byte("\x00asm\x0d\x00\x01\x00")
	wasm = append(wasm, section(7, []byte{1, 0x42, 0})...) // type 0: an empty instance type
	for _, name := range imports {
		body := append([]byte{1, 0, byte(len(name))}, name...)
		wasm = append(wasm, section(10, append(body, 5, 0))...)
	}
	wasm = append(wasm, section(5, []byte{1, 1, 0})...) // an instance of nothing
	for _, name := range exports {
		body := append([]byte{1, 0, byte(len(name))}, name...)
		wasm = append(wasm, section(11, append(body, 5, byte(len(imports)), 0))...)
	}
	c, err := component.Decode(wasm)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return component.Part{Name: name, Component: c}
}

const (
	handler2 = "wasi:http/incoming-handler@0.2.4"
	handler3 = "wasi:http/handler@0.3.0"
)

func TestWhatIsLeftOfImportsAndExports(t *testing.T) {
	app := part(t, "app", []string{"a:b/c@0.1.0", "a:b/other"}, []string{handler2, "a:b/more"})
	service := part(t, "service", nil, []string{handler3})
	type parts = []component.Part
	for name, tt := range map[string]struct {
		main             component.Part
		recipe           Recipe
		imports, exports []string
	}{
		"alone": {app, Recipe{}, []string{"a:b/c@0.1.0", "a:b/other"}, []string{handler2, "a:b/more"}},
		"the same name": {app, Recipe{Plugs: parts{
			part(t, "plug", []string{"p:q/r"}, []string{"a:b/c@0.1.0"}),
		}}, []string{"a:b/other", "p:q/r"}, []string{handler2, "a:b/more"}},
		"a compatible version": {app, Recipe{Plugs: parts{
			part(t, "plug", []string{"p:q/r"}, []string{"a:b/c@0.1.7"}),
		}}, []string{"a:b/other", "p:q/r"}, []string{handler2, "a:b/more"}},
		"the same name before a compatible version": {app, Recipe{Plugs: parts{
			part(t, "newer", []string{"newer:q/r"}, []string{"a:b/c@0.1.7", "a:b/other"}),
			part(t, "same", []string{"same:q/r"}, []string{"a:b/c@0.1.0"}),
		}}, []string{"newer:q/r", "same:q/r"}, []string{handler2, "a:b/more"}},
		"plugs of plugs, in any order": {app, Recipe{Plugs: parts{
			part(t, "far", nil, []string{"p:q/r"}),
			part(t, "near", []string{"p:q/r"}, []string{"a:b/c@0.1.0"}),
		}}, []string{"a:b/other"}, []string{handler2, "a:b/more"}},
		"a plug that stands before the host": {app, Recipe{Plugs: parts{
			part(t, "filter", []string{"a:b/other"}, []string{"a:b/other"}),
		}}, []string{"a:b/c@0.1.0", "a:b/other"}, []string{handler2, "a:b/more"}},
		"two plugs that need each other": {app, Recipe{Plugs: parts{
			part(t, "one", []string{"p:q/two"}, []string{"a:b/other", "p:q/one"}),
			part(t, "two", []string{"p:q/one"}, []string{"p:q/two"}),
		}}, []string{"a:b/c@0.1.0", "p:q/one"}, []string{handler2, "a:b/more"}},
		"middleware": {app, Recipe{Chain: parts{
			part(t, "mw", []string{handler2, "m:w/x"}, []string{"wasi:http/incoming-handler@0.2.12"}),
		}}, []string{"a:b/c@0.1.0", "a:b/other", "m:w/x"},
			[]string{"wasi:http/incoming-handler@0.2.12", "a:b/more"}},
		"two of middleware": {service, Recipe{Chain: parts{
			part(t, "first", []string{"wasi:http/handler@0.3.1", "one:x/y"}, []string{handler3}),
			part(t, "second", []string{handler3, "two:x/y"}, []string{"wasi:http/handler@0.3.1"}),
		}}, []string{"one:x/y", "two:x/y"}, []string{handler3}},
		"middleware with a plug": {service, Recipe{
			Plugs: parts{part(t, "plug", nil, []string{"m:w/x"})},
			Chain: parts{part(t, "mw", []string{handler3, "m:w/x"}, []string{handler3})},
		}, nil, []string{handler3}},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := tt.recipe.With(tt.main)
			if err != nil {
				t.Fatal(err)
			}
			imports := c.ImportNames()
			slices.Sort(imports)
			if !slices.Equal(imports, tt.imports) || !slices.Equal(c.ExportNames(), tt.exports) {
				t.Errorf("imports %q, exports %q; want %q, %q", imports, c.ExportNames(),
					tt.imports, tt.exports)
			}
			for _, name := range slices.Concat(tt.imports, tt.exports) {
				if wit := c.WIT(); !strings.Contains(wit, " "+name+";") {
					t.Errorf("%s is missing in %s", name, wit)
				}
			}
		})
	}
}

func TestWhatDoesNotGoTogetherIsNamed(t *testing.T) {
	app := part(t, "app.wasm", []string{"a:b/c"}, []string{handler2})
	type parts = []component.Part
	for name, tt := range map[string]struct {
		main   component.Part
		recipe Recipe
		part   string
		fault  Fault
		words  []string
	}{
		"a plug for nobody": {app, Recipe{Plugs: parts{part(t, "p.wasm", nil, []string{"x:y/z"})}},
			"p.wasm", UnusedPlug, []string{"x:y/z"}},
		"0.2 before 0.3": {part(t, "app.wasm", nil, []string{handler3}),
			Recipe{Chain: parts{part(t, "mw.wasm", []string{handler2}, []string{handler2})}},
			"mw.wasm", OtherWASI, []string{"0.2", "0.3", "app.wasm", handler2, handler3}},
		"0.3 before 0.2": {app,
			Recipe{Chain: parts{part(t, "mw.wasm", []string{handler3}, []string{handler3})}},
			"mw.wasm", OtherWASI, []string{"0.3", "0.2", "app.wasm", handler2, handler3}},
		"a service in the chain": {app,
			Recipe{Chain: parts{part(t, "mw.wasm", nil, []string{handler2})}},
			"mw.wasm", NotMiddleware, []string{"imports no"}},
		"a client in the chain": {app,
			Recipe{Chain: parts{part(t, "mw.wasm", []string{handler2}, nil)}},
			"mw.wasm", NotMiddleware, []string{"exports no"}},
		"nothing behind the chain": {part(t, "app.wasm", nil, []string{"x:y/z"}),
			Recipe{Chain: parts{part(t, "mw.wasm", []string{handler2}, []string{handler2})}},
			"app.wasm", NoHandler, []string{"mw.wasm"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := tt.recipe.With(tt.main)
			var fault *Error
			if !errors.As(err, &fault) || fault.Part != tt.part || fault.Fault != tt.fault {
				t.Fatalf("got %v", err)
			}
			for _, word := range tt.words {
				if !strings.Contains(fault.Reason, word) {
					t.Errorf("%q is missing in %q", word, fault.Reason)
				}
			}
		})
	}
}
