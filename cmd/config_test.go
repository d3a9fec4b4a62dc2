package cmd

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/wasihttp/wasihttp/cmd/internal/config"
	"github.com/wasihttp/wasihttp/cmd/internal/exit"
)

// TestServeRunsTheBuildInTheFolderOfItsSettings starts below that folder.
func TestServeRunsTheBuildInTheFolderOfItsSettings(t *testing.T) {
	project := t.TempDir()
	below := filepath.Join(project, "docs", "deep")
	source := filepath.Join(project, "src", "main.txt")
	for _, dir := range []string{below, filepath.Join(project, ".git"), filepath.Dir(source)} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	settings := `component = "out/app.wasm"
build = "grep -qv broken src/main.txt && mkdir -p out && cp src/main.txt out/app.tmp && mv out/app.tmp out/app.wasm"
source = "src"
`
	for path, text := range map[string]string{
		filepath.Join(project, "wasihttp.toml"): settings, source: "first",
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(below)
	f := serveFakes(t, filepath.Join(project, "out", "app.wasm"))
	f.expect(t, "first", "")
	replace(t, source, []byte("second"))
	f.err.await(t, `→ `+digestOf("second"))
	f.expect(t, "second", "")
	replace(t, source, []byte("broken"))
	f.err.await(t, `wasihttp\.toml:2: the command failed: exit status 1 after `)
	entries, err := os.ReadDir(below)
	if err != nil || len(entries) != 0 {
		t.Errorf("the build wrote into the current folder: %v, %v", entries, err)
	}
}

func TestAPathOfTheSettingsThatCannotBeUsedIsNamedWithItsLine(t *testing.T) {
	t.Chdir(t.TempDir())
	putGuest(t, "app.wasm", "rust-kitchen/rust-kitchen.wasm", "", "")
	replace(t, "empty.wasm", nil)
	replace(t, "a.hurl", []byte("GET http://localhost/\nHTTP 200\n"))
	serve, test := []string{"serve", "--addr=127.0.0.1:0"}, []string{"test", "a.hurl"}
	for _, tt := range []struct {
		settings, place string
		commands        [][]string
	}{
		{"\ncomponent = \"none.wasm\"\n", "component is set in wasihttp.toml:2; build it first",
			[][]string{serve, test, {"run"}}},
		{"component = \"empty.wasm\"\n", "component is set in wasihttp.toml:1; the build may",
			[][]string{serve, test, {"run"}}},
		{"component = \"app.wasm\"\n[serve]\n\nplug = [\"app.wasm\", \"none.wasm\"]\n",
			"plug is set in wasihttp.toml:4; ", [][]string{serve}},
		{"component = \"app.wasm\"\n[test]\nchain = \"none.wasm\"\n",
			"chain is set in wasihttp.toml:3; ", [][]string{test}},
		{"component = \"app.wasm\"\n[serve]\nkeyvalue = \"none/x.db\"\n",
			"keyvalue is set in wasihttp.toml:3; ", [][]string{serve}},
		// What the command line names is not of the file.
		{"component = \"app.wasm\"\n", "hint: build it first", [][]string{
			append(serve, "none.wasm"), append(test, "--component=none.wasm"), {"run", "none.wasm"},
		}},
	} {
		replace(t, "wasihttp.toml", []byte(tt.settings))
		for _, args := range tt.commands {
			args = slices.Insert(slices.Clone(args), 1, "--no-cache")
			code, _, stderr := runMain(args...)
			if code != exit.Load || !strings.Contains(stderr, "hint: ") ||
				!strings.Contains(stderr, tt.place) {
				t.Errorf("%s%q: exit code %d, %s", tt.settings, args, code, stderr)
			}
		}
	}
}

// TestTheReferenceForEditorsIsThatOfTheFlags also fails for a flag that no rule of
// cmd/internal/config is for. With -update it writes docs/wasihttp.schema.json.
// TestTheTablesAreNamed also names the commands that read the table of another one.
func TestTheTablesAreNamed(t *testing.T) {
	t.Chdir(t.TempDir())
	replace(t, "wasihttp.toml", []byte("[measure]\nfor = \"1s\"\n"))
	for _, command := range []string{"serve", "test", "review", "bench"} {
		code, _, stderr := runMain(command, "a.hurl")
		if code != 1 || !strings.Contains(stderr, "wasihttp.toml:1: unknown table [measure]") ||
			!strings.Contains(stderr, "[serve], [test], [run]") || !strings.Contains(stderr, "review and bench, which read [test]") {
			t.Errorf("%s: exit code %d: %s", command, code, stderr)
		}
	}
}

func TestTheReferenceForEditorsIsThatOfTheFlags(t *testing.T) {
	app := commandLine(&state{}, doors{})
	want, err := config.Schema(app)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join("..", "docs", "wasihttp.schema.json")
	if *update {
		if err := os.WriteFile(path, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(bytes.ReplaceAll(got, []byte("\r\n"), []byte("\n")), want) {
		t.Error("docs/wasihttp.schema.json is stale: go test ./cmd -run Reference -update writes it")
	}
	for _, name := range configured() {
		if c := app.Command(name); c == nil || c.Before == nil {
			t.Errorf("%s has no settings", name)
		}
	}
}
