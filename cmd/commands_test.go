package cmd

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/wasihttp/wasihttp/cmd/internal/exit"
)

// TestEachCommandRunsInProcess runs every command with a state of buffers, except serve,
// which other tests start.
func TestEachCommandRunsInProcess(t *testing.T) {
	guest := func(elements ...string) string {
		return filepath.Join(append([]string{"..", "testdata", "guests"}, elements...)...)
	}
	kitchen := guest("rust-kitchen", "rust-kitchen.wasm")
	fixture := writeFixture(t, "f.hurl", "GET http://localhost/\nHTTP 200\n[Asserts]\nbody == \"another\"\n")
	before, err := os.ReadFile(fixture)
	if err != nil {
		t.Fatal(err)
	}
	session := writeFixture(t, "s.har", `{"log": {"version": "1.2", "entries": [{"request": {"method": "GET", `+
		`"url": "http://localhost/"}, "response": {"status": 200, "content": {}}}]}}`)
	merged := writeFixture(t, "report.json", `{"version": 1, "files": [{"path": "f.hurl", "entries": [`+
		`{"index": 1, "line": 1, "name": "GET /", "outcome": "mismatch"}]}]}`)
	tests := map[string]struct {
		args string
		in   string
		code int
		out  string
	}{
		"version":    {args: "version", out: "wasihttp "},
		"completion": {args: "completion fish", out: "complete -c wasihttp"},
		"inspect":    {args: "inspect " + kitchen, out: "wasi:http"},
		"run":        {args: "run --no-cache " + guest("bad", "command-cat.wasm"), in: "of mice", out: "of mice"},
		"test": {args: "test --no-cache " + fixture + " --component " + kitchen, code: exit.Mismatch,
			out: "1 mismatch"},
		"review": {args: "review --no-cache " + fixture + " --component " + kitchen, in: "q\n",
			code: exit.Mismatch, out: "0 accepted"},
		"merge-reports": {args: "merge-reports " + merged, code: exit.Mismatch, out: "1 mismatch"},
		"bench": {args: "bench --no-cache --requests 20 --warm-up 0 " + fixture + " --component " + kitchen,
			code: exit.Mismatch, out: "20 entries checked: 20 mismatch"},
		"convert": {args: "convert " + session + " -o " + t.TempDir(), out: "0001-get.hurl"},
		"config":  {args: "config run", out: "timeout"},
		"new":     {args: "new --lang rust " + filepath.Join(t.TempDir(), "app"), out: "wasihttp serve"},
		"wit":     {args: "wit -o " + t.TempDir(), out: "world.wit"},
	}
	for _, c := range commandLine(&state{}, doors{}).Commands {
		if _, ok := tests[c.Name]; !ok && !c.Hidden && c.Name != "serve" {
			t.Errorf("%s is not run", c.Name)
		}
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := newSession()
			st := s.state(slices.Concat([]string{programName}, strings.Fields(tt.args))...)
			st.in = strings.NewReader(tt.in)
			code := st.main(context.Background(), engineDoors(st))
			if code != tt.code || !strings.Contains(s.out.String(), tt.out) {
				t.Errorf("exit code %d, want %d; stdout without %q:\n%s\nstderr:\n%s", code, tt.code, tt.out, s.out, s.err)
			}
		})
	}
	if after, err := os.ReadFile(fixture); err != nil || string(after) != string(before) {
		t.Errorf("the fixture is now %q (%v)", after, err)
	}
}
