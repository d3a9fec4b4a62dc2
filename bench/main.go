// The benchmark puts wasihttp beside wasmtime on the same machine in the same run: requests per
// second with a fresh instance for each (0.2) or with instances that are used again (0.3), the time
// from starting the program to the first response, and the memory that takes. Absolute numbers say
// little; the ratios are what counts.
//
//	go run ./bench [-wasmtime PATH] [-guests DIR] [-duration 3s] [-connections 8] [-rounds 3]
//	    [-starts] [-processor]
//
// Without wasmtime it measures wasihttp alone. It ends with one line of JSON.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"time"
)

// settings say what is measured, and how long.
type settings struct {
	wasihttp, wasmtime string // programs; no wasmtime when empty
	guests             string // folder with the big guests, or empty
	committed          string // folder of the small ones
	duration           time.Duration
	connections        int
	rounds             int
	colds, warms       int
	startsOnly         bool   // whether requests per second are left out where starts are measured
	processor          bool   // whether only processor times of requests are measured
	scratch            string // folder for caches, removed in the end
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, arguments []string, out io.Writer) error {
	var s settings
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.StringVar(&s.wasihttp, "wasihttp", "",
		"the `program`; built from this module when not given")
	flags.StringVar(&s.wasmtime, "wasmtime", "",
		"the `program` to compare with; looked for in PATH when not given")
	flags.StringVar(&s.guests, "guests", "",
		"a `folder` that testdata/guests/build.sh --link has filled")
	flags.StringVar(&s.committed, "committed", filepath.Join("testdata", "guests"),
		"the `folder` of the small guests")
	flags.DurationVar(&s.duration, "duration", 3*time.Second, "of one round")
	flags.IntVar(&s.connections, "connections", 8, "kept open at once")
	flags.IntVar(&s.rounds, "rounds", 3, "of which the median counts")
	flags.IntVar(&s.colds, "colds", 2, "cold starts, of which the best counts")
	flags.IntVar(&s.warms, "warms", 5, "starts from the cache, of which the best counts")
	flags.BoolVar(&s.startsOnly, "starts", false,
		"leave out requests per second of guests whose starts are measured")
	flags.BoolVar(&s.processor, "processor", false,
		"measure the processor time of requests and nothing else")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	scratch, err := os.MkdirTemp("", "wasihttp-bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(scratch)
	s.scratch = scratch
	if s.wasihttp == "" {
		s.wasihttp = filepath.Join(scratch, "wasihttp")
		build := exec.CommandContext(ctx, "go", "build", "-o", s.wasihttp, ".")
		if text, err := build.CombinedOutput(); err != nil {
			return fmt.Errorf("building wasihttp: %w\n%s", err, text)
		}
	}
	if s.wasmtime == "" {
		if found, err := exec.LookPath("wasmtime"); err == nil {
			s.wasmtime = found
		}
	}
	// Both programs keep what they compile below this unless told otherwise.
	if err := os.Setenv("XDG_CACHE_HOME", filepath.Join(scratch, "cache")); err != nil {
		return err
	}
	all := measure
	if s.processor {
		all = processorTimes
	}
	results, err := all(ctx, s)
	if err != nil {
		return err
	}
	return report(out, results)
}
