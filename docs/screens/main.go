// Command screens makes the pictures of the documents from real runs of the program:
//
//	go run ./docs/screens [NAME…]
//
// With names it makes those, such as serve or test, else all. It builds the program, runs it in a
// temporary folder with a component that the repository ships, and writes docs/images. It is run
// from the root of the repository, on Linux, and needs Go alone. The pictures of pages, *.png, are
// photographs of a browser, which tests in e2e take: those with Pictures in their names.
package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

func main() {
	log.SetFlags(0)
	if err := run(); err != nil {
		log.Fatalf("screens: %v", err)
	}
}

func run() error {
	folder, err := os.MkdirTemp("", "screens")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	program := filepath.Join(folder, "wasihttp")
	if out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		return fmt.Errorf("go build: %w\n%s", err, out)
	}
	guest, err := os.ReadFile("testdata/guests/rust-kitchen/rust-kitchen.wasm")
	if err != nil {
		return err
	}
	s := &session{program: program, folder: folder, guest: guest}
	serving, err := s.serve()
	if err != nil {
		return err
	}
	states, err := s.build()
	if err != nil {
		return err
	}
	testing, err := s.test()
	if err != nil {
		return err
	}
	var benching []string
	if wanted("bench") { // it takes half a minute, and wants an idle machine
		if benching, err = s.bench(); err != nil {
			return err
		}
	}
	if err := os.MkdirAll("docs/images", 0o755); err != nil {
		return err
	}
	for name, p := range map[string]struct {
		title, alt string
		lines      []string
	}{
		"serve": {"serve", "wasihttp serve: a save is served 0.1 s later; a trap is explained",
			serving},
		"building": {"serve", "wasihttp serve --exec: a line with a timer", states.building},
		"built": {"serve", "wasihttp serve --exec: a line for each build; the same build again; " +
			"a build that failed, with what it has written", states.built},
		"test": {"test", "wasihttp test: a mismatch and a trap, each with its place", testing},
		"bench": {"bench", "wasihttp bench: requests per second, latencies, a histogram, and the " +
			"differences to another build", benching},
	} {
		if !wanted(name) {
			continue
		}
		svg := picture("wasihttp "+p.title, p.alt, p.lines)
		if err := os.WriteFile(filepath.Join("docs/images", name+".svg"), svg, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// wanted reports whether a picture is to be made.
func wanted(name string) bool { return len(os.Args) < 2 || slices.Contains(os.Args[1:], name) }

// A session is the program and the folder that it runs in.
type session struct {
	program, folder string
	guest           []byte
}

// command returns the program with arguments, with a terminal's colours.
func (s *session) command(arguments ...string) *exec.Cmd {
	c := exec.Command(s.program, arguments...)
	c.Dir = s.folder
	c.Env = append(os.Environ(), "CLICOLOR_FORCE=1", "NO_COLOR=", "COLUMNS=100")
	return c
}

// prompt is a line that a person types.
func prompt(command string) string { return "\x1b[2m$\x1b[0m \x1b[1m" + command + "\x1b[0m" }

// columns is the width of the terminal.
const columns = 100

// serve shows a request, a save that changes the text of the response, the same request, and a
// trap.
func (s *session) serve() ([]string, error) {
	component := filepath.Join(s.folder, "app.wasm")
	if err := os.WriteFile(component, s.guest, 0o644); err != nil {
		return nil, err
	}
	t, err := startIn(s.command("serve", "app.wasm", "--crash-dir="), columns)
	if err != nil {
		return nil, err
	}
	defer t.end()
	if _, err := t.until("? help"); err != nil {
		return nil, err
	}
	changed := bytes.Replace(s.guest, []byte("hello from rust"), []byte("hello from Rust"), 1)
	var lines []string
	for _, step := range []struct {
		do   func() error
		text string
	}{
		{get("/"), "/  "},
		{func() error { return replace(component, changed) }, "ready after"},
		{get("/echo?name=Ada"), "Ada"},
		{get("/trap"), "#handle"},
		{get("/missing"), "/missing"},
	} {
		if err := step.do(); err != nil {
			return nil, err
		}
		if lines, err = t.until(step.text); err != nil {
			return nil, err
		}
	}
	return append([]string{prompt("wasihttp serve app.wasm")}, lines...), nil
}

// states are what the terminal shows of builds.
type states struct{ building, built []string }

// failing is what a compiler writes.
const failing = `\033[1;31merror[E0425]\033[0m\033[1m: cannot find value ` + "`totl`" +
	` in this scope\033[0m\n  \033[1;34m-->\033[0m src/lib.rs:12:5\n`

// build shows a build that takes two seconds, one of other sources, one that makes the same again,
// and one that fails.
func (s *session) build() (states states, err error) {
	component, source := filepath.Join(s.folder, "app.wasm"), filepath.Join(s.folder, "src.txt")
	script := "grep -q totl src.txt && printf '" + failing + "' && exit 101\n" +
		"sleep 2.2\nsed \"s/hello from rust/$(cat src.txt)/\" guest.wasm >app.tmp && " +
		"mv app.tmp app.wasm\n"
	for name, data := range map[string][]byte{
		"build.sh": []byte(script), "guest.wasm": s.guest, "src.txt": []byte("hello from Rust"),
	} {
		if err := os.WriteFile(filepath.Join(s.folder, name), data, 0o644); err != nil {
			return states, err
		}
	}
	if err := os.Remove(component); err != nil {
		return states, err
	}
	command := []string{"serve", "app.wasm", "--exec", "sh build.sh", "--source", "src.txt"}
	t, err := startIn(s.command(command...), columns)
	if err != nil {
		return states, err
	}
	defer t.end()
	first := prompt("wasihttp serve app.wasm --exec 'sh build.sh' --source src.txt")
	lines, err := t.until("2s")
	if err != nil {
		return states, err
	}
	states.building = append([]string{first}, lines...)
	if _, err := t.until("? help"); err != nil {
		return states, err
	}
	for _, step := range []struct{ save, text string }{
		{"hello from RUST", "later"}, {"hello from RUST\n", "same build"},
		{"totl", "still serving"},
	} {
		if err := replace(source, []byte(step.save)); err != nil {
			return states, err
		}
		if lines, err = t.until(step.text); err != nil {
			return states, err
		}
	}
	states.built = append([]string{first}, lines...)
	return states, nil
}

// get returns a function that makes a request and reads the response.
func get(path string) func() error {
	return func() error {
		response, err := http.Get("http://127.0.0.1:8080" + path)
		if err != nil {
			return err
		}
		defer response.Body.Close()
		_, err = io.Copy(io.Discard, response.Body)
		return err
	}
}

// replace puts data in the place of the file at once.
func replace(file string, data []byte) error {
	if err := os.WriteFile(file+".new", data, 0o644); err != nil {
		return err
	}
	return os.Rename(file+".new", file)
}

const fixtures = `GET http://localhost:8080/
HTTP 200
[Asserts]
body startsWith "hello"

POST http://localhost:8080/echo
{"name": "Ada", "roles": ["admin", "dev"]}
HTTP 200
{"name": "Ada", "roles": ["dev", "admin"]}

GET http://localhost:8080/trap
HTTP 200
`

// test shows a run with a mismatch and a trap.
func (s *session) test() ([]string, error) {
	if err := os.Mkdir(filepath.Join(s.folder, "fixtures"), 0o755); err != nil {
		return nil, err
	}
	users := filepath.Join(s.folder, "fixtures", "users.hurl")
	if err := replace(users, []byte(fixtures)); err != nil {
		return nil, err
	}
	if err := replace(filepath.Join(s.folder, "app.wasm"), s.guest); err != nil {
		return nil, err
	}
	out, err := s.command("test", "fixtures/", "--component", "app.wasm").Output()
	if failed := (*exec.ExitError)(nil); !errors.As(err, &failed) {
		return nil, fmt.Errorf("wasihttp test: %v, want a failure:\n%s", err, out)
	}
	lines := strings.Split(strings.TrimRight(string(out), "\n"), "\n")
	return append([]string{prompt("wasihttp test fixtures/ --component app.wasm")}, lines...), nil
}

const ada = `{"name": "Ada"}`

// bench shows fixtures under load, and how a guest in Rust compares with one in C.
func (s *session) bench() ([]string, error) {
	old, err := os.ReadFile("testdata/guests/c-kitchen/c-kitchen.wasm")
	if err != nil {
		return nil, err
	}
	if err := os.Mkdir(filepath.Join(s.folder, "load"), 0o755); err != nil {
		return nil, err
	}
	for name, data := range map[string][]byte{
		"app.wasm": s.guest, "old.wasm": old,
		"load/get.hurl":  []byte("GET {{base}}/\nHTTP 200\n"),
		"load/echo.hurl": []byte("POST {{base}}/echo\n" + ada + "\nHTTP 200\n" + ada + "\n"),
	} {
		if err := replace(filepath.Join(s.folder, name), data); err != nil {
			return nil, err
		}
	}
	out, err := s.command(
		"bench", "load/", "--component", "app.wasm", "--baseline", "old.wasm",
	).Output()
	if slower := (*exec.ExitError)(nil); err != nil && !errors.As(err, &slower) {
		return nil, err
	}
	lines := strings.Split(strings.TrimRight(string(out), "\n"), "\n")
	first := prompt("wasihttp bench load/ --component app.wasm --baseline old.wasm")
	return append([]string{first}, lines...), nil
}
