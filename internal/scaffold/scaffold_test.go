package scaffold

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// each calls f for each language and each of its worlds.
func each(t *testing.T, f func(t *testing.T, l *Language, world string)) {
	for _, l := range Languages() {
		for _, world := range l.Worlds {
			t.Run(l.Name+" "+world, func(t *testing.T) { f(t, l, world) })
		}
	}
}

func plan(t *testing.T, language, world, dir string) *Project {
	t.Helper()
	p, err := Plan(language, world, dir)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestAProjectHasWhatItsLanguageExpects(t *testing.T) {
	each(t, func(t *testing.T, l *Language, world string) {
		dir := filepath.Join(t.TempDir(), "deep", "my-app")
		if err := plan(t, l.Name, world, dir).Write(); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{
			"wasihttp.toml", "fixtures/hello.hurl", ".gitignore", "README.md", ".github/workflows/test.yml",
		} {
			if info, err := os.Stat(filepath.Join(dir, filepath.FromSlash(name))); err != nil || info.Size() == 0 {
				t.Errorf("%s: %v", name, err)
			}
		}
		// What a template must not leave behind.
		left := regexp.MustCompile(`<%|%>|<no value>`)
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			data, err := os.ReadFile(path)
			if m := left.Find(data); m != nil || filepath.Ext(path) == ".tmpl" {
				t.Errorf("%s: %q", path, m)
			}
			if len(data) > 0 && data[len(data)-1] != '\n' {
				t.Errorf("%s has no line end at its end", path)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	})
}

func TestTheFirstWorldIsTheDefault(t *testing.T) {
	for _, l := range Languages() {
		if p := plan(t, l.Name, "", "app"); p.World != l.Worlds[0] {
			t.Errorf("%s: %s", l.Name, p.World)
		}
	}
}

// TestAWorldThatNoToolMakesIsRefused wants the world that works to be named.
func TestAWorldThatNoToolMakesIsRefused(t *testing.T) {
	for _, l := range Languages() {
		for _, world := range []string{"0.2", "0.3", "0.4"} {
			_, err := Plan(l.Name, world, "app")
			if slices.Contains(l.Worlds, world) != (err == nil) {
				t.Errorf("%s %s: %v", l.Name, world, err)
			}
			if err != nil && err.(*Error).Hint != "use --world "+l.Worlds[0] {
				t.Errorf("%s %s: %q", l.Name, world, err.(*Error).Hint)
			}
		}
	}
}

func TestNamesAreThoseOfTheLanguage(t *testing.T) {
	for name, takenBy := range map[string]string{
		"app": "all", "my-app": "all", "my_app": "all", "a1": "all",
		"MyApp": "rust python go c", "my.app": "js ts python go c", "1app": "js ts python go c",
		"my app": "", "-app": "", "app!": "", "con": "", "nul.txt": "", "é": "", strings.Repeat("a", 65): "",
		"test": "js ts python go c", "match": "js ts python go c", "wstd": "js ts python go c",
		"node_modules": "rust python go c", "_app": "rust",
	} {
		for _, l := range Languages() {
			want := takenBy == "all" || slices.Contains(strings.Fields(takenBy), l.Name)
			_, err := Plan(l.Name, "", filepath.Join("some", "folder", name))
			if (err == nil) != want {
				t.Errorf("%s, %q: %v", l.Name, name, err)
			}
			if err != nil && err.(*Error).Hint == "" {
				t.Errorf("%s, %q: no hint", l.Name, name)
			}
		}
	}
}

func TestNothingIsOverwritten(t *testing.T) {
	for name, prepare := range map[string]func(dir string) error{
		"a file in the folder": func(dir string) error {
			return os.WriteFile(filepath.Join(dir, "notes.txt"), nil, 0o644)
		},
		"the folder is a file": func(dir string) error {
			return os.WriteFile(filepath.Join(dir, "..", "other"), nil, 0o644)
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "app")
			if err := os.Mkdir(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			if err := prepare(dir); err != nil {
				t.Fatal(err)
			}
			if name == "the folder is a file" {
				dir = filepath.Join(filepath.Dir(dir), "other")
			}
			if err := plan(t, "rust", "", dir).Write(); err == nil {
				t.Error("it was written")
			}
			if entries, err := os.ReadDir(dir); err == nil && len(entries) != 1 {
				t.Errorf("now there is %v", entries)
			}
		})
	}
	// A new repository is empty.
	dir := filepath.Join(t.TempDir(), "app")
	if err := os.MkdirAll(filepath.Join(dir, ".git"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := plan(t, "rust", "", dir).Write(); err != nil {
		t.Error(err)
	}
}

func TestWhatCannotBeFinishedIsTakenBack(t *testing.T) {
	root := t.TempDir()
	var w writer
	if err := w.write(filepath.Join(root, "a", "b", "c"), nil); err != nil {
		t.Fatal(err)
	}
	if err := w.write(filepath.Join(root, "a", "b", "c"), nil); err == nil {
		t.Error("a file was written twice")
	}
	w.undo()
	if entries, err := os.ReadDir(root); err != nil || len(entries) != 0 {
		t.Errorf("%v, %v", entries, err)
	}
}

func noEnvironment(string) string { return "" }

// TestAMissingProgramIsNamed has a PATH without any.
func TestAMissingProgramIsNamed(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	for _, l := range Languages() {
		missing := l.Missing(noEnvironment)
		if len(missing) == 0 {
			t.Errorf("%s: nothing is missing", l.Name)
		}
		dir := filepath.Join(t.TempDir(), "app")
		if err := plan(t, l.Name, "", dir).Write(); err != nil {
			t.Fatal(err)
		}
		settings, err := os.ReadFile(filepath.Join(dir, "wasihttp.toml"))
		if err != nil {
			t.Fatal(err)
		}
		build := string(regexp.MustCompile(`(?m)^build = "(.*)"$`).FindSubmatch(settings)[1])
		hint := Hint(build, dir, noEnvironment)
		if !slices.ContainsFunc(missing, func(m Tool) bool { return hint == m.Name+" is not installed: "+m.Install }) {
			t.Errorf("%s: %q about %s", l.Name, hint, build)
		}
	}
	if hint := Hint("sh build-with-cargo.sh", t.TempDir(), noEnvironment); hint != "" {
		t.Errorf("a hint about another program: %q", hint)
	}
}

// TestWhatAMakefileLacksIsNamed has a PATH with some of what a Makefile needs.
func TestWhatAMakefileLacksIsNamed(t *testing.T) {
	if runtime.GOOS == "windows" {
		return // programs have other names there
	}
	path, dir := t.TempDir(), filepath.Join(t.TempDir(), "app")
	t.Setenv("PATH", path)
	if err := plan(t, "c", "", dir).Write(); err != nil {
		t.Fatal(err)
	}
	compiler := func(name string) string { return map[string]string{"WASM_CC": "zig cc"}[name] }
	for _, step := range []struct {
		installed string
		getenv    Getenv
		want      string
	}{
		{"make", noEnvironment, "wit-bindgen is not installed: cargo install"},
		{"wit-bindgen", noEnvironment, "wasm-tools is not installed: cargo install"},
		{"wasm-tools", noEnvironment, "clang is not installed: "},
		{"wasm-tools", compiler, ""},
	} {
		if err := os.WriteFile(filepath.Join(path, step.installed), nil, 0o755); err != nil {
			t.Fatal(err)
		}
		hint := Hint("make --silent", dir, step.getenv)
		if !strings.HasPrefix(hint, step.want) || step.want == "" && hint != "" {
			t.Errorf("with %s: %q, want %q", step.installed, hint, step.want)
		}
	}
}

// TestVersionsHaveOnePlace looks for the versions of tools in the documents.
func TestVersionsHaveOnePlace(t *testing.T) {
	if Versions()["wstd"] == "" {
		t.Fatalf("%v", Versions())
	}
	each(t, func(t *testing.T, l *Language, world string) {
		dir := filepath.Join("templates", l.Name+"-"+world)
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			text, err := os.ReadFile(path)
			text = regexp.MustCompile(`version"?( =|:) "0.1.0"|wasi:[a-z/]+@[0-9.]+`).ReplaceAll(text, nil)
			if m := regexp.MustCompile(`[@=~^] ?"?([1-9][0-9.]*|0\.[0-9]+)\.[0-9]+`).FindAll(text, -1); m != nil {
				t.Errorf("%s has the version %q of its own", path, m)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	})
}

// TestTheDocumentsHaveTheSameVersions compares the versions of tools that docs/languages.md names;
// tools that no project uses have versions of their own there.
func TestTheDocumentsHaveTheSameVersions(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "languages.md"))
	if err != nil {
		t.Fatal(err)
	}
	of := map[string]string{
		"wit-bindgen-cli": "wit_bindgen", "wasm-tools": "wasm_tools_crate", "wstd-axum": "wstd_axum",
		"axum": "axum", "hono": "hono", "esbuild": "esbuild", "jinja2": "jinja2",
		"componentize-js": "componentize_js", "preview2-shim": "preview2_shim",
	}
	seen := map[string]bool{}
	for _, m := range regexp.MustCompile(`([a-z0-9-]+)(?:@|==)([0-9]+[0-9.]*[0-9])`).FindAllStringSubmatch(string(page), -1) {
		if name, known := of[m[1]]; known {
			seen[m[1]] = true
			if want := Versions()[name]; m[2] != want {
				t.Errorf("%s is %s there, %s here", m[1], m[2], want)
			}
		}
	}
	for name := range of {
		if !seen[name] {
			t.Errorf("the page does not name the version of %s", name)
		}
	}
}

// TestGuestsAreBuiltWithTheSameVersions compares the pins of the script that builds the guests.
func TestGuestsAreBuiltWithTheSameVersions(t *testing.T) {
	script, err := os.ReadFile(filepath.Join("..", "..", "testdata", "guests", "build.sh"))
	if err != nil {
		t.Fatal(err)
	}
	same := 0
	for _, m := range regexp.MustCompile(`(?m)^([a-z_]+)=([0-9.]+)$`).FindAllStringSubmatch(string(script), -1) {
		switch want := Versions()[m[1]]; want {
		case "":
		case m[2]:
			same++
		default:
			t.Errorf("%s is %s there, %s here", m[1], m[2], want)
		}
	}
	if same < 5 {
		t.Errorf("only %d versions were found", same)
	}
}
