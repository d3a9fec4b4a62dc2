package cmd

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/wasihttp/wasihttp/cmd/internal/config"
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
build = "mkdir -p out && cp src/main.txt out/app.tmp && mv out/app.tmp out/app.wasm"
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
	entries, err := os.ReadDir(below)
	if err != nil || len(entries) != 0 {
		t.Errorf("the build wrote into the current folder: %v, %v", entries, err)
	}
}

// TestTheReferenceForEditorsIsThatOfTheFlags also fails for a flag that no rule of
// cmd/internal/config is for. With -update it writes docs/wasihttp.schema.json.
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
