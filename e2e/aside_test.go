package e2e

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
)

// oneFunction is a core module with one function of that many instructions that do nothing.
func oneFunction(size int) []byte {
	section := func(id byte, content []byte) []byte {
		return append(binary.AppendUvarint([]byte{id}, uint64(len(content))), content...)
	}
	body := append([]byte{0}, bytes.Repeat([]byte{1}, size)...)
	body = append(body, 0x0b)
	code := append(binary.AppendUvarint([]byte{1}, uint64(len(body))), body...)
	module := append([]byte("\x00asm\x01\x00\x00\x00"), section(1, []byte{1, 0x60, 0, 0})...)
	module = append(module, section(3, []byte{1, 0})...)
	return append(module, section(10, code)...)
}

// TestTheProgramCompilesForItself runs what a server starts to compile large modules.
func TestTheProgramCompilesForItself(t *testing.T) {
	if !ours() {
		return
	}
	module := oneFunction(4 << 20)
	var stderr bytes.Buffer
	start := func() (*exec.Cmd, io.WriteCloser, string) {
		t.Helper()
		folder := t.TempDir()
		command := exec.CommandContext(limited(t), os.Getenv(builtVariable), "compile-aside", folder, strconv.Itoa(len(module)))
		stderr.Reset()
		command.Stderr = &stderr
		in, err := command.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := command.Start(); err != nil {
			t.Fatal(err)
		}
		return command, in, folder
	}
	command, in, folder := start()
	if _, err := in.Write(module); err != nil {
		t.Error(err)
	}
	// Beside tests that take all processors it gives up, and the server would do it itself.
	err, starved := command.Wait(), strings.Contains(stderr.String(), "no processor time to spare")
	if left := entries(t, folder); (err != nil || len(left) != 1) && !starved {
		t.Errorf("%v: %s; left %q", err, stderr.String(), left)
	}

	// A server that has ended closes the pipe: while the module is compiled, and before.
	command, in, folder = start()
	if _, err := in.Write(module); err != nil {
		t.Error(err)
	}
	if err := in.Close(); err != nil {
		t.Error(err)
	}
	if err := command.Wait(); err == nil {
		t.Error("it went on without a server")
	}
	if _, err := os.Stat(folder); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("left %q, %v", entries(t, folder), err)
	}
	command, in, folder = start()
	if _, err := in.Write(module[:len(module)-1]); err != nil {
		t.Error(err)
	}
	if err := in.Close(); err != nil {
		t.Error(err)
	}
	if err := command.Wait(); err == nil {
		t.Error("it compiled half a module")
	}
	if _, err := os.Stat(folder); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("half a module: left %q, %v", entries(t, folder), err)
	}
}

// TestALargeComponentTakesOver puts a component that takes seconds to compile in the place of one
// that responds meanwhile.
func TestALargeComponentTakesOver(t *testing.T) {
	if !ours() {
		return
	}
	for _, g := range guests(t) {
		if g.name != "js-kitchen" {
			continue // one that is large is enough
		}
		file := filepath.Join(t.TempDir(), "app.wasm")
		put := func(from string) {
			t.Helper()
			data, err := os.ReadFile(from)
			if err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(os.WriteFile(file+".tmp", data, 0o600), os.Rename(file+".tmp", file)); err != nil {
				t.Fatal(err)
			}
		}
		put(rustKitchen().path)
		server := serve(t, file, "--cache-dir", t.TempDir())
		c := client(t)
		put(g.path)
		helped := false
		await(t, "the large component", func() bool {
			children, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", server.Pid()))
			for _, list := range children {
				pids, readErr := os.ReadFile(list) // the thread may have ended
				helped = helped || readErr == nil && len(pids) > 0
			}
			answer := get(t, c, server.URL+"/")
			if err != nil || answer != rustKitchen().hello && answer != g.hello {
				t.Errorf("got %q, %v", answer, err)
			}
			return answer == g.hello
		})
		if runtime.GOOS == "linux" && !helped {
			t.Error("it was compiled in the server")
		}
	}
}
