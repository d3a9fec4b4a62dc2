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
	"testing"
	"time"

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
	case <-time.After(patience):
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

// slowToCompile returns the path of a component that takes minutes to compile: that in the file,
// and a module with one function of very many blocks.
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
	code := append(binary.AppendUvarint([]byte{1}, uint64(len(body))), body...)
	module = append(module, section(10, code)...)
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

// archive writes an HTTP Archive with a number of exchanges and returns its path.
func archive(t *testing.T, exchanges int) string {
	t.Helper()
	const entry = `{"startedDateTime": "2026-01-01T00:00:00Z", "time": 1, "cache": {}, "timings": {},
		"request": {"method": "GET", "url": "http://localhost/", "httpVersion": "HTTP/1.1", "headers": []},
		"response": {"status": 200, "statusText": "OK", "httpVersion": "HTTP/1.1", "headers": [],
			"content": {"size": 2, "mimeType": "text/plain", "text": "ok"}}}`
	text := `{"log": {"version": "1.2", "creator": {"name": "test", "version": "1"}, "entries": [` +
		entry + strings.Repeat(","+entry, exchanges-1) + `]}}`
	path := filepath.Join(t.TempDir(), "session.har")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
