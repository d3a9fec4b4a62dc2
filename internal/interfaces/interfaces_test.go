package interfaces

import (
	"bytes"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
)

func TestTheTextIsWholeAndHasItsLicense(t *testing.T) {
	files, ok := Provided("")
	if !ok {
		t.Fatal("nothing")
	}
	seen := map[string]bool{}
	for _, f := range files {
		if seen[f.Path] || len(f.Data) == 0 {
			t.Errorf("%s: twice, or empty", f.Path)
		}
		seen[f.Path] = true
	}
	for _, name := range []string{
		"world.wit", "deps/LICENSE", "deps/http-0.2.12.wit", "deps/http-0.3.2.wit", "deps/keyvalue.wit",
	} {
		if !seen[name] {
			t.Errorf("there is no %s", name)
		}
	}
}

func TestAVersionIsItsOwn(t *testing.T) {
	for version, want := range map[string]string{
		"0.2": P2, "0.3": P3, "0.2.1": "0.2.1", "0.2.10": "0.2.10", P2: P2, "0.3.0": "0.3.0",
		"0.2.0": "", "0.2.13": "", "0.3.3": "", "0.4": "", "0.2.": "", "0.2.-1": "", "0.2.01": "", "0.2.1x": "", "drafts": "",
	} {
		files, ok := Provided(version)
		if ok != (want != "") {
			t.Errorf("%q: %v", version, ok)
		}
		for _, f := range files {
			if other := strings.Contains(string(f.Data), P2) && want != P2 ||
				strings.Contains(string(f.Data), P3) && want != P3; other {
				t.Errorf("%q: %s has another version", version, f.Path)
			}
		}
	}
	older, _ := Provided("0.2.10")
	for _, f := range older {
		if bytes.Contains(f.Data, []byte("exit-with-code")) {
			t.Errorf("%s has a function that came later", f.Path)
		}
	}
}

// TestGuestsAreBuiltFromTheSameText compares it with what the guests of this repository are built
// from.
func TestGuestsAreBuiltFromTheSameText(t *testing.T) {
	for _, f := range packages(P2, P2) {
		name := strings.TrimSuffix(path.Base(f.Path), "-"+P2+".wit") + ".wit"
		text, err := os.ReadFile(filepath.Join("..", "..", "testdata", "guests", "wit", P2, "deps", name))
		if err != nil || !bytes.Equal(text, f.Data) {
			t.Errorf("%s differs (%v)", name, err)
		}
	}
}
