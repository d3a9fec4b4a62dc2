package e2e

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// running is the program in the middle of something.
type running struct {
	command *exec.Cmd
	stdin   io.WriteCloser
	stdout  *os.File // its reading end, from which nothing is read
	stderr  *os.File
	tty     *terminal // in place of the three, if the program runs in a terminal
	ended   chan error
}

// begin starts the program. Its streams are pipes of a page each, or those of a terminal.
func begin(t *testing.T, inTerminal bool, args ...string) *running {
	t.Helper()
	r := &running{ended: make(chan error, 1)}
	if inTerminal {
		r.tty = openTerminal(t)
		r.tty.start(t, args...)
		r.command = r.tty.command
	} else {
		r.command = exec.Command(os.Getenv(builtVariable), args...)
		var err error
		if r.stdin, err = r.command.StdinPipe(); err != nil {
			t.Fatal(err)
		}
		for _, stream := range []struct {
			into *io.Writer
			end  **os.File
		}{{&r.command.Stdout, &r.stdout}, {&r.command.Stderr, &r.stderr}} {
			reader, writer, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			if _, err := unix.FcntlInt(writer.Fd(), unix.F_SETPIPE_SZ, os.Getpagesize()); err != nil {
				t.Fatal(err)
			}
			defer writer.Close()
			t.Cleanup(func() { _ = reader.Close() })
			*stream.into, *stream.end = writer, reader
		}
		if err := r.command.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = r.stdin.Close() })
	}
	go func() { r.ended <- r.command.Wait() }()
	t.Cleanup(func() {
		_ = r.command.Process.Kill()
		if r.ended != nil {
			<-r.ended
		}
	})
	return r
}

// await waits until the program has ended and returns its exit code.
func (r *running) await(t *testing.T) int {
	t.Helper()
	select {
	case err := <-r.ended:
		r.ended = nil
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			return exit.ExitCode()
		}
		if err != nil {
			t.Fatal(err)
		}
		return 0
	case <-time.After(20 * time.Second):
		t.Fatal("it goes on")
		return 0
	}
}

func (r *running) signal(t *testing.T, s os.Signal) {
	t.Helper()
	if err := r.command.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		t.Fatal(err)
	}
}

// hasOutput waits until there is something to read, and leaves it.
func hasOutput(t *testing.T, pipe *os.File) {
	t.Helper()
	poll := []unix.PollFd{{Fd: int32(pipe.Fd()), Events: unix.POLLIN}}
	for {
		switch n, err := unix.Poll(poll, int(patience.Milliseconds())); {
		case err == unix.EINTR:
			continue
		case err != nil || n != 1 || poll[0].Revents&unix.POLLIN == 0:
			t.Fatalf("no output: %v", err)
		}
		return
	}
}

// isBusy waits until the program has used a processor for a while, which is more than it needs to
// start.
func (r *running) isBusy(t *testing.T) {
	t.Helper()
	const ticks = 40 // hundredths of a second
	await(t, "use of the processor", func() bool {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", r.command.Process.Pid))
		if err != nil {
			t.Fatal(err)
		}
		_, rest, _ := bytes.Cut(stat, []byte(") "))
		fields := strings.Fields(string(rest))
		user, err1 := strconv.Atoi(fields[11])
		system, err2 := strconv.Atoi(fields[12])
		if err := errors.Join(err1, err2); err != nil {
			t.Fatal(err)
		}
		return user+system >= ticks
	})
}

// url reads the address from the announcement of a server.
func (r *running) url(t *testing.T) string {
	t.Helper()
	var text []byte
	for {
		b := make([]byte, 1000)
		n, err := r.stderr.Read(b)
		text = append(text, b[:n]...)
		if found := regexp.MustCompile(`(?m)^Serving HTTP on (\S+/)$`).FindSubmatch(text); found != nil {
			return string(found[1])
		}
		if err != nil {
			t.Fatalf("no address: %v\n%s", err, text)
		}
	}
}

// slowToCompile returns the path of a component that takes minutes to compile: that in the file, and a
// module with one function of very many blocks.
func slowToCompile(t *testing.T, path string) string {
	t.Helper()
	base, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	section := func(id byte, content []byte) []byte {
		return append(binary.AppendUvarint([]byte{id}, uint64(len(content))), content...)
	}
	// if (local 0) { local 0 = local 0 + 1 }
	block := []byte{0x20, 0, 0x04, 0x40, 0x20, 0, 0x41, 1, 0x6a, 0x21, 0, 0x0b}
	body := append(append([]byte{0}, bytes.Repeat(block, 100_000)...), 0x0b)
	module := append([]byte("\x00asm\x01\x00\x00\x00"), section(1, []byte{1, 0x60, 1, 0x7f, 0})...)
	module = append(module, section(3, []byte{1, 0})...)
	module = append(module, section(10, append(binary.AppendUvarint([]byte{1}, uint64(len(body))), body...))...)
	modules := 0
	for rest := base[8:]; len(rest) > 0; {
		size, n := binary.Uvarint(rest[1:])
		if rest[0] == 1 {
			modules++
		}
		rest = rest[1+n+int(size):]
	}
	slow := append(bytes.Clone(base), section(1, module)...)
	slow = append(slow, section(2, append(binary.AppendUvarint([]byte{1, 0}, uint64(modules)), 0))...)
	file := filepath.Join(t.TempDir(), "slow.wasm")
	if err := os.WriteFile(file, slow, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func fixture(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "f.hurl")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// goesOn stands for a state that one signal does not end: it asks to end in order, which takes as long
// as it takes.
const goesOn = -1

// TestEndsWhenTold sends one signal, or two of different kinds, to every command in every state.
func TestEndsWhenTold(t *testing.T) {
	if !ours() {
		return // the exit codes are wasihttp's
	}
	t.Setenv("CI", "")
	command := func(name string) string { return filepath.Join("..", "testdata", "guests", "bad", name+".wasm") }
	hello := filepath.Join("..", "testdata", "guests", "rust-hello", "rust-hello.wasm")
	kitchen := []string{"--no-cache", "--component", rustKitchen().path, "--timeout", "0"}
	const interrupted, terminated = 130, 143
	output := func(t *testing.T, r *running) { hasOutput(t, r.stdout) }
	compiling := func(t *testing.T, r *running) { r.tty.await(t, "compiling") }
	busy := func(t *testing.T, r *running) { r.isBusy(t) }
	// asked sends a request, and reads nothing of the response but its head.
	asked := func(t *testing.T, r *running, path string) {
		resp, err := client(t).Get(r.url(t) + path)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = resp.Body.Close() })
	}
	serving := func(flags ...string) []string {
		return append([]string{"serve", "--addr", "127.0.0.1:0", "--no-cache", "--timeout", "0", "--drain-timeout", "1h"}, flags...)
	}
	for _, tt := range []struct {
		name     string
		args     func(t *testing.T) []string
		terminal bool
		ready    func(t *testing.T, r *running)
		one      int // the exit code after an interrupt
	}{
		{"serve compiles", func(t *testing.T) []string { return serving(slowToCompile(t, hello)) }, true, compiling, 0},
		{"serve builds", func(t *testing.T) []string {
			return serving(hello, "--source", t.TempDir(), "--exec", "echo building; sleep 1000")
		}, false, func(t *testing.T, r *running) { hasOutput(t, r.stderr) }, 0},
		{"serve waits", func(t *testing.T) []string { return serving(hello) }, false,
			func(t *testing.T, r *running) { r.url(t) }, 0},
		{"serve waits for a guest", func(t *testing.T) []string { return serving(rustKitchen().path) }, false,
			func(t *testing.T, r *running) { asked(t, r, "sse?n=0&ms=1000") }, goesOn},
		{"serve has a guest compute", func(t *testing.T) []string { return serving(rustKitchen().path) }, false,
			func(t *testing.T, r *running) {
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
		{"test reads", func(t *testing.T) []string { return append([]string{"test", "-"}, kitchen...) }, false, func(t *testing.T, r *running) {
			// More than the pipe holds.
			if _, err := io.WriteString(r.stdin, strings.Repeat("# comment\n", 10_000)); err != nil {
				t.Fatal(err)
			}
		}, interrupted},
		{"test compiles", func(t *testing.T) []string {
			return []string{"test", fixture(t, "GET http://localhost/"), "--no-cache", "--component", slowToCompile(t, hello)}
		}, true, compiling, interrupted},
		{"test waits for a guest", func(t *testing.T) []string {
			return append([]string{"test", fixture(t, "GET http://localhost/"), fixture(t, "GET http://localhost/sleep?ms=6000000")}, kitchen...)
		}, false, output, interrupted},
		{"test has a guest compute", func(t *testing.T) []string {
			return append([]string{"test", fixture(t, "GET http://localhost/spin")}, kitchen...)
		}, false, busy, interrupted},
		{"test reports", func(t *testing.T) []string {
			return append([]string{"test", "--repeat", "1000", fixture(t, "GET http://localhost/\nHTTP 404")}, kitchen...)
		}, false, output, goesOn},
		{"test lists", func(t *testing.T) []string {
			return append([]string{"test", "--list", fixture(t, strings.Repeat("GET http://localhost/\n", 10_000))}, kitchen...)
		}, false, output, goesOn},
		{"test watches", func(t *testing.T) []string {
			return append([]string{"test", "--watch", fixture(t, "GET http://localhost/")}, kitchen...)
		}, true, func(t *testing.T, r *running) { r.tty.await(t, "waiting for changes") }, 0},
		{"review asks", func(t *testing.T) []string {
			return append([]string{"review", fixture(t, "GET http://localhost/\nHTTP 404")}, kitchen...)
		}, true, func(t *testing.T, r *running) { r.tty.await(t, "1 of 1: ") }, interrupted},
		{"review asks without a terminal", func(t *testing.T) []string {
			return append([]string{"review", fixture(t, "GET http://localhost/\nHTTP 404")}, kitchen...)
		}, false, output, interrupted},
		{"run compiles", func(t *testing.T) []string {
			return []string{"run", "--no-cache", slowToCompile(t, command("command-cat"))}
		}, true, compiling, interrupted},
		{"run computes", func(t *testing.T) []string { return []string{"run", "--no-cache", command("command-spin")} }, false, busy, interrupted},
		{"run reads", func(t *testing.T) []string { return []string{"run", "--no-cache", command("command-cat")} }, false, output, interrupted},
		{"run writes", func(t *testing.T) []string { return []string{"run", "--no-cache", command("command-cat")} }, false, func(t *testing.T, r *running) {
			hasOutput(t, r.stdout)
			// More than the pipe of the output holds; that of the input is larger.
			if _, err := io.WriteString(r.stdin, strings.Repeat("x", 50_000)); err != nil {
				t.Fatal(err)
			}
		}, interrupted},
		{"inspect writes", func(t *testing.T) []string { return []string{"inspect", "--json", rustKitchen().path} }, false, output, interrupted},
		{"convert writes", func(t *testing.T) []string { return []string{"convert", "-o", t.TempDir(), archive(t, 500)} }, false, output, interrupted},
		{"completion writes", func(t *testing.T) []string { return []string{"completion", "fish"} }, false, output, interrupted},
		{"compile-aside reads", func(t *testing.T) []string { return []string{"compile-aside", t.TempDir(), "100000000"} }, false,
			func(t *testing.T, r *running) {
				if _, err := r.stdin.Write(make([]byte, 200_000)); err != nil {
					t.Fatal(err)
				}
			}, interrupted},
	} {
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
			if code := r.await(t); code != terminated && code != tt.one {
				t.Errorf("exit code %d after an interrupt and a termination, want %d", code, terminated)
			}
		})
	}
}

// archive writes an HTTP Archive with a number of exchanges and returns its path.
func archive(t *testing.T, exchanges int) string {
	t.Helper()
	entry := `{"startedDateTime":"2026-01-01T00:00:00Z","time":1,"request":{"method":"GET","url":"http://localhost/","httpVersion":"HTTP/1.1","headers":[],"queryString":[],"cookies":[],"headersSize":-1,"bodySize":0},` +
		`"response":{"status":200,"statusText":"OK","httpVersion":"HTTP/1.1","headers":[],"cookies":[],"content":{"size":2,"mimeType":"text/plain","text":"ok"},"redirectURL":"","headersSize":-1,"bodySize":2},"cache":{},"timings":{"send":0,"wait":1,"receive":0}}`
	text := `{"log":{"version":"1.2","creator":{"name":"test","version":"1"},"entries":[` + strings.TrimSuffix(strings.Repeat(entry+",", exchanges), ",") + `]}}`
	path := filepath.Join(t.TempDir(), "session.har")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestNobodyHasToReadTheLog sends requests to a server whose output nobody reads, and more of it than
// any pipe or queue holds.
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

// TestTheTerminalIsPutBackThoughItTakesNoOutput stops the terminal's output in the middle of a review.
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
	if code := r.await(t); code != 143 {
		t.Errorf("exit code %d", code)
	}
	if diff := cmp.Diff(before, tty.state(t)); diff != "" {
		t.Errorf("the terminal is not as it was (-before +after):\n%s", diff)
	}
}
