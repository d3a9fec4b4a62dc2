// Command test sets wasihttp test beside the hurl program: it checks that both
// come to the same verdict about each entry of some fixtures, that hurl parses
// what the parser's tests say it does, and measures how long each takes for many
// entries, and whether many small files take longer with --jobs.
//
// Usage:
//
//	go run ./bench/test -wasihttp PROGRAM -hurl PROGRAM verdicts COMPONENT FIXTURE-OR-FOLDER...
//	go run ./bench/test -hurl PROGRAM grammar LIST
//	go run ./bench/test -wasihttp PROGRAM -hurl PROGRAM -wasmtime PROGRAM speed COMPONENT
//	go run ./bench/test -wasihttp PROGRAM jobs COMPONENT
//	go run ./bench/test -wasihttp PROGRAM -hurl PROGRAM upstreams COMPONENT
//
// The fixtures must address http://localhost:8080; hurl gets them with the
// address of a server on a free port instead.
package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// programs are the programs under comparison.
type programs struct {
	wasihttp, hurl, wasmtime string
}

func main() {
	var p programs
	flag.StringVar(&p.wasihttp, "wasihttp", "wasihttp", "the `program`")
	flag.StringVar(&p.hurl, "hurl", "hurl", "the `program`")
	flag.StringVar(&p.wasmtime, "wasmtime", "wasmtime", "the `program`")
	limit := flag.Float64("limit", 0.2, "the largest ratio of times that is accepted by speed")
	entries := flag.Int("entries", 1000, "how many entries speed runs")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, p, *limit, *entries, flag.Args())
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench/test:", err)
		os.Exit(1)
	}
}

var errUsage = errors.New("usage: verdicts COMPONENT FIXTURE-OR-FOLDER..., grammar LIST, speed " +
	"COMPONENT, jobs COMPONENT, or upstreams COMPONENT")

func run(ctx context.Context, p programs, limit float64, entries int, args []string) error {
	switch {
	case len(args) >= 3 && args[0] == "verdicts":
		return p.verdicts(ctx, args[1], args[2:])
	case len(args) == 2 && args[0] == "grammar":
		return p.grammar(ctx, args[1])
	case len(args) == 2 && args[0] == "speed":
		return p.speed(ctx, args[1], limit, entries)
	case len(args) == 2 && args[0] == "jobs":
		return p.jobs(ctx, args[1], entries)
	case len(args) == 2 && args[0] == "upstreams":
		return p.upstreams(ctx, args[1])
	}
	return errUsage
}

// fixtureAddress is the address in the fixtures.
const fixtureAddress = "localhost:8080"

// addressed writes into dir a copy of a fixture that addresses another port of
// localhost, and returns its path.
func addressed(dir, fixture, port string) (string, error) {
	text, err := os.ReadFile(fixture)
	if err != nil {
		return "", err
	}
	text = bytes.ReplaceAll(text, []byte(fixtureAddress), []byte("localhost:"+port))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	path := filepath.Join(dir, filepath.Base(fixture))
	return path, os.WriteFile(path, text, 0o644)
}

// announced finds the port in what servers print when they are ready.
const announced = `Serving HTTP on http://[^ ]*:(\d+)`

// served runs f while a server runs, with the port that it says it listens on.
func served(ctx context.Context, f func(port string) error, name string, args ...string) error {
	ready, err := regexp.Compile(announced)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	server := exec.CommandContext(ctx, name, args...)
	server.Cancel = func() error { return server.Process.Signal(os.Interrupt) }
	server.WaitDelay = 10 * time.Second
	out, err := server.StderrPipe()
	if err != nil {
		return err
	}
	if err := server.Start(); err != nil {
		return err
	}
	lines := bufio.NewReader(out)
	var said strings.Builder
	var port string
	for port == "" {
		line, err := lines.ReadString('\n')
		said.WriteString(line)
		if m := ready.FindStringSubmatch(line); m != nil {
			port = m[1]
		} else if err != nil {
			// What it said is the better explanation.
			_ = server.Wait()
			return fmt.Errorf("%s ended: %s", name, said.String())
		}
	}
	drained := make(chan struct{})
	go func() {
		defer close(drained)
		_, _ = io.Copy(io.Discard, lines)
	}()
	err = f(port)
	cancel()
	<-drained
	// It was interrupted, so it fails in its own way.
	_ = server.Wait()
	return err
}

// output runs a program that may fail for what it finds, and returns what it
// prints.
func output(ctx context.Context, name string, args ...string) (stdout, stderr string, err error) {
	cmd := exec.CommandContext(ctx, name, args...)
	var out, errOut bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errOut
	var exit *exec.ExitError
	if err = cmd.Run(); errors.As(err, &exit) && exit.ExitCode() >= 0 {
		err = nil
	}
	return out.String(), errOut.String(), err
}
