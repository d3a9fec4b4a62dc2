// Command screens makes the pictures of the documents from real runs of the program:
//
//	go run ./docs/screens
//
// It builds the program, runs it in a temporary folder with a component that the repository ships,
// and writes docs/images. It is run from the root of the repository, and needs Go alone.
package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
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
	testing, err := s.test()
	if err != nil {
		return err
	}
	if err := os.MkdirAll("docs/images", 0o755); err != nil {
		return err
	}
	for name, p := range map[string]struct {
		alt   string
		lines []string
	}{
		"serve": {"wasihttp serve: a save is served 0.1 s later; a trap is explained", serving},
		"test":  {"wasihttp test: a mismatch and a trap, each with its place", testing},
	} {
		svg, err := picture("wasihttp "+name, p.alt, p.lines)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if err := os.WriteFile(filepath.Join("docs/images", name+".svg"), svg, 0o644); err != nil {
			return err
		}
	}
	return nil
}

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

// serve shows a request, a save that changes the text of the response, the same request, and a
// trap.
func (s *session) serve() ([]string, error) {
	component := filepath.Join(s.folder, "app.wasm")
	if err := os.WriteFile(component, s.guest, 0o644); err != nil {
		return nil, err
	}
	c := s.command("serve", "app.wasm", "--addr", "127.0.0.1:8080")
	stderr, err := c.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := c.Start(); err != nil {
		return nil, err
	}
	defer c.Wait() //nolint:errcheck // It is ended below.
	defer c.Process.Kill()
	lines := make(chan string)
	go func() {
		defer close(lines)
		for scan := bufio.NewScanner(stderr); scan.Scan(); {
			lines <- scan.Text()
		}
	}()
	out := []string{prompt("wasihttp serve app.wasm")}
	// until takes lines up to the one that has text.
	until := func(text string) error {
		for {
			select {
			case line, ok := <-lines:
				if !ok {
					return fmt.Errorf("serve ended before it wrote %q:\n%s", text,
						strings.Join(out, "\n"))
				}
				out = append(out, line)
				if strings.Contains(line, text) {
					return nil
				}
			case <-time.After(time.Minute):
				return fmt.Errorf("serve did not write %q within a minute", text)
			}
		}
	}
	if err := until("Serving HTTP"); err != nil {
		return nil, err
	}
	changed := bytes.Replace(s.guest, []byte("hello from rust"), []byte("hello from Rust"), 1)
	for _, step := range []struct {
		do   func() error
		text string
	}{
		{get("/"), "GET"},
		{func() error { return replace(component, changed) }, "ready after"},
		{get("/"), "GET"},
		{get("/trap"), "#handle"},
	} {
		if err := step.do(); err != nil {
			return nil, err
		}
		if err := until(step.text); err != nil {
			return nil, err
		}
	}
	return out, nil
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
