package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"time"
)

const (
	processorTime       = "processor time of a request, µs"
	reusedProcessorTime = processorTime + ", an instance for 1,000"
)

// processorTimes measures what a request takes of the processors in each program, with instances
// that are used again where a guest can be. Other programs on
// the machine make little difference to that, where they leave next to nothing of the requests per
// second.
func processorTimes(ctx context.Context, s settings) ([]result, error) {
	var results []result
	for _, g := range s.list() {
		what, flags := processorTime, []string(nil)
		if g.reuse != 0 {
			what, flags = reusedProcessorTime, []string{reused}
		}
		figures, err := s.rates(ctx, g, root, flags...)
		if err != nil {
			return nil, err
		}
		if figures[0] == 0 {
			continue // the system does not say
		}
		r := result{Guest: g.name, What: what, Wasihttp: figures[0]}
		if len(figures) > 1 {
			r.Wasmtime, r.Ratio = figures[1], figures[0]/figures[1]
		}
		results = append(results, r)
	}
	return results, nil
}

// tick is the unit in which Linux says what a process has taken.
const tick = 10 * time.Millisecond

// processorOf returns what a process has taken of the processors so far; 0 if the system does not
// say, as only Linux does in this way.
func processorOf(pid int) time.Duration {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	// Behind the name, which may contain anything, the twelfth and the thirteenth field.
	_, rest, _ := bytes.Cut(stat, []byte(") "))
	fields := bytes.Fields(rest)
	var user, system int64
	if len(fields) < 13 {
		return 0
	}
	if _, err := fmt.Sscan(string(fields[11])+" "+string(fields[12]), &user, &system); err != nil {
		return 0
	}
	return time.Duration(user+system) * tick
}
