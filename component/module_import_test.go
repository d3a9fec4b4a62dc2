package component

import (
	"errors"
	"strings"
	"testing"
)

// doubler imports "env" "add" and exports "double", which adds its parameter to itself.
const doubler = "\x00asm\x01\x00\x00\x00" +
	"\x01\x0c\x02\x60\x02\x7f\x7f\x01\x7f\x60\x01\x7f\x01\x7f" +
	"\x02\x0b\x01\x03env\x03add\x00\x00" +
	"\x03\x02\x01\x01" + "\x07\x0a\x01\x06double\x00\x01" +
	"\x0a\x0a\x01\x08\x00\x20\x00\x20\x00\x10\x00\x0b"

func TestCoreModulesAreImported(t *testing.T) {
	c, e := decodeFile(t, "modules.wasm"), newEngine(t)
	link := func(module string) (*Linked, error) {
		l := NewLinker()
		l.Instance("test:host/code@1.0.0").Module("doubler", []byte(module))
		return c.Link(t.Context(), e, l, LinkOptions{})
	}
	t.Run("one that fits", func(t *testing.T) {
		linked, err := link(doubler)
		if err != nil {
			t.Fatal(err)
		}
		s := linked.NewStore(t.Context(), nil, Limits{})
		defer func() {
			if err := errors.Join(s.Close(), linked.Close(t.Context())); err != nil {
				t.Error(err)
			}
		}()
		i, err := linked.Instantiate(t.Context(), s)
		if err != nil {
			t.Fatal(err)
		}
		if got := must(t, i, "double", U32(21)).U32(); got != 42 {
			t.Errorf("double 21 is %d", got)
		}
	})
	for name, tt := range map[string]struct{ module, want string }{
		"another import": {strings.Replace(doubler, "env", "out", 1),
			`core module doubler: missing expected import "out:add"`},
		"another export": {strings.Replace(doubler, "double", "triple", 1),
			`core module doubler: missing expected export "double"`},
		"another type": {strings.Replace(doubler, "\x02\x01\x01\x07", "\x02\x01\x00\x07", 1),
			`core module doubler: type mismatch in export "double"`},
		"no core module":   {"\x00asm", "core module doubler"},
		"nothing but this": {"", "core module doubler"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := link(tt.module)
			var missing *LinkError
			if !errors.As(err, &missing) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want a problem that says %q", err, tt.want)
			}
		})
	}
	t.Run("none at all", func(t *testing.T) {
		_, err := c.Link(t.Context(), e, NewLinker(), LinkOptions{})
		if want := "import test:host/code@1.0.0: unknown interface"; err == nil ||
			err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	})
}
