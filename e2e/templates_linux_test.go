package e2e

import (
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
		{"go", "0.2", "make test"}, {"c", "0.2", "make test"},
		{"js", "0.3", "npm test"}, {"ts", "0.3", "npm test"},
	}
}

// TestTemplatesAreBuiltServedReloadedAndTested writes each project and does with it what its README
// says. It logs how long it takes from there to the first response.
func TestTemplatesAreBuiltServedReloadedAndTested(t *testing.T) {
	if os.Getenv(templatesVariable) == "" || !ours() {
		return // needs toolchains
	}
	for _, tt := range templates() {
		t.Run(tt.language+" "+tt.world, func(t *testing.T) {
			t.Parallel() // much of it is waiting for downloads
			root := t.TempDir()
			in := func(dir string, command ...string) string {
				t.Helper()
				run := exec.CommandContext(limited(t), command[0], command[1:]...)
				run.Dir = dir
				output, err := run.CombinedOutput()
				if err != nil {
					t.Fatalf("%s: %v\n%s", strings.Join(command, " "), err, tail(string(output), 8000))
				}
				return string(output)
			}
			program := os.Getenv(builtVariable)
			began := time.Now()
			wrote := in(root, program, "new", "--lang", tt.language, "--world", tt.world, "hello")
			if strings.Contains(wrote, "is not installed") {
				t.Errorf("a tool is missing:\n%s", wrote)
			}
			project := filepath.Join(root, "hello")
			server, err := served.Start(limited(t), "/bin/sh", "-c", `cd "$1" && shift && exec "$@"`, "sh",
				project, program, "serve", "--addr", "127.0.0.1:0")
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
			get := func(path string) string {
				t.Helper()
				response, err := client(t).Get(server.URL + path)
				if err != nil {
					t.Fatal(err)
				}
				defer response.Body.Close()
				body, err := io.ReadAll(response.Body)
				if err != nil {
					t.Fatal(err)
				}
				if response.StatusCode != http.StatusOK {
					t.Fatalf("%s: %s\n%s", path, response.Status, body)
				}
				return string(body)
			}
			if body := get("/"); body != "It works.\n" {
				t.Fatalf("the body is %q", body)
			}
			t.Logf("first response: %s %s %.1f s", tt.language, tt.world, time.Since(began).Seconds())
			if body := get("/hello/Ada"); body != "Hello, Ada!\n" {
				t.Errorf("the body is %q", body)
			}

			saved := time.Now()
			edit(t, project)
			await(t, "the new build", func() bool { return get("/") == "It still works.\n" })
			t.Logf("saved, built and served: %s %s %.1f s", tt.language, tt.world, time.Since(saved).Seconds())

			// The build is there, so the fixtures are run with it.
			fixture := filepath.Join(project, "fixtures", "hello.hurl")
			replaceIn(t, fixture, "It works.", "It still works.")
			if output := in(project, program, "test"); !strings.Contains(output, "3 passed") ||
				strings.Contains(output, "building") {
				t.Errorf("wasihttp test:\n%s", output)
			}
			in(project, "/bin/sh", "-c", tt.test)
		})
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
