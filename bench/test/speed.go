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
const rounds = 5

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
	ours, err := median(func() (time.Duration, error) {
		return timed(ctx, p.wasihttp, "test", fixture, "--component", component)
	})
	if err != nil {
		return err
	}
	var theirs time.Duration
	err = served(ctx, func() error {
		theirs, err = median(func() (time.Duration, error) {
			return timed(ctx, p.hurl, "--test", fixture)
		})
		return err
	}, p.wasmtime, "serve", "-Scli", "--addr", "127.0.0.1:8080", component)
	if err != nil {
		return err
	}
	ratio := ours.Seconds() / theirs.Seconds()
	fmt.Printf("%d entries: wasihttp test %s, hurl with wasmtime serve %s, ratio %.3f (limit %.2f)\n", entries, ours.Round(time.Millisecond), theirs.Round(time.Millisecond), ratio, limit)
	if ratio > limit {
		return fmt.Errorf("ratio %.3f is above %.2f", ratio, limit)
	}
	return nil
}

// median measures several times, after once to warm up.
func median(measure func() (time.Duration, error)) (time.Duration, error) {
	var all []time.Duration
	for i := range rounds + 1 {
		d, err := measure()
		if err != nil {
			return 0, err
		}
		if i > 0 {
			all = append(all, d)
		}
	}
	slices.Sort(all)
	return all[len(all)/2], nil
}

// timed returns how long a program takes, which must succeed.
func timed(ctx context.Context, name string, args ...string) (time.Duration, error) {
	start := time.Now()
	out, err := exec.CommandContext(ctx, name, args...).CombinedOutput()
	took := time.Since(start)
	if err != nil {
		err = fmt.Errorf("%s: %w: %.500s", name, err, out)
	}
	return took, err
}
