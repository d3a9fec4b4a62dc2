package e2e

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// runCat returns the command that runs a program which prints its one argument and then copies its
// input.
func runCat(t *testing.T) *exec.Cmd {
	t.Helper()
	return exec.CommandContext(limited(t), os.Getenv(builtVariable), "run", filepath.Join("..", "testdata", "guests", "bad", "command-cat.wasm"))
}

const catBanner = "command-cat.wasm\n"

func TestRunPassesBytesThrough(t *testing.T) {
	random := make([]byte, 3<<20+7)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(random) // it never fails
	command := runCat(t)
	command.Stdin = bytes.NewReader(random)
	got, err := command.Output()
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, append([]byte(catBanner), random...)) {
		t.Errorf("%d bytes came back for %d, or others", len(got)-len(catBanner), len(random))
	}
}

// TestRunAnswersWhileTheInputIsOpen has a program that reads and writes in turns.
func TestRunAnswersWhileTheInputIsOpen(t *testing.T) {
	command := runCat(t)
	stdin, err1 := command.StdinPipe()
	stdout, err2 := command.StdoutPipe()
	if err := errors.Join(err1, err2, command.Start()); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{catBanner, "one", "two"} {
		if text != catBanner {
			if _, err := io.WriteString(stdin, text); err != nil {
				t.Fatal(err)
			}
		}
		got := make([]byte, len(text))
		if _, err := io.ReadFull(stdout, got); err != nil || string(got) != text {
			t.Fatalf("%q, %v, want %q", got, err, text)
		}
	}
	if err := errors.Join(stdin.Close(), command.Wait()); err != nil {
		t.Error(err)
	}
}

// TestRunTellsTheProgramThatNobodyReads closes the output: that is an error for the program, and no
// end for who runs it.
func TestRunTellsTheProgramThatNobodyReads(t *testing.T) {
	command := runCat(t)
	stdin, err1 := command.StdinPipe()
	stdout, err2 := command.StdoutPipe()
	if err := errors.Join(err1, err2, command.Start()); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(stdout, make([]byte, len(catBanner))); err != nil {
		t.Fatal(err)
	}
	if err := stdout.Close(); err != nil {
		t.Fatal(err)
	}
	_, _ = io.WriteString(stdin, "for nobody") // the program may have ended
	var exit *exec.ExitError
	if err := command.Wait(); !errors.As(err, &exit) || exit.ExitCode() != 1 {
		t.Errorf("%v, want the program's own exit code 1", err)
	}
}

// TestServeOutlivesTheReadersOfItsOutput closes what the server's output leads to.
func TestServeOutlivesTheReadersOfItsOutput(t *testing.T) {
	command := exec.CommandContext(limited(t), os.Getenv(builtVariable), "serve", "--addr", "127.0.0.1:0", rustKitchen().path)
	stdout, err1 := command.StdoutPipe()
	stderr, err2 := command.StderrPipe()
	if err := errors.Join(err1, err2, command.Start()); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(stderr).ReadString('\n')
	_, url, found := strings.Cut(strings.TrimSpace(line), ", at ")
	if err != nil || !found {
		t.Fatalf("first line %q, %v", line, err)
	}
	if err := errors.Join(stdout.Close(), stderr.Close()); err != nil {
		t.Fatal(err)
	}
	c := client(t)
	for range 3 {
		sameText(t, "answer", "hello from rust\n", get(t, c, url))
		sameText(t, "log", "logged\n", get(t, c, url+"log"))
	}
	if err := errors.Join(command.Process.Signal(os.Interrupt), command.Wait()); err != nil {
		t.Error(err)
	}
}
