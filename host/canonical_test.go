package host

import (
	"bytes"
	"encoding/binary"
	"regexp"
	"testing"
)

// canonicalNames returns the component with the names of its imports and exports in their canonical
// form (Explainer.md, "Import and Export Definitions"): the version is that of the compatibility
// track, and what it lacks is an attribute.
func canonicalNames(t *testing.T, wasm []byte) []byte {
	t.Helper()
	full := regexp.MustCompile(`(?s)\x00.(wasi:[a-z]+/[a-z-]+@0\.[0-9]+)(\.[0-9]+)`)
	out := bytes.Clone(wasm[:8])
	found := false
	for rest := wasm[8:]; len(rest) > 0; {
		id := rest[0]
		size, n := binary.Uvarint(rest[1:])
		body := rest[1+n : 1+n+int(size)]
		rest = rest[1+n+int(size):]
		if id == 10 || id == 11 { // imports, exports
			body = full.ReplaceAllFunc(body, func(name []byte) []byte {
				found = true
				m := full.FindSubmatch(name)
				long := append([]byte{2, byte(len(m[1]))}, m[1]...)
				return append(append(long, 1, 1, byte(len(m[2]))), m[2]...)
			})
		}
		out = append(binary.AppendUvarint(append(out, id), uint64(len(body))), body...)
	}
	if !found {
		t.Fatal("no name is in the other form")
	}
	return out
}

func TestInterfacesWithCanonicalNamesLinkAsTheFullOnesDo(t *testing.T) {
	for _, tt := range []struct {
		app, middleware string
		deny            int // the status with x-deny
	}{
		{"rust-hello", "rust-guard", 403}, {"rust-hello-p3", "rust-middleware-p3", 200},
	} {
		app := canonicalNames(t, guestBytes(t, tt.app, tt.app+".wasm"))
		middleware := canonicalNames(t, guestPart(t, tt.middleware).Wasm)
		for name, chain := range map[string][]Part{
			"alone": nil, "canonical middleware": {{"mw.wasm", middleware}},
			"middleware with full names": {guestPart(t, tt.middleware)},
		} {
			t.Run(tt.app+" "+name, func(t *testing.T) {
				h, err := New(t.Context(), app, Config{Engine: engineOfAll, Chain: chain})
				if err != nil {
					t.Fatal(err)
				}
				defer func() {
					if err := h.Close(t.Context()); err != nil {
						t.Error(err)
					}
				}()
				if code, _, body := get(t, h, "/", ""); code != 200 || body != "Hello, world!" {
					t.Errorf("got %d, %q", code, body)
				}
				if code, _, _ := get(t, h, "/", "X-Deny"); chain != nil && code != tt.deny {
					t.Errorf("through middleware: got %d", code)
				}
			})
		}
	}
}
