package p3

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wasihttp/wasihttp/component"
	"github.com/wasihttp/wasihttp/internal/wasi/wittest"
)

// witDir holds the text of the interfaces that are offered.
const witDir = "../../../testdata/guests/wit/0.3.0/deps"

func TestEveryFunctionHasTheTypeInTheWIT(t *testing.T) {
	want := wittest.Funcs(t, witDir, version, 6, "wasi:cli/run") // an export of the guest
	got := map[string]string{}
	addAll(component.NewLinker(), &host{defined: func(iface, name, wit string) {
		got[iface+" "+name] = wittest.Normal(wit)
	}})
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if len(got) < 120 {
		t.Errorf("only %d functions", len(got))
	}
}
