package e2e

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// programsDiffer says where wasmtime 49 does something else, by function: in all else it must print
// the same and end with the same code.
func programsDiffer(program, function string) string {
	const (
		late   = "a read that does not block finds nothing at first"
		fifo   = "a FIFO is unknown"
		status = "the exit code of what the host finds wrong is 1"
	)
	return map[string]map[string]string{
		"rust-files": {
			"read-via-stream": late, "splice": late, "set-times": "a folder is a bad-descriptor",
			"read-directory": fifo, "stat-at": fifo + "; a slash after the name of a file is ignored",
			"remove-directory-at": "a slash after the name is invalid",
		},
		"rust-files-p3": {
			"set-times": "a folder is a bad-descriptor", "read-directory": fifo,
			"stat-at":             fifo + "; a slash after the name of a file is ignored",
			"remove-directory-at": "a slash after the name is invalid",
		},
		"rust-preview1": {"poll_oneoff": late},
		"rust-process": {
			"get-stdin":    "a read of no bytes after the end finds none",
			"poll-nothing": status, "zeroes-too-many": status, "bytes-too-many": status,
			"random-too-many": status, "stdin-before-its-pollable": status,
		},
	}[program][function]
}

// runProgram runs a program in a new folder and returns what it prints, and its exit code if that
// is not 0. args begin with the name of a function.
func runProgram(t *testing.T, command []string, program string, args ...string) string {
	t.Helper()
	all := slices.Concat(command[1:], []string{"--dir", filesRoot(t) + "::/",
		"--env", "A=1", "--env", "B=", "--env", "c=x=y ü", program}, args)
	run := exec.CommandContext(limited(t), command[0], all...)
	run.Stdin = strings.NewReader("0123456789abcdefghij")
	out, err := run.Output()
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		return string(out) + exit.String() + "\n"
	case err != nil:
		t.Fatal(err)
	}
	return string(out)
}

// TestProgramsRunAsOnOtherHosts has programs call each function of wasi:filesystem, of wasi:cli and
// what belongs to it, and of preview 1. expected.txt beside each has, for each function, what it
// prints: the same on wasmtime, but for programsDiffer. The headings are the arguments, with | in
// between.
func TestProgramsRunAsOnOtherHosts(t *testing.T) {
	for name, functions := range map[string]int{
		"rust-files": 20, "rust-files-p3": 20, "rust-files-std": 1, "rust-preview1": 35,
		"rust-process": 30,
	} {
		folder := filepath.Join("..", "testdata", "guests", name)
		program := filepath.Join(folder, name+".wasm")
		text, err := os.ReadFile(filepath.Join(folder, "expected.txt"))
		if err != nil {
			t.Fatal(err)
		}
		sections := strings.Split(string(text), "== ")[1:]
		if len(sections) < functions {
			t.Fatalf("%s: only %d functions", name, len(sections))
		}
		for _, section := range sections {
			heading, want, _ := strings.Cut(section, "\n")
			args := strings.Split(heading, "|")
			t.Run(name+"/"+heading, func(t *testing.T) {
				t.Parallel()
				own := []string{os.Getenv(builtVariable), "run", "--cwd", "/srv ü"}
				sameText(t, "output", want, runProgram(t, own, program, args...))
				peer := os.Getenv(wasmtimeVariable)
				if peer == "" {
					return
				}
				other := []string{peer, "run", "-Wcomponent-model-async=y",
					"-Sp3=y,cli-exit-with-code=y", "-Scwd=/srv ü"}
				got := runProgram(t, other, program, args...)
				if why := programsDiffer(name, args[0]); why == "" {
					sameText(t, "output of wasmtime", want, got)
				} else if got == want {
					t.Errorf("wasmtime does the same now, in spite of: %s", why)
				}
			})
		}
	}
}

// TestTerminalsAreSeen runs a program with one of its streams in a terminal.
func TestTerminalsAreSeen(t *testing.T) {
	program := filepath.Join("..", "testdata", "guests", "rust-process", "rust-process.wasm")
	for i, name := range []string{"stdin", "stdout", "stderr"} {
		for j, asked := range []string{"stdin", "stdout", "stderr"} {
			tty := openTerminal(t)
			run := exec.CommandContext(limited(t), os.Getenv(builtVariable), "run", program,
				"get-terminal-"+asked)
			var out strings.Builder
			run.Stdout = &out
			shown := out.String
			switch i {
			case 0:
				run.Stdin = tty.slave
			case 1:
				run.Stdout, shown = tty.slave, tty.output
			case 2:
				run.Stderr = tty.slave
			}
			if err := run.Run(); err != nil {
				t.Fatal(err)
			}
			want := "terminal: false"
			if i == j {
				want = "terminal: true"
			}
			if i == 1 {
				tty.await(t, want) // it goes through the terminal
			} else if got := shown(); !strings.HasPrefix(got, want) {
				t.Errorf("%s is a terminal, asked for %s: %q", name, asked, got)
			}
		}
	}
}
