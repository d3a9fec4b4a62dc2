package e2e

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// terminal is a pseudo terminal with the server in it, as its foreground.
type terminal struct {
	master, slave *os.File
	input         *os.File // in place of the terminal; nil for the terminal
	command       *exec.Cmd
	mu            sync.Mutex
	text          strings.Builder
}

func openTerminal(t *testing.T) *terminal {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := master.SyscallConn() // Fd would have reads block, and closing wait for them
	if err != nil {
		t.Fatal(err)
	}
	var n int
	var failed error
	err = raw.Control(func(fd uintptr) {
		if failed = unix.IoctlSetPointerInt(int(fd), unix.TIOCSPTLCK, 0); failed == nil {
			n, failed = unix.IoctlGetInt(int(fd), unix.TIOCGPTN)
		}
	})
	if err := errors.Join(err, failed); err != nil {
		t.Fatal(err)
	}
	slave, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	tty := &terminal{master: master, slave: slave}
	go func() {
		// It ends when both ends are closed.
		_, _ = io.Copy(tty, master)
	}()
	t.Cleanup(func() {
		_ = slave.Close()
		_ = master.Close()
	})
	return tty
}

func (tty *terminal) Write(p []byte) (int, error) {
	tty.mu.Lock()
	defer tty.mu.Unlock()
	return tty.text.Write(p)
}

func (tty *terminal) output() string {
	tty.mu.Lock()
	defer tty.mu.Unlock()
	return tty.text.String()
}

func (tty *terminal) state(t *testing.T) unix.Termios {
	t.Helper()
	state, err := unix.IoctlGetTermios(int(tty.slave.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	return *state
}

func (tty *terminal) serve(t *testing.T) (url string) {
	t.Helper()
	file := filepath.Join("..", "testdata", "guests", "rust-hello", "rust-hello.wasm")
	tty.start(t, "serve", "--addr", "127.0.0.1:0", "--no-cache", file)
	tty.await(t, "q quit")
	return regexp.MustCompile(`http://[0-9.:]+/`).FindString(tty.output())
}

// start runs wasihttp in the terminal.
func (tty *terminal) start(t *testing.T, args ...string) {
	t.Helper()
	tty.command = exec.Command(os.Getenv(builtVariable), args...)
	tty.command.Stdin, tty.command.Stdout, tty.command.Stderr = tty.slave, tty.slave, tty.slave
	if tty.input != nil {
		tty.command.Stdin = tty.input
	}
	tty.command.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true, Ctty: 1}
	if err := tty.command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tty.command.Process.Kill() })
}

func (tty *terminal) press(t *testing.T, keys string) {
	t.Helper()
	if _, err := io.WriteString(tty.master, keys); err != nil {
		t.Fatal(err)
	}
}

func (tty *terminal) await(t *testing.T, text string) {
	t.Helper()
	await(t, text, func() bool { return strings.Contains(tty.output(), text) })
}

func TestKeys(t *testing.T) {
	if !ours() {
		return // keys are wasihttp's
	}
	// A browser that stays.
	tools := t.TempDir()
	if err := os.WriteFile(filepath.Join(tools, "xdg-open"), []byte("#!/bin/sh\necho \"$1\" >"+tools+"/opened\nexec sleep 10\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", tools+":"+os.Getenv("PATH"))
	tty := openTerminal(t)
	before := tty.state(t)
	url := tty.serve(t)
	if during := tty.state(t); during.Lflag&(unix.ICANON|unix.ECHO) != 0 || during.Lflag&unix.ISIG == 0 || during.Oflag != before.Oflag {
		t.Errorf("the terminal is %+v", during)
	}
	tty.press(t, "?")
	tty.await(t, "reload the component now")
	tty.press(t, "o")
	await(t, "the browser", func() bool {
		opened, err := os.ReadFile(filepath.Join(tools, "opened"))
		return err == nil && strings.TrimSpace(string(opened)) == url
	})
	tty.press(t, "r")
	tty.await(t, "the same build again")
	tty.press(t, "c")
	tty.await(t, "\x1b[2J")
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	if err := resp.Body.Close(); err != nil {
		t.Fatal(err)
	}
	tty.press(t, "q")
	if err := tty.command.Wait(); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff(before, tty.state(t)); diff != "" {
		t.Errorf("the terminal is not as it was (-before +after):\n%s", diff)
	}
}

func TestTheTerminalIsPutBackOnEveryWayOut(t *testing.T) {
	if !ours() {
		return // keys are wasihttp's
	}
	ways := map[string]func(t *testing.T, tty *terminal) error{
		"Ctrl-C":  func(t *testing.T, tty *terminal) error { tty.press(t, "\x03"); return nil },
		"Ctrl-\\": func(t *testing.T, tty *terminal) error { tty.press(t, "\x1c"); return nil },
		"SIGTERM": func(_ *testing.T, tty *terminal) error { return tty.command.Process.Signal(syscall.SIGTERM) },
		"SIGQUIT": func(_ *testing.T, tty *terminal) error { return tty.command.Process.Signal(syscall.SIGQUIT) },
	}
	for name, end := range ways {
		t.Run(name, func(t *testing.T) {
			tty := openTerminal(t)
			before := tty.state(t)
			tty.serve(t)
			if err := end(t, tty); err != nil {
				t.Fatal(err)
			}
			// How it ended is not the question.
			_ = tty.command.Wait()
			if diff := cmp.Diff(before, tty.state(t)); diff != "" {
				t.Errorf("the terminal is not as it was (-before +after):\n%s", diff)
			}
		})
	}
}

// TestReviewKeys accepts one difference, rejects one and ends, each with a single key.
func TestReviewKeys(t *testing.T) {
	if !ours() {
		return // fixtures are wasihttp's
	}
	t.Setenv("CI", "")
	fixture := filepath.Join(t.TempDir(), "f.hurl")
	if err := os.WriteFile(fixture,
		[]byte("GET http://localhost/\nHTTP 404 # one\n\nGET http://localhost/\nHTTP 404 # two\n\n"+
			"GET http://localhost/\nHTTP 404 # three\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	tty := openTerminal(t)
	before := tty.state(t)
	tty.start(t, "review", fixture, "--no-cache", "--component", rustKitchen().path)
	tty.await(t, "1 of 3: ")
	tty.press(t, "a")
	tty.await(t, "2 of 3: ")
	tty.press(t, "?r")
	tty.await(t, "3 of 3: ")
	tty.press(t, "q")
	var exit *exec.ExitError
	if err := tty.command.Wait(); !errors.As(err, &exit) || exit.ExitCode() != 4 {
		t.Errorf("it ended with %v, want code 4", err)
	}
	tty.await(t, "1 accepted, 1 rejected, 1 left")
	if diff := cmp.Diff(before, tty.state(t)); diff != "" {
		t.Errorf("the terminal is not as it was (-before +after):\n%s", diff)
	}
	content, err := os.ReadFile(fixture)
	if err != nil {
		t.Fatal(err)
	}
	sameText(t, "the fixture",
		"GET http://localhost/\nHTTP 200 # one\n\nGET http://localhost/\nHTTP 404 # two\n\n"+
			"GET http://localhost/\nHTTP 404 # three\n", string(content))
}
