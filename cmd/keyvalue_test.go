package cmd

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/wasihttp/wasihttp/cmd/internal/exit"
	"github.com/wasihttp/wasihttp/internal/kvfile"
	"github.com/wasihttp/wasihttp/internal/wasi"
)

const (
	keyvalueFile  = "rust-keyvalue/rust-keyvalue.wasm"
	keyvalueFile2 = "rust-keyvalue/rust-keyvalue-draft2.wasm"
)

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
					`error: Error::Other("the sum is out of range")`},
				{"/set/n/i/text", "ok"},
				{"/increment/n/i/1",
					`error: Error::Other("the value is not a decimal number that fits")`},
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

func TestTheSecondDraftOfKeyValue(t *testing.T) {
	t.Chdir(t.TempDir())
	putGuest(t, "app.wasm", keyvalueFile2, "", "")
	for name, args := range map[string][]string{
		"memory": nil, "file": {"--keyvalue", "data.db"},
	} {
		t.Run(name, func(t *testing.T) {
			s := startReal(t, append([]string{"app.wasm"}, args...)...)
			for _, tt := range [][2]string{
				{"/set/a/x/1", "ok"}, {"/get/a/x", "1"}, {"/exists/a/x", "true"},
				{"/get-many/a/x/nothing", "x=1,nothing=none"}, {"/delete-many/a/x/nothing", "ok"},
				{"/increment/n/i/-5", "-5"}, {"/increment/n/i/47", "42"}, {"/get/n/i", "42"},
				{"/increment/n/i/9223372036854775807", `error: Error::Other("the sum is out of range")`},
				{"/set/n/low/-9223372036854775808", "ok"},
				{"/increment/n/low/-1", `error: Error::Other("the sum is out of range")`},
				{"/increment/n/low/0", "-9223372036854775808"},
				{"/set/n/high/9223372036854775808", "ok"},
				{"/increment/n/high/1",
					`error: Error::Other("the value is not a decimal number that fits")`},
				{"/fill/f/1001", "ok"}, {"/list/f/1000", "1 01000 None"},
				{"/list/f/x", `error: Error::Other("the cursor is none that list-keys has returned")`},
				{"/cas/c/new/one", "none true one true"}, {"/get/c/new", "again"},
				{"/cas/c/new/two", "again true two true"}, {"/count/c/n/3", "repeated 0"},
				{"/get/c/n", "3"},
			} {
				if body, _, _ := s.ask(t, tt[0]); body != tt[1] {
					t.Errorf("%s: got %q, want %q", tt[0], body, tt[1])
				}
			}
		})
	}
}

// TestInstancesThatChangeAKeyAtOnceLoseNothing counts with increments and with swaps.
func TestInstancesThatChangeAKeyAtOnceLoseNothing(t *testing.T) {
	t.Chdir(t.TempDir())
	putGuest(t, "app.wasm", keyvalueFile2, "", "")
	s := startReal(t, "app.wasm")
	s.url(t)
	const clients, times = 8, 20
	var wg sync.WaitGroup
	for range clients {
		wg.Go(func() {
			for range times {
				s.ask(t, "/increment/n/added/1")
			}
			s.ask(t, "/count/n/swapped/"+strconv.Itoa(times))
		})
	}
	wg.Wait()
	for _, key := range []string{"added", "swapped"} {
		if body, _, _ := s.ask(t, "/get/n/"+key); body != strconv.Itoa(clients*times) {
			t.Errorf("%s: got %s, want %d", key, body, clients*times)
		}
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
	if err := held.View("b", func(wasi.KeyValueTx) error { return nil }); err != nil {
		t.Fatal(err)
	}
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

func TestAComponentThatCannotBeLoadedLeavesNoFileOfKeyValue(t *testing.T) {
	t.Chdir(t.TempDir())
	replace(t, "damaged.wasm", []byte("\x00asm\x0d\x00\x01\x00\xff"))
	replace(t, "a.hurl", []byte("GET http://localhost/\nHTTP 200\n"))
	replace(t, "wasihttp.toml", []byte("[serve]\nkeyvalue = \"set.db\"\n"))
	for _, component := range []string{"damaged.wasm", "none.wasm"} {
		for _, args := range [][]string{
			{"serve", component, "--addr", "127.0.0.1:0"}, {"test", "--component", component, "a.hurl"},
			{"run", component},
		} {
			for _, file := range []string{"given.db", "set.db"} {
				args := append(slices.Clone(args), "--no-cache")
				if file == "given.db" {
					args = slices.Insert(args, 1, "--keyvalue="+file)
				}
				if code, _, stderr := runMain(args...); code != exit.Load {
					t.Errorf("%q: exit code %d, %q", args, code, stderr)
				}
				if _, err := os.Stat(file); !errors.Is(err, fs.ErrNotExist) {
					t.Errorf("%q: %s is there: %v", args, file, err)
				}
			}
		}
	}
}
