package component

import (
	"fmt"
	"testing"

	ct "github.com/wasihttp/wasihttp/internal/corewasm/coretest"
	"github.com/wasihttp/wasihttp/internal/engine"
)

// TestKnownGlobalsAreFoundOnce asks for the globals of modules whose code has changed although what
// identifies them says otherwise: what was found before is returned without a look at the code. It
// is not if the modules are linked in another way.
func TestKnownGlobalsAreFoundOnce(t *testing.T) {
	dir := t.TempDir()
	bed := func(value, instances int, name string) *globalBed {
		b := &globalBed{}
		b.add(&globalModule{own: []ct.Global{
			{Type: ct.I32, Mutable: true, Init: ct.Const(1)}, {Type: ct.I32, Mutable: true, Init: ct.Const(2)},
		}})
		shared := globalImport{slot: 0, name: name, mut: true}
		b.add(&globalModule{imports: []globalImport{shared},
			start: ct.Code(ct.Const(value), ct.GlobalSet, 0)})
		for range instances - 1 {
			b.again(1)
		}
		return b
	}
	known := func(b *globalBed, identities string) string {
		e, err := engine.New(engine.Config{CacheDir: dir})
		if err != nil {
			t.Fatal(err)
		}
		numbers := map[*byte]int{}
		for i, src := range b.plan.sources {
			numbers[&src.module.bytes[0]] = i
		}
		b.plan.recallGlobals(e, func(module []byte) func() []byte {
			return func() []byte { return fmt.Append(nil, identities, numbers[&module[0]]) }
		})
		if err := e.Close(); err != nil {
			t.Error(err)
		}
		return b.known(1)
	}
	if got := known(bed(10, 1, "g0"), "first"); got != "0=10" {
		t.Fatalf("known are %q", got)
	}
	if got := known(bed(7, 1, "g0"), "first"); got != "0=10" {
		t.Errorf("the code was looked at: known are %q", got)
	}
	if got := known(bed(7, 1, "g0"), "other"); got != "0=7" {
		t.Errorf("other modules: known are %q", got)
	}
	if got := known(bed(8, 1, "g1"), "first"); got != "0=8" {
		t.Errorf("another import: known are %q", got)
	}
	if got := known(bed(8, 2, "g0"), "first"); got == "0=10" {
		t.Errorf("another instance: known are %q", got)
	}
}
