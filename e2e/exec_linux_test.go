package e2e

import (
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// witness is a pipe that processes hold open: reading it ends when the last of them has ended.
type witness struct {
	path string
	file *os.File
}

func newWitness(t *testing.T) *witness {
	t.Helper()
	w := &witness{path: filepath.Join(t.TempDir(), "witness")}
	if err := unix.Mkfifo(w.path, 0o600); err != nil {
		t.Fatal(err)
	}
	return w
}

// awaitHolders waits until somebody holds the pipe and has written a line for each of n processes.
func (w *witness) awaitHolders(t *testing.T, n int) {
	t.Helper()
	opened := make(chan error, 1)
	go func() {
		var err error
		if w.file, err = os.OpenFile(w.path, os.O_RDONLY, 0); err == nil {
			_, err = io.ReadFull(w.file, make([]byte, n))
		}
		opened <- err
	}()
	select {
	case err := <-opened:
		if err != nil {
			t.Fatal(err)
		}
	case <-time.After(patience):
		t.Fatal("nobody opens the witness")
	}
	t.Cleanup(func() { _ = w.file.Close() })
}

// awaitEnd waits until nobody holds the pipe any more.
func (w *witness) awaitEnd(t *testing.T) {
	t.Helper()
	ended := make(chan error, 1)
	go func() {
		_, err := io.Copy(io.Discard, w.file)
		ended <- err
	}()
	select {
	case err := <-ended:
		if err != nil {
			t.Fatal(err)
		}
	case <-time.After(patience):
		t.Fatal("a process that --exec has started goes on")
	}
}

// TestWhatExecHasStartedEndsWithServe has commands that leave processes behind, which do not want
// to end, and ends serve in every way.
func TestWhatExecHasStartedEndsWithServe(t *testing.T) {
	if !ours() {
		return // --exec is wasihttp's
	}
	// Each process holds the witness and says so with a byte.
	commands := map[string]string{
		"runs":      `exec 9>'%s'; trap '' TERM HUP INT; (echo >&9; exec sleep 1000) & (echo >&9; sleep 1000; true) & echo >&9; sleep 1000; true`,
		"has ended": `exec 9>'%s'; trap '' TERM HUP INT; (echo >&9; exec sleep 1000) & (echo >&9; sleep 1000; true) & echo >&9`,
	}
	ways := map[string]func(t *testing.T, r *running){
		"one signal":  func(t *testing.T, r *running) { r.signal(t, syscall.SIGINT) },
		"two signals": func(t *testing.T, r *running) { r.signal(t, syscall.SIGINT); r.signal(t, syscall.SIGTERM) },
		"killed":      func(t *testing.T, r *running) { r.signal(t, syscall.SIGKILL) },
		// It ends like a panic: with its goroutines on display.
		"crashed": func(t *testing.T, r *running) { r.signal(t, syscall.SIGQUIT) },
	}
	for state, script := range commands {
		for way, end := range ways {
			t.Run(state+", "+way, func(t *testing.T) {
				t.Parallel() // most of it is waiting
				held := newWitness(t)
				r := begin(t, false, "serve", "--addr", "127.0.0.1:0", "--no-cache", "--source", t.TempDir(),
					"--exec", fmt.Sprintf(script, held.path), rustKitchen().path)
				held.awaitHolders(t, 3)
				if state == "has ended" {
					r.url(t)
				}
				go func() { _, _ = io.Copy(io.Discard, r.stderr) }()
				end(t, r)
				r.await(t)
				held.awaitEnd(t)
			})
		}
	}
}

// TestWhatExecHasStartedMayEndInOrder has a command that does something when it is to end.
func TestWhatExecHasStartedMayEndInOrder(t *testing.T) {
	if !ours() {
		return // --exec is wasihttp's
	}
	held, note := newWitness(t), filepath.Join(t.TempDir(), "note")
	script := fmt.Sprintf(`exec 9>'%s'; trap "echo ended >'%s'; exit" TERM; echo >&9; sleep 1000 & wait`,
		held.path, note)
	r := begin(t, false, "serve", "--addr", "127.0.0.1:0", "--no-cache", "--source", t.TempDir(),
		"--exec", script, rustKitchen().path)
	held.awaitHolders(t, 1)
	go func() { _, _ = io.Copy(io.Discard, r.stderr) }()
	r.signal(t, syscall.SIGINT)
	r.await(t)
	held.awaitEnd(t)
	if text, err := os.ReadFile(note); err != nil || string(text) != "ended\n" {
		t.Errorf("the command noted %q, %v", text, err)
	}
}

// TestWhatExecHasStartedEndsWithItsGuard kills the process that would end the command's processes.
func TestWhatExecHasStartedEndsWithItsGuard(t *testing.T) {
	if !ours() {
		return // --exec is wasihttp's
	}
	held, note := newWitness(t), filepath.Join(t.TempDir(), "note")
	script := fmt.Sprintf(`exec 9>'%s'; echo $PPID >'%s'; (echo >&9; exec sleep 1000) & echo >&9; wait`,
		held.path, note)
	r := begin(t, false, "serve", "--addr", "127.0.0.1:0", "--no-cache", "--source", t.TempDir(),
		"--exec", script, rustKitchen().path)
	held.awaitHolders(t, 2)
	go func() { _, _ = io.Copy(io.Discard, r.stderr) }()
	text, err := os.ReadFile(note)
	if err != nil {
		t.Fatal(err)
	}
	guard, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil || guard <= 1 || guard == r.command.Process.Pid {
		t.Fatalf("the guard is process %s: %v", text, err)
	}
	if err := syscall.Kill(guard, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	held.awaitEnd(t)
	r.signal(t, syscall.SIGINT)
	r.await(t)
}

// TestAClosedTerminalEndsServe closes the terminal of a server that does not read from it.
func TestAClosedTerminalEndsServe(t *testing.T) {
	if !ours() {
		return // other servers may do as they like
	}
	// What is ignored here, as below nohup, would be ignored there; what is caught is not.
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	defer signal.Stop(hangups)
	held := newWitness(t)
	tty := openTerminal(t)
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	tty.input = null
	tty.start(t, "serve", "--addr", "127.0.0.1:0", "--no-cache", "--source", t.TempDir(),
		"--exec", fmt.Sprintf("exec 9>'%s'; (echo >&9; exec sleep 1000) &", held.path), rustKitchen().path)
	held.awaitHolders(t, 1)
	tty.await(t, "Serving HTTP on")
	if err := tty.command.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	tty.await(t, "the same build again")
	if err := tty.slave.Close(); err != nil {
		t.Fatal(err)
	}
	if err := tty.master.Close(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- tty.command.Wait() }()
	select {
	case err := <-ended:
		if err != nil {
			t.Errorf("it ended with %v", err)
		}
	case <-time.After(patience):
		t.Fatal("it goes on")
	}
	held.awaitEnd(t)
}
