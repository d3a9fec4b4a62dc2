//go:build unix

package cmd

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"
)

// evil is a name that a terminal would obey, and that begins a line of its own.
const evil = "a\x1b[31m\x07\u202e\nEVIL"

func TestNoCommandShowsWhatATerminalWouldObey(t *testing.T) {
	kitchen, err := filepath.Abs("../testdata/guests/rust-kitchen/rust-kitchen.wasm")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	if err := os.Mkdir(evil, 0o700); err != nil {
		t.Fatal(err)
	}
	files := map[string]string{
		evil + ".hurl": "# @ignore header date\nGET http://localhost/\x1b[31m\x07\nHTTP 200\n" +
			"A: \x1b[1m\n[Asserts]\nheader \"\x1b[2m\" exists\nbody == \"x\"\n",
		evil + "bad.hurl":              "GET http://localhost/\nHTTX \x1b[31m\n",
		evil + "json.har":              "{\"\x1b[31m\":",
		evil + ".wasm":                 "\x00asm\x01\x00\x00\x00\x1b[31m",
		evil + ".env":                  "\x1b[31m\n",
		filepath.Join(evil, "in.hurl"): "# @component \x1b[31m.wasm\nGET http://localhost/\nHTTP 200\n",
	}
	for name, content := range files {
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	missing := evil + "none"
	for _, args := range [][]string{
		{"test", evil + ".hurl", "--component", kitchen},
		{"test", evil + ".hurl", "--component", kitchen, "--report-tap", evil + ".tap"},
		{"test", evil + ".hurl", "--component", kitchen, "--filter", evil},
		{"test", evil + ".hurl", "--component", kitchen, "--variables-file", evil + ".env"},
		{"test", evil + ".hurl", "--component", kitchen, "--report-json", filepath.Join(missing, "x\x00")},
		{"test", evil + ".hurl", "--component", evil + ".wasm"},
		{"test", evil + ".hurl", "--component", missing},
		{"test", evil + ".hurl", "--list"},
		{"test", evil + "bad.hurl", "--list"},
		{"test", evil + "bad.hurl", evil + "json.har"},
		{"test", evil}, {"test", missing}, {"test", evil + ".hurl", "--" + evil}, {"test", evil + ".wasm"},
		{"test", evil + ".hurl", "--component", kitchen, "--update"},
		{"review", evil + ".hurl", "--component", kitchen},
		{"convert", evil + "json.har", "-o", "out"},
		{"convert", missing, "-o", evil},
		{"inspect", evil + ".wasm"}, {"inspect", missing}, {"inspect", evil},
		{"serve", evil + ".wasm", "--addr", "127.0.0.1:0"}, {"serve", missing}, {"serve", "--addr", evil, kitchen},
		{"serve", kitchen, evil}, {"serve", kitchen, "--env-file", evil + ".env"}, {"serve"},
		{"run", evil + ".wasm"}, {"run", kitchen, "--dir", missing}, {"run", missing},
		{"completion", evil}, {evil}, {"version", evil},
	} {
		_, output := runIn(t, args...)
		if output == "" {
			t.Errorf("%q prints nothing", args)
		}
		for line := range strings.Lines(output) {
			line = strings.TrimSuffix(line, "\n")
			if strings.HasPrefix(strings.TrimSpace(line), "EVIL") || strings.ContainsFunc(line, func(r rune) bool { return !unicode.IsPrint(r) }) {
				t.Errorf("%q: prints %q", args, line)
			}
		}
	}
	tap, err := os.ReadFile(evil + ".tap")
	if err != nil || strings.ContainsAny(string(tap), "\x1b\x07") || strings.Contains(string(tap), "\nEVIL") {
		t.Errorf("the report is %q: %v", tap, err)
	}
}
