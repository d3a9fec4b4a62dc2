package e2e

import (
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/wasihttp/wasihttp/bench/served"
)

// templatesVariable is set where the tools of all languages of "wasihttp new" are in the PATH.
const templatesVariable = "WASIHTTP_E2E_TEMPLATES"

// template is a language and a version of WASI, with the command that runs the project's own tests.
type template struct{ language, world, test string }

func templates() []template {
	return []template{
		// Those whose downloads take the longest come first.
		{"js", "0.2", "npm test"}, {"ts", "0.2", "npm test"},
		{"python", "0.2", "python3 -m unittest"}, {"python", "0.3", "python3 -m unittest"},
		{"rust", "0.2", "cargo test"}, {"rust", "0.3", "cargo test"},
		{"go", "0.2", "make test"}, {"c", "0.2", "make test"}, {"c", "0.3", "make test"},
		{"js", "0.3", "npm test"}, {"ts", "0.3", "npm test"},
	}
}

// project is a folder with a project, in which commands run.
type project string

// run runs a command and returns its output.
func (dir project) run(t *testing.T, command ...string) string {
	t.Helper()
	run := exec.CommandContext(limited(t), command[0], command[1:]...)
	run.Dir = string(dir)
	output, err := run.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(command, " "), err, tail(string(output), 8000))
	}
	return string(output)
}

// serve serves the project with its settings, on any port.
func (dir project) serve(t *testing.T) *served.Server {
	t.Helper()
	server, err := served.Start(limited(t), "/bin/sh", "-c", `cd "$1" && shift && exec "$@"`, "sh",
		string(dir), os.Getenv(builtVariable), "serve", "--addr", "127.0.0.1:0",
		"--cache-dir", filepath.Join(t.TempDir(), "cache"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Logf("output of the server:\n%s", tail(server.Output(), 8000))
		}
	})
	return server
}

// body returns that of a response with status 200.
func body(t *testing.T, server *served.Server, path string) string {
	t.Helper()
	response, err := client(t).Get(server.URL + path)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	if response.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s\n%s", path, response.Status, text)
	}
	return string(text)
}

// TestTemplatesAreBuiltServedReloadedAndTested writes each project and does with it what its README
// says. It logs a table of how long it takes from there to the first response, and from a save to
// the response of the new build.
func TestTemplatesAreBuiltServedReloadedAndTested(t *testing.T) {
	if os.Getenv(templatesVariable) == "" || !ours() {
		return // needs toolchains
	}
	rows := make([]string, len(templates()))
	t.Run("all", func(t *testing.T) {
		for i, tt := range templates() {
			t.Run(tt.language+" "+tt.world, func(t *testing.T) {
				t.Parallel() // much of it is waiting for downloads
				first, saved := tt.try(t)
				rows[i] = fmt.Sprintf("| %s | %s | %.1f | %.1f |\n", tt.language, tt.world,
					first.Seconds(), saved.Seconds())
			})
		}
	})
	t.Log("seconds:\n| --lang | --world | first response | after a save |\n| --- | --- | --- | --- |\n" +
		strings.Join(rows, ""))
}

// try returns how long the first response took, and that of a new build.
func (tt *template) try(t *testing.T) (first, saved time.Duration) {
	root, began := project(t.TempDir()), time.Now()
	program := os.Getenv(builtVariable)
	wrote := root.run(t, program, "new", "--lang", tt.language, "--world", tt.world, "hello")
	if strings.Contains(wrote, "is not installed") {
		t.Errorf("a tool is missing:\n%s", wrote)
	}
	dir := root + "/hello"
	server := dir.serve(t)
	if text := body(t, server, "/"); text != "It works.\n" {
		t.Fatalf("the body is %q", text)
	}
	first = time.Since(began)
	if text := body(t, server, "/hello/Ada"); text != "Hello, Ada!\n" {
		t.Errorf("the body is %q", text)
	}

	began = time.Now()
	edit(t, string(dir))
	await(t, "the new build", func() bool { return body(t, server, "/") == "It still works.\n" })
	saved = time.Since(began)

	// The build is there, so the fixtures are run with it.
	replaceIn(t, filepath.Join(string(dir), "fixtures", "hello.hurl"), "It works.", "It still works.")
	if output := dir.run(t, program, "test"); !strings.Contains(output, "3 passed") ||
		strings.Contains(output, "building") {
		t.Errorf("wasihttp test:\n%s", output)
	}
	dir.run(t, "/bin/sh", "-c", tt.test)
	return first, saved
}

// TestTemplatesOfTheDocumentsTakeFrameworks does what docs/languages.md says about some frameworks:
// it runs the commands and writes the files, in their order. Each has the routes of a new project.
func TestTemplatesOfTheDocumentsTakeFrameworks(t *testing.T) {
	if os.Getenv(templatesVariable) == "" || !ours() {
		return // needs toolchains
	}
	page, err := os.ReadFile(filepath.Join("..", "docs", "languages.md"))
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", filepath.Dir(os.Getenv(builtVariable))+":"+os.Getenv("PATH"))
	t.Run("all", func(t *testing.T) {
		for _, name := range []string{"axum", "Hono", "Jinja2"} {
			t.Run(name, func(t *testing.T) {
				t.Parallel() // much of it is waiting for downloads
				_, section, _ := strings.Cut(string(page), "\n### "+name+"\n")
				follow(t, regexp.MustCompile("(?s)\n##+ .*").ReplaceAllString(section, ""))
			})
		}
	})
}

// follow does what a section says. A block that is indented has commands, one between fences is the
// file that its first line names. The last command serves the project.
func follow(t *testing.T, section string) {
	root := t.TempDir()
	dir, last := project(root), ""
	block := regexp.MustCompile("(?m)(?:^    .*\n)+|^```[a-z]+\n(?:// |# )(.*)\n((?:.*\n)*?)```$")
	for _, m := range block.FindAllStringSubmatch(section, -1) {
		switch last = ""; {
		case m[1] != "":
			if err := os.WriteFile(filepath.Join(string(dir), m[1]), []byte(m[2]), 0o644); err != nil {
				t.Fatal(err)
			}
		case strings.TrimSpace(m[0]) == "wasihttp serve":
			last = m[0]
		default:
			dir.run(t, "/bin/sh", "-e", "-c", m[0])
			dir = project(filepath.Join(root, "app"))
		}
	}
	if last == "" {
		t.Fatalf("nothing is served at last:\n%s", section)
	}
	if text := body(t, dir.serve(t), "/hello/Ada"); text != "Hello, Ada!\n" {
		t.Errorf("the body is %q", text)
	}
	if output := dir.run(t, os.Getenv(builtVariable), "test"); !strings.Contains(output, "3 passed") {
		t.Errorf("wasihttp test:\n%s", output)
	}
}

// edit changes what the project responds, in its source.
func edit(t *testing.T, project string) {
	t.Helper()
	edited := 0
	err := filepath.WalkDir(project, func(path string, d fs.DirEntry, err error) error {
		skip := regexp.MustCompile(`/(fixtures|node_modules|target|build|\.[a-z-]+|tests?)$`)
		switch {
		case err == nil && d.IsDir() && skip.MatchString(path):
			return fs.SkipDir
		case err != nil || d.IsDir():
			return err
		}
		text, err := os.ReadFile(path)
		ext := filepath.Ext(path)
		if err == nil && ext != "" && strings.Contains(".rs .js .ts .py .go .c", ext) &&
			strings.Contains(string(text), "It works.") {
			replaceIn(t, path, "It works.", "It still works.")
			edited++
		}
		return err
	})
	if err != nil || edited != 1 {
		t.Fatalf("%d files edited, %v", edited, err)
	}
}

func replaceIn(t *testing.T, path, old, now string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	changed := strings.ReplaceAll(string(text), old, now)
	if err := os.WriteFile(path, []byte(changed), 0o644); err != nil {
		t.Fatal(err)
	}
}
