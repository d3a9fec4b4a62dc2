//go:build unix

package cmd

import (
	"context"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/wasihttp/wasihttp/cmd/internal/loader"
)

// runIn runs a command in process to its end.
func runIn(t *testing.T, args ...string) (code int, output string) {
	t.Helper()
	s := newSession()
	st := s.state(append([]string{programName}, args...)...)
	st.in = strings.NewReader("")
	code = st.main(context.Background(), doors{load: loader.Load, servable: loader.Servable})
	return code, s.out.String() + s.err.String()
}

// specialFiles makes one of each kind of what is not a regular file, in a new
// current folder: a read of most would wait forever or never end.
func specialFiles(t *testing.T) map[string]string {
	t.Helper()
	t.Chdir(t.TempDir())
	for _, name := range []string{"pipe", "pipe.hurl", "pipe.har"} {
		if err := syscall.Mkfifo(name, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	l, err := net.Listen("unix", "socket")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	for link, to := range map[string]string{"zero.har": "/dev/zero", "link": "pipe"} {
		if err := os.Symlink(to, link); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir("folder", 0o700); err != nil {
		t.Fatal(err)
	}
	return map[string]string{
		"pipe": "a named pipe", "pipe.hurl": "a named pipe", "pipe.har": "a named pipe",
		"link":   "a named pipe",
		"socket": "a socket", "zero.har": "a device", "/dev/zero": "a device", "folder": "a folder",
	}
}

func TestEveryCommandRefusesWhatIsNotARegularFile(t *testing.T) {
	files := specialFiles(t)
	if err := os.WriteFile("ok.hurl", []byte("GET http://localhost/\nHTTP 200\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"serve", "FILE", "--addr", "127.0.0.1:0"},
		{"run", "FILE"},
		{"inspect", "FILE"},
		{"test", "ok.hurl", "--component", "FILE"},
		{"test", "FILE", "--component", "none.wasm"},
		{"convert", "FILE", "-o", "out"},
		{"serve", "none.wasm", "--env-file", "FILE"},
		{"serve", "none.wasm", "--ca-file", "FILE"},
		{"run", "--env-file", "FILE", "none.wasm"},
		{"test", "ok.hurl", "--variables-file", "FILE"},
		{"test", "ok.hurl", "--report-junit", "FILE"},
		{"test", "ok.hurl", "--report-tap", "FILE"},
		{"test", "ok.hurl", "--report-json", "FILE"},
	} {
		for file, kind := range files {
			if args[0] == "test" && args[1] == "FILE" && file == "folder" {
				continue // a folder of fixtures is fine
			}
			given := append([]string(nil), args...)
			for i := range given {
				given[i] = strings.Replace(given[i], "FILE", file, 1)
			}
			code, out := runIn(t, given...)
			if code == 0 || !strings.Contains(out, file) || !strings.Contains(out, kind) {
				t.Errorf("%v: exit code %d, %q; want %q", given, code, out, kind)
			}
		}
	}
}

func TestLargeComponentsAreRefusedWithSizeAndFlag(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile("big.wasm", make([]byte, 3<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("ok.hurl", []byte("GET http://localhost/\nHTTP 200\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"serve", "big.wasm", "--addr", "127.0.0.1:0"},
		{"serve", "--addr", "127.0.0.1:0"},
		{"run", "big.wasm"},
		{"inspect", "big.wasm"},
		{"test", "ok.hurl", "--component", "big.wasm"},
	} {
		at := 1
		given := slices.Concat(args[:at], []string{"--max-component-size", "2MiB"}, args[at:])
		code, out := runIn(t, given...)
		for _, want := range []string{"big.wasm", "3 MiB", "2 MiB", "--max-component-size"} {
			if code == 0 || !strings.Contains(out, want) {
				t.Errorf("%v: exit code %d, %q; want %q", args, code, out, want)
			}
		}
	}
	// Without the flag it is read, and no component.
	if _, out := runIn(t, "inspect", "big.wasm"); strings.Contains(out, "max-component-size") {
		t.Errorf("got %q", out)
	}
}

func TestAPipeInPlaceOfTheFileIsNamedAndAGoodFileIsServedAgain(t *testing.T) {
	f := startFakes(t)
	f.expect(t, "one", "")
	for i, next := range []string{"one", "two"} {
		// The pattern matches once it has matched that often.
		again := fmt.Sprintf("{%d}", i+1)
		if err := os.Remove(f.file); err != nil {
			t.Fatal(err)
		}
		if err := syscall.Mkfifo(f.file, 0o600); err != nil {
			t.Fatal(err)
		}
		f.err.await(t, `(?s)(✗ \S+ app\.wasm: is a named pipe, not a regular file\n  hint: .*?)`+again)
		if err := os.Remove(f.file); err != nil {
			t.Fatal(err)
		}
		replace(t, f.file, []byte(next))
		f.err.await(t, `(?s)((→ \w+; ready|is back).*?)`+again)
		f.expect(t, next, "")
	}
}

func TestAHangupWithAPipeInPlaceOfTheFileDoesNotHang(t *testing.T) {
	f := startFakes(t, "--watch=false")
	f.url(t)
	if err := os.Remove(f.file); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(f.file, 0o600); err != nil {
		t.Fatal(err)
	}
	f.hangups <- os.Interrupt
	f.err.await(t, `app\.wasm: is a named pipe, not a regular file`)
	if err := os.Remove(f.file); err != nil {
		t.Fatal(err)
	}
	replace(t, f.file, []byte("two"))
	f.hangups <- os.Interrupt
	f.err.await(t, `→ `+digestOf("two"))
}
