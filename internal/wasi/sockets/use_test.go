package sockets

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wasihttp/wasihttp/internal/wasi"
)

// The embedder learns what is allowed and what is refused.
func TestTheEmbedderHearsOfEachUse(t *testing.T) {
	_, at := listener(t)
	var got []wasi.Use
	st := wasi.NewState(&wasi.Config{
		Network: &wasi.Network{Rules: []wasi.NetworkRule{rule("127.0.0.1/32", at.Port()), {Name: "invalid"}}},
		Used:    func(u wasi.Use) { got = append(got, u) },
	})
	t.Cleanup(st.Close)
	h := Of(st)
	ok(t, must[*TCP](t)(h.NewTCP(false)).Connect(at))
	wants(t, "another", must[*TCP](t)(h.NewTCP(false)).Connect(addr("127.0.0.2:1")), AccessDenied)
	_, err := h.Lookup("Invalid")
	wants(t, "a name that is allowed", err, NameUnresolvable)
	_, err = h.Lookup("db.example")
	wants(t, "a name that is not", err, AccessDenied)
	want := []wasi.Use{
		{Kind: wasi.UseNetwork, Name: at.String()},
		{Kind: wasi.UseNetwork, Name: "127.0.0.2:1", Refused: true},
		{Kind: wasi.UseNetwork, Name: "invalid"},
		{Kind: wasi.UseNetwork, Name: "db.example", Refused: true},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
