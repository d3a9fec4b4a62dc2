package capabilities

import (
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wasihttp/wasihttp/host"
	"github.com/wasihttp/wasihttp/wasi"
)

func TestTheFlagsGiveWhatWasUsed(t *testing.T) {
	var c Collector
	for range 2 {
		for _, u := range []wasi.Use{
			{Kind: wasi.UseInterface, Name: "wasi:cli/stdout@0.2.0"},
			{Kind: wasi.UseEnvironment, Name: "A"},
			{Kind: wasi.UseOutbound, Name: "b.example:443"},
			{Kind: wasi.UseOutbound, Name: "a.example:80", Refused: true},
			{Kind: wasi.UseNetwork, Name: "db.example"},
			{Kind: wasi.UseNetwork, Name: "[::1]:5432"},
			{Kind: wasi.UseNetwork, Name: "127.0.0.1:0"},
			{Kind: wasi.UseNetwork, Name: "*", Refused: true},
			{Kind: wasi.UseNetwork, Name: "10.0.0.1:22", Refused: true},
			{Kind: wasi.UsePath, Name: "/data"},
			{Kind: wasi.UsePath, Name: "/data/in/x"},
			{Kind: wasi.UsePath, Name: "/data/in/x", Write: true},
			{Kind: wasi.UsePath, Name: "/database"},
			{Kind: wasi.UsePath, Name: "/ro/y", Write: true, Refused: true},
			{Kind: wasi.UsePath, Name: "here.txt"},
			{Kind: wasi.UseConfig, Name: "key"},
			{Kind: wasi.UseConfig, Name: "absent", Refused: true},
			{Kind: wasi.UseKeyValue, Name: "b"},
			{Kind: wasi.UseKeyValue, Name: "b", Write: true},
		} {
			c.Add(u)
		}
	}
	got := c.Report(Given{KeyValue: "data.db", Dirs: []host.Dir{
		{Host: "d", Guest: "/data"}, {Host: "i", Guest: "/data/in/"},
		{Host: "r", Guest: "/ro", ReadOnly: true},
		{Host: "u", Guest: "/unused"}, {Host: ".", Guest: "."},
	}})
	want := &Report{
		Interfaces: []string{"wasi:cli/stdout@0.2.0"}, Environment: []string{"A"},
		Outbound: []Item{{Name: "a.example:80", Refused: true}, {Name: "b.example:443"}},
		Network: []Item{
			{Name: "*", Refused: true}, {Name: "10.0.0.1:22", Refused: true}, {Name: "127.0.0.1:0"},
			{Name: "[::1]:5432"}, {Name: "db.example"},
		},
		Paths: []Item{
			{Name: "/data"}, {Name: "/data/in/x", Write: true}, {Name: "/database"},
			{Name: "/ro/y", Write: true, Refused: true}, {Name: "here.txt"},
		},
		Config:   []Item{{Name: "absent", Refused: true}, {Name: "key"}},
		KeyValue: []Item{{Name: "b", Write: true}},
		Flags: []string{
			"--env=A", "--config-var=key", "--keyvalue=data.db", "--dir=d::/data:ro", "--dir=i::/data/in/", "--dir=r::/ro:ro", "--dir=.::.:ro",
			"--allow-outbound=b.example:443", "--allow-net=127.0.0.1", "--allow-net=[::1]:5432",
			"--allow-net=db.example",
		},
		Refused: []string{"--dir=r::/ro", "--allow-outbound=a.example:80", "--allow-net=10.0.0.1:22"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestAGuestThatInventsNamesIsBounded(t *testing.T) {
	var c Collector
	for i := range maxUses + 1 {
		c.Add(wasi.Use{Kind: wasi.UsePath, Name: strconv.Itoa(i)})
	}
	if r := c.Report(Given{}); len(r.Paths) != maxUses || !r.Truncated {
		t.Errorf("%d paths, truncated %v", len(r.Paths), r.Truncated)
	}
}
