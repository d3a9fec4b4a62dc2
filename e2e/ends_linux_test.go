package e2e

import (
	"io"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Exit codes of a program that a signal has ended.
const (
	interrupted = 128 + int(syscall.SIGINT)
	terminated  = 128 + int(syscall.SIGTERM)
)

// goesOn stands for a state that one signal does not end: it asks to end in order, which takes as
// long as it takes.
const goesOn = -1

// command is a state of a command: how to get there, and how one interrupt ends it.
type command struct {
	name     string
	args     func(t *testing.T) []string
	terminal bool
	ready    func(t *testing.T, r *running)
	one      int // the exit code
}

// always returns arguments that need no preparation.
func always(args ...string) func(*testing.T) []string {
	return func(*testing.T) []string { return args }
}

// bad returns the path of a component that serve would not take.
func bad(name string) string {
	return filepath.Join("..", "testdata", "guests", "bad", name+".wasm")
}

// printsOut waits until the program has written to its standard output, of which nobody reads more
// than a page.
func printsOut(t *testing.T, r *running) { hasOutput(t, r.stdout) }

// says waits for a text in the terminal.
func says(text string) func(*testing.T, *running) {
	return func(t *testing.T, r *running) { r.tty.await(t, text) }
}

func computes(t *testing.T, r *running) { r.isBusy(t) }

// servingStates returns the states of serve.
func servingStates() []command {
	serving := func(args ...string) []string {
		return append([]string{"serve", "--addr", "127.0.0.1:0", "--no-cache",
			"--timeout", "0", "--drain-timeout", "1h"}, args...)
	}
	hello := filepath.Join("..", "testdata", "guests", "rust-hello", "rust-hello.wasm")
	return []command{
		{"serve compiles", func(t *testing.T) []string { return serving(slowToCompile(t, hello)) },
			true, says("compiling"), interrupted},
		{"serve builds", func(t *testing.T) []string {
			return serving(hello, "--source", t.TempDir(), "--exec", "echo building; sleep 1000")
		}, false, func(t *testing.T, r *running) { hasOutput(t, r.stderr) }, interrupted},
		{"serve waits", always(serving(hello)...),
			false, func(t *testing.T, r *running) { r.url(t) }, 0},
		{"serve has a client that does not read", always(serving(rustKitchen().path)...),
			false, func(t *testing.T, r *running) {
				resp, err := client(t).Get(r.url(t) + "sse?n=0&ms=1000")
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { _ = resp.Body.Close() })
			}, goesOn},
		{"serve has a guest that computes", always(serving(rustKitchen().path)...),
			false, func(t *testing.T, r *running) {
				url, sent := r.url(t), make(chan struct{})
				go func() {
					defer close(sent)
					if resp, err := client(t).Get(url + "spin"); err == nil {
						_ = resp.Body.Close()
					}
				}()
				t.Cleanup(func() { <-sent })
				r.isBusy(t)
			}, goesOn},
	}
}

// testingStates returns the states of test and review.
func testingStates() []command {
	// run returns the arguments of a command that runs fixtures against the kitchen.
	run := func(name string, flags ...string) func(fixtures ...string) func(*testing.T) []string {
		return func(fixtures ...string) func(*testing.T) []string {
			return func(t *testing.T) []string {
				args := append([]string{name, "--no-cache", "--component", rustKitchen().path}, flags...)
				for _, text := range fixtures {
					args = append(args, fixture(t, text))
				}
				return args
			}
		}
	}
	const get, differs = "GET http://localhost/\n", "GET http://localhost/\nHTTP 404\n"
	return []command{
		{"test reads", always("test", "--no-cache", "--component", rustKitchen().path, "-"),
			false, func(t *testing.T, r *running) {
				// More than the pipe holds.
				if _, err := io.WriteString(r.stdin, strings.Repeat("# comment\n", 10_000)); err != nil {
					t.Fatal(err)
				}
			}, interrupted},
		{"test compiles", func(t *testing.T) []string {
			slow := slowToCompile(t, rustKitchen().path)
			return []string{"test", fixture(t, get), "--no-cache", "--component", slow}
		}, true, says("compiling"), interrupted},
		{"test has a guest that waits", run("test", "--timeout", "0")(get, get+"HTTP 200\n"+
			"GET http://localhost/sleep?ms=6000000\n"), false, printsOut, interrupted},
		{"test has a guest that computes", run("test", "--timeout", "0")("GET http://localhost/spin\n"),
			false, computes, interrupted},
		{"test evaluates", run("test")("POST http://localhost/echo\n```\n<html>" +
			strings.Repeat("<p>x</p>", 60_000) + "</html>\n```\nHTTP 200\n[Asserts]\n" +
			`xpath "count(//p[not(. = following::p/text()[. = 'y'])])" == 1` + "\n"),
			false, computes, interrupted},
		{"test reports", run("test", "--repeat", "1000")(differs), false, printsOut, goesOn},
		{"test lists", run("test", "--list")(strings.Repeat(get, 10_000)), false, printsOut, goesOn},
		{"test watches", run("test", "--watch")(get), true, says("waiting for changes"), 0},
		{"review asks", run("review")(differs), true, says("1 of 1: "), interrupted},
		{"review asks without a terminal", run("review")(differs), false, printsOut, interrupted},
	}
}

// otherStates returns the states of the other commands.
func otherStates() []command {
	return []command{
		{"run compiles", func(t *testing.T) []string {
			return []string{"run", "--no-cache", slowToCompile(t, bad("command-cat"))}
		}, true, says("compiling"), interrupted},
		{"run computes", always("run", "--no-cache", bad("command-spin")), false, computes, interrupted},
		{"run reads", always("run", "--no-cache", bad("command-cat")), false, printsOut, interrupted},
		{"run writes", always("run", "--no-cache", bad("command-cat")),
			false, func(t *testing.T, r *running) {
				hasOutput(t, r.stdout)
				// More than the pipe of the output holds; that of the input is larger.
				if _, err := io.WriteString(r.stdin, strings.Repeat("x", 50_000)); err != nil {
					t.Fatal(err)
				}
			}, interrupted},
		{"inspect writes", always("inspect", "--json", rustKitchen().path), false, printsOut, interrupted},
		{"convert writes", func(t *testing.T) []string {
			return []string{"convert", "-o", t.TempDir(), archive(t, 500)}
		}, false, printsOut, interrupted},
		{"config writes", always("config", "--json"), false, printsOut, interrupted},
		{"compile-aside reads", func(t *testing.T) []string {
			return []string{"compile-aside", t.TempDir(), "100000000"}
		}, false, func(t *testing.T, r *running) {
			if _, err := r.stdin.Write(make([]byte, 200_000)); err != nil {
				t.Fatal(err)
			}
		}, interrupted},
	}
}

// TestEndsWhenTold sends one signal, or two of different kinds, to every command in every state.
func TestEndsWhenTold(t *testing.T) {
	if !ours() {
		return // the exit codes are wasihttp's
	}
	t.Setenv("CI", "")
	states := append(servingStates(), testingStates()...)
	for _, tt := range append(states, otherStates()...) {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel() // most of it is waiting
			if tt.one != goesOn {
				r := begin(t, tt.terminal, tt.args(t)...)
				tt.ready(t, r)
				r.signal(t, syscall.SIGINT)
				if code := r.await(t); code != tt.one {
					t.Errorf("exit code %d after an interrupt, want %d", code, tt.one)
				}
			}
			r := begin(t, tt.terminal, tt.args(t)...)
			tt.ready(t, r)
			r.signal(t, syscall.SIGINT)
			r.signal(t, syscall.SIGTERM)
			// The first may have been enough, and which comes first is the system's affair.
			if code := r.await(t); code != terminated && code != interrupted && code != tt.one {
				t.Errorf("exit code %d after an interrupt and a termination", code)
			}
		})
	}
}

// TestNobodyHasToReadTheLog sends requests to a server whose output nobody reads, and more of it
// than any pipe or queue holds.
func TestNobodyHasToReadTheLog(t *testing.T) {
	if !ours() {
		return // other servers may block
	}
	r := begin(t, false, "serve", "--addr", "127.0.0.1:0", "--no-cache", rustKitchen().path)
	url, c := r.url(t), client(t)
	long := strings.Repeat("long", 10_000)
	for range 100 {
		sameText(t, "response", "hello from rust\n", get(t, c, url+"?"+long)) // for the access log
		sameText(t, "response", "logged\n", get(t, c, url+"log"))             // for the guest's output
	}
	r.signal(t, syscall.SIGINT)
	if code := r.await(t); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// TestTheTerminalIsPutBackThoughItTakesNoOutput stops the terminal's output in the middle of a
// review.
func TestTheTerminalIsPutBackThoughItTakesNoOutput(t *testing.T) {
	if !ours() {
		return // keys are wasihttp's
	}
	t.Setenv("CI", "")
	tty := openTerminal(t)
	before := tty.state(t)
	tty.start(t, "review", "--no-cache", "--component", rustKitchen().path,
		fixture(t, "GET http://localhost/\nHTTP 404\n\nGET http://localhost/\nHTTP 404\n"))
	tty.await(t, "1 of 2: ")
	tty.press(t, "\x13s")
	r := &running{command: tty.command, ended: make(chan error, 1)}
	go func() { r.ended <- tty.command.Wait() }()
	r.signal(t, syscall.SIGINT)
	r.signal(t, syscall.SIGTERM)
	if code := r.await(t); code != terminated && code != interrupted {
		t.Errorf("exit code %d", code)
	}
	if diff := cmp.Diff(before, tty.state(t)); diff != "" {
		t.Errorf("the terminal is not as it was (-before +after):\n%s", diff)
	}
}
