package cmd

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wasihttp/wasihttp/cmd/internal/exit"
	"github.com/wasihttp/wasihttp/internal/inspect"
)

// runMain runs the program and returns its exit code and streams.
func runMain(args ...string) (code int, stdout, stderr string) {
	s := newSession()
	st := s.state(append([]string{programName}, args...)...)
	code = st.main(context.Background(), engineDoors(st))
	return code, s.out.String(), s.err.String()
}

func TestInspectJSON(t *testing.T) {
	path := filepath.Join("..", "testdata", "guests", "bad", "unknown-function.wasm")
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	code, stdout, stderr := runMain("inspect", "--json", path)
	if code != exit.Load || !strings.Contains(stderr, "error: "+path) {
		t.Errorf("exit code %d, stderr %q", code, stderr)
	}
	var got inspect.Report
	d := json.NewDecoder(strings.NewReader(stdout))
	d.DisallowUnknownFields()
	if err := d.Decode(&got); err != nil {
		t.Fatal(err)
	}
	if got.File != path || got.Kind != "component" || got.WASI != "0.2" || got.Size != int(info.Size()) || len(got.SHA256) != 64 ||
		!strings.HasPrefix(got.WIT, "package root:component;\n") {
		t.Errorf("report = %+v", got)
	}
	if diff := cmp.Diff([]string{"wasi:http/incoming-handler@0.2.12"}, got.Exports); diff != "" {
		t.Errorf("exports differ (-want +got):\n%s", diff)
	}
	want := inspect.ReportImport{
		Name: "wasi:random/random@0.2.99", Group: "missing", ProvidedBy: "wasi:random/random@0.2.12",
		Problems: []inspect.ReportProblem{{Item: "function get-very-random-bytes", Reason: "unknown function"}},
	}
	if diff := cmp.Diff(want, got.Imports[0]); diff != "" {
		t.Errorf("first import differs (-want +got):\n%s", diff)
	}
	if v := got.Verdict; v.OK || v.Command != "" || v.Code != inspect.CodeUnknownImport ||
		!strings.HasPrefix(v.Message, path+": imports function") || v.Hint == "" {
		t.Errorf("verdict = %+v", v)
	}
}

// TestInspectJSONHasEveryKey holds the names that programs rely on.
func TestInspectJSONHasEveryKey(t *testing.T) {
	code, stdout, _ := runMain("inspect", "--json", filepath.Join("..", "testdata", "guests", "rust-hello", "rust-hello.wasm"))
	if code != exit.OK {
		t.Errorf("exit code %d", code)
	}
	var got map[string]any
	if err := json.Unmarshal([]byte(stdout), &got); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"file", "size", "sha256", "kind", "wasi_http", "toolchain", "producers", "imports", "exports", "wit", "verdict"} {
		if _, ok := got[key]; !ok {
			t.Errorf("%s is missing", key)
		}
	}
	if diff := cmp.Diff(map[string]any{"ok": true, "command": "serve", "commands": []any{"serve"}}, got["verdict"]); diff != "" {
		t.Errorf("verdict differs (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]any{"language": "Rust"}, got["toolchain"]); diff != "" {
		t.Errorf("toolchain differs (-want +got):\n%s", diff)
	}
}

func TestInspectExitCodes(t *testing.T) {
	guests := filepath.Join("..", "testdata", "guests")
	for path, want := range map[string]int{
		filepath.Join(guests, "rust-hello", "rust-hello.wasm"): exit.OK,
		filepath.Join(guests, "bad", "command.wasm"):           exit.OK,
		filepath.Join(guests, "bad", "core-module.wasm"):       exit.Load,
		filepath.Join(guests, "none.wasm"):                     exit.Load,
		"":                                                     exit.Usage,
	} {
		args := []string{"inspect"}
		if path != "" {
			args = append(args, path)
		}
		if code, _, stderr := runMain(args...); code != want {
			t.Errorf("%s: exit code %d, want %d; stderr %q", path, code, want, stderr)
		}
	}
}
