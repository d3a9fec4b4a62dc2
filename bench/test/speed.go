package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// entry is what is run many times.
const entry = `GET http://localhost:8080/
HTTP 200
[Asserts]
body contains "ello"

`

// rounds is how often each program is measured; the median counts.
const rounds = 11

// speed compares the times for a file of many entries: wasihttp test, against
// hurl with wasmtime serve. Both have their compiled code ready.
func (p programs) speed(ctx context.Context, component string, limit float64, entries int) error {
	dir, err := os.MkdirTemp("", "wasihttp-speed")
	if err != nil {
		return err
	}
	defer func() {
		// What is left in the temporary folder does no harm.
		_ = os.RemoveAll(dir)
	}()
	fixture := filepath.Join(dir, "many.hurl")
	if err := os.WriteFile(fixture, []byte(strings.Repeat(entry, entries)), 0o644); err != nil {
		return err
	}
	var ours, theirs []times
	err = served(ctx, func(port string) error {
		other, err := addressed(filepath.Join(dir, "served"), fixture, port)
		if err != nil {
			return err
		}
		// In turns, so that whatever else the machine does is the same for both;
		// the first turn is there to warm up.
		for i := range rounds + 1 {
			our, err := timed(ctx, p.wasihttp, "test", fixture, "--component", component)
			if err != nil {
				return err
			}
			their, err := timed(ctx, p.hurl, "--test", other)
			if err != nil {
				return err
			}
			if i > 0 {
				ours, theirs = append(ours, our), append(theirs, their)
			}
		}
		return nil
	}, p.wasmtime, "serve", "-Scli", "--addr", "127.0.0.1:0", component)
	if err != nil {
		return err
	}
	wall := func(t times) time.Duration { return t.wall }
	processor := func(t times) time.Duration { return t.processor }
	ratio := median(ours, wall).Seconds() / median(theirs, wall).Seconds()
	fmt.Printf(
		"%d entries: wasihttp test %s, hurl with wasmtime serve %s, ratio %.3f (limit %.2f)\n",
		entries, median(ours, wall), median(theirs, wall), ratio, limit)
	fmt.Printf("time of processors: wasihttp test %s; hurl %s, and wasmtime serve beside it\n",
		median(ours, processor), median(theirs, processor))
	if ratio > limit {
		return fmt.Errorf("ratio %.3f is above %.2f", ratio, limit)
	}
	return nil
}

// times are how long a program took, and how long it had a processor.
type times struct{ wall, processor time.Duration }

// median returns the median of one of the times.
func median(all []times, which func(times) time.Duration) time.Duration {
	list := make([]time.Duration, len(all))
	for i, t := range all {
		list[i] = which(t)
	}
	slices.Sort(list)
	return list[len(list)/2].Round(time.Millisecond)
}

// timed returns how long a program takes, which must succeed.
func timed(ctx context.Context, name string, args ...string) (times, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	start := time.Now()
	out, err := cmd.CombinedOutput()
	took := times{wall: time.Since(start)}
	if err != nil {
		return took, fmt.Errorf("%s: %w: %.500s", name, err, out)
	}
	took.processor = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	return took, nil
}
