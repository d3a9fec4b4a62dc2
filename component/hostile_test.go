package component_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/wasihttp/wasihttp/component"
	bin "github.com/wasihttp/wasihttp/component/internal/binary/binarytest"
	"github.com/wasihttp/wasihttp/internal/engine"
)

// Each of these is some 100 KB whose linking would take gigabytes, or minutes, because what is
// defined once is instantiated often.
func TestHostileComponentsAreNotLinked(t *testing.T) {
	e, err := engine.New(engine.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	repeat := func(n int, item func(i int) []byte) (out [][]byte) {
		for i := range n {
			out = append(out, item(i))
		}
		return out
	}
	same := func(n int, item ...byte) [][]byte {
		return repeat(n,
			func(int) []byte { return item })
	}
	// often is a component that instantiates a nested one 4,000 times.
	often := func(sections ...[]byte) []byte {
		return bin.Component(bin.Nested(sections...),
			bin.Defs(bin.InstanceSection, same(4000, 0, 0, 0)...))
	}
	newSets := bin.Defs(bin.CanonSection, same(10, 0x1f)...)
	exports := bin.Cat([]byte{1}, bin.Vec(repeat(100,
		func(i int) []byte { return bin.Cat(bin.Name(fmt.Sprint("e", i)), []byte{0, 1}) })...))
	const large, canons = "more than 500000 definitions", "more than 20000 canonical functions"
	for name, tt := range map[string]struct {
		code []byte
		want string
	}{
		"wide types": {often(bin.Defs(bin.TypeSection,
			bin.Cat([]byte{0x72}, bin.Vec(repeat(5000, func(i int) []byte {
				return bin.Field(fmt.Sprint("f", i), 0x7d)
			})...)))), large},
		"resources": {often(bin.Defs(bin.TypeSection, same(2000, 0x3f, 0x7f, 0)...)), large},
		"modules": {often(same(300, bin.Section(bin.CoreModuleSection, bin.Module())...)...),
			large},
		"core instances": {often(bin.Defs(bin.CanonSection, same(2, 0x1f)...),
			bin.Defs(bin.CoreInstanceSection, same(100, exports...)...)), large},
		"built-ins": {often(newSets), canons},
		"core code": {often(
			newSets,
			bin.Defs(bin.CoreInstanceSection,
				bin.Cat([]byte{1}, bin.Vec(bin.Cat(bin.Name("f"), []byte{0, 0})))),
			bin.Section(bin.CoreModuleSection, bin.Module(
				bin.Custom("ballast", make([]byte, 1<<20)),
				bin.Section(1, []byte{1, 0x60, 0, 1, 0x7f}),
				bin.Section(2, []byte{1, 0, 1, 'f', 0, 0}),
			)),
			bin.Defs(bin.CoreInstanceSection,
				bin.Cat([]byte{0, 0}, bin.Vec(bin.Cat(bin.Name(""), []byte{0x12, 0})))),
		), "more than 256 MiB of core code"},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := component.Decode(tt.code)
			if err != nil {
				t.Fatal(err)
			}
			_, err = c.Link(t.Context(), e, component.NewLinker(), component.LinkOptions{})
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want: %s", err, tt.want)
			}
		})
	}
}
