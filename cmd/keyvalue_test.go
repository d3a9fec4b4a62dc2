package cmd

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wasihttp/wasihttp/cmd/internal/exit"
	"github.com/wasihttp/wasihttp/internal/kvfile"
)

const keyvalueFile = "rust-keyvalue/rust-keyvalue.wasm"

func TestEachFunctionOfKeyValue(t *testing.T) {
	t.Chdir(t.TempDir())
	putGuest(t, "app.wasm", keyvalueFile, "", "")
	for name, args := range map[string][]string{
		"memory": nil, "file": {"--keyvalue", "data.db"},
	} {
		t.Run(name, func(t *testing.T) {
			s := startReal(t, append([]string{"app.wasm"}, args...)...)
			for _, tt := range [][2]string{
				{"/get/a/x", "none"}, {"/exists/a/x", "false"}, {"/delete/a/x", "ok"},
				{"/set/a/x/1", "ok"}, {"/get/a/x", "1"}, {"/exists/a/x", "true"},
				{"/get/b/x", "none"}, {"/get//x", "none"}, {"/set/a//empty", "ok"}, {"/get/a/", "empty"},
				{"/set/a/none/", "ok"}, {"/get/a/none", ""}, {"/list/a", `3 ,none,x None`},
				{"/get-many/a/x/nothing", "x=1,none"}, {"/delete-many/a/x/nothing", "ok"},
				{"/exists/a/x", "false"},
				{"/increment/n/i/5", "5"}, {"/increment/n/i/37", "42"}, {"/get/n/i", "42"},
				{"/increment/n/i/18446744073709551615",
					`error: Error::Other("the sum is larger than a u64")`},
				{"/set/n/i/text", "ok"},
				{"/increment/n/i/1", `error: Error::Other("the value is not a decimal number")`},
				{"/fill/f/1001", "ok"}, {"/list/f/1000", "1 01000 None"},
			} {
				if body, _, _ := s.ask(t, tt[0]); body != tt[1] {
					t.Errorf("%s: got %q, want %q", tt[0], body, tt[1])
				}
			}
			if body, _, _ := s.ask(t, "/list/f"); !strings.HasPrefix(body, "1000 00000,00001,") ||
				!strings.HasSuffix(body, " Some(1000)") {
				t.Errorf("the first keys: %.40q", body)
			}
		})
	}
	// What was reported as done is in the file.
	s := startReal(t, "app.wasm", "--keyvalue", "data.db")
	if body, _, _ := s.ask(t, "/get/a/"); body != "empty" {
		t.Errorf("after a restart: got %q", body)
	}
}

func TestDataOutlivesANewBuild(t *testing.T) {
	t.Chdir(t.TempDir())
	putGuest(t, "app.wasm", keyvalueFile, "", "")
	s := startReal(t, "app.wasm")
	_, build, _ := s.ask(t, "/set/a/x/1")
	putGuest(t, "app.wasm", keyvalueFile, "no such function", "no such Function")
	s.err.await(t, build+` → `)
	if body, _, _ := s.ask(t, "/get/a/x"); body != "1" {
		t.Errorf("got %q", body)
	}
}

func TestAFileOfKeyValueThatCannotBeUsedIsNamed(t *testing.T) {
	t.Chdir(t.TempDir())
	putGuest(t, "app.wasm", keyvalueFile, "", "")
	replace(t, "text.db", []byte(strings.Repeat("no data of keys and values\n", 1000)))
	held, err := kvfile.Open("held.db")
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := held.Close(); err != nil {
			t.Error(err)
		}
	}()
	if err := os.Mkdir("folder", 0o700); err != nil {
		t.Fatal(err)
	}
	for path, words := range map[string]string{
		"held.db": "held.db is locked", "text.db": "text.db is not a file of --keyvalue",
		"folder": "folder is not a regular file", filepath.Join("none", "x.db"): "x.db: ",
	} {
		code, _, stderr := runMain("serve", "app.wasm", "--addr", "127.0.0.1:0", "--no-cache",
			"--keyvalue", path)
		if code != exit.Load || !strings.Contains(stderr, words) {
			t.Errorf("%s: exit code %d, %q", path, code, stderr)
		}
	}
}
