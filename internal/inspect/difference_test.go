package inspect

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"github.com/wasihttp/wasihttp/component"
)

func TestWhatDistinguishesTwoBuilds(t *testing.T) {
	guest := func(elements ...string) []byte {
		data, err := os.ReadFile(filepath.Join(append([]string{"..", "..", "testdata", "guests"},
			elements...)...))
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	hello, other := guest("rust-hello", "rust-hello.wasm"),
		guest("rust-kitchen", "rust-kitchen.wasm")
	data := bytes.Replace(hello, []byte("Hello, world!"), []byte("Hallo, Welt!!"), 1)
	// local.get 0; i32.load with another alignment hint.
	code := bytes.Replace(hello, []byte{0x20, 0x00, 0x28, 0x02, 0x00},
		[]byte{0x20, 0x00, 0x28, 0x01, 0x00}, 1)
	both := bytes.Replace(code, []byte("Hello, world!"), []byte("Hallo, Welt!!"), 1)
	for name, tt := range map[string]struct {
		before, now []byte
		code, data  bool
	}{
		"nothing":              {hello, hello, false, false},
		"data":                 {hello, data, false, true},
		"code":                 {hello, code, true, false},
		"both":                 {hello, both, true, true},
		"another program":      {hello, other, true, true},
		"another program back": {other, hello, true, true},
		"modules added": {guest("rust-hello", "rust-hello.wasm"),
			guest("rust-hello", "rust-hello-std.wasm"), true, true},
	} {
		t.Run(name, func(t *testing.T) {
			var builds [2]*component.Component
			for i, binary := range [][]byte{tt.before, tt.now} {
				c, err := component.Decode(binary)
				if err != nil {
					t.Fatal(err)
				}
				builds[i] = c
			}
			d := Compare(builds[0], builds[1])
			if d.Code != tt.code || d.Data != tt.data {
				t.Errorf("code %v, data %v", d.Code, d.Data)
			}
			if same := slices.Equal(builds[0].ImportNames(),
				builds[1].ImportNames()); same != (len(d.ImportsAdded)+len(d.ImportsRemoved) == 0) {
				t.Errorf("imports +%q -%q", d.ImportsAdded, d.ImportsRemoved)
			}
			if same := slices.Equal(builds[0].ExportNames(),
				builds[1].ExportNames()); same != (len(d.ExportsAdded)+len(d.ExportsRemoved) == 0) {
				t.Errorf("exports +%q -%q", d.ExportsAdded, d.ExportsRemoved)
			}
		})
	}
}

func TestADifferenceIsSummarizedOnAShortLine(t *testing.T) {
	thirty := make([]string, 30)
	for i := range thirty {
		thirty[i] = "example:package/interface-" + strconv.Itoa(i) + "@1.2.3"
	}
	for want, d := range map[string]Difference{
		"neither code nor data changed": {},
		"code and data changed, 3 imports added, 30 removed": {
			Code: true, Data: true, ImportsAdded: thirty[:3], ImportsRemoved: thirty,
		},
		"code changed, 30 imports removed, 1 export added (run)": {
			Code: true, ImportsRemoved: thirty, ExportsAdded: []string{"run"},
		},
		"data changed, 1 import added (a:b/c), 1 removed (a:b/d)": {
			Data: true, ImportsAdded: []string{"a:b/c"}, ImportsRemoved: []string{"a:b/d"},
		},
		"code changed, 2 exports removed": {Code: true, ExportsRemoved: thirty[:2]},
	} {
		if got := d.Summary(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
		named := len(d.ImportsAdded) + len(d.ImportsRemoved) + len(d.ExportsAdded) + len(d.ExportsRemoved)
		if list := d.List(); len(list) != named+1 {
			t.Errorf("%d entries for %d names: %q", len(list), named, list)
		}
	}
}
