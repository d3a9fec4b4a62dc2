package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// jobs compares the times for many files of one entry: two at a time, each with an instance of its
// own, against one after the other in one instance.
func (p programs) jobs(ctx context.Context, component string, files int) error {
	dir, err := os.MkdirTemp("", "wasihttp-jobs")
	if err != nil {
		return err
	}
	defer func() {
		// What is left in the temporary folder does no harm.
		_ = os.RemoveAll(dir)
	}()
	for i := range files {
		name := filepath.Join(dir, strconv.Itoa(i)+".hurl")
		if err := os.WriteFile(name, []byte(entry), 0o644); err != nil {
			return err
		}
	}
	var one, two []times
	for i := range rounds + 1 { // the first turn is there to warm up
		for jobs, all := range map[string]*[]times{"1": &one, "2": &two} {
			t, err := timed(ctx, p.wasihttp, "test", dir, "--jobs", jobs, "--component", component)
			if err != nil {
				return err
			}
			if i > 0 {
				*all = append(*all, t)
			}
		}
	}
	wall := func(t times) time.Duration { return t.wall }
	processor := func(t times) time.Duration { return t.processor }
	ratio := median(two, wall).Seconds() / median(one, wall).Seconds()
	fmt.Printf("%d files: --jobs 2 %s, --jobs 1 %s, ratio %.2f (limit 1)\n", files,
		median(two, wall), median(one, wall), ratio)
	fmt.Printf("time of processors: %s and %s\n", median(two, processor), median(one, processor))
	if ratio > 1 {
		return fmt.Errorf("ratio %.2f is above 1", ratio)
	}
	return nil
}
