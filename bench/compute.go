package main

import (
	"context"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// kindsOfWork are what the guest that computes does, in this order.
var kindsOfWork = []string{"sha-256", "regex", "json", "sort", "matrix", "deflate", "calls"}

const allWork = "geometric mean"

// computes measures guest code that asks the host for nothing: how many times a second it does a
// piece of work of each kind, and the geometric mean of all kinds.
func (s settings) computes(ctx context.Context) ([]result, error) {
	component := filepath.Join(s.guests, "rust-compute.wasm")
	if _, err := os.Stat(component); s.guests == "" || err != nil {
		return nil, nil
	}
	programs := s.programs()
	least := make([]map[string]float64, len(programs)) // microseconds
	for range s.rounds {
		for i, p := range programs {
			line := append(s.command(p), component)
			text, err := exec.CommandContext(ctx, line[0], line[1:]...).Output()
			if err != nil {
				return nil, fmt.Errorf("%s with %s: %w", p.path, component, err)
			}
			if least[i], err = fastest(string(text), least[i]); err != nil {
				return nil, fmt.Errorf("%s with %s: %w", p.path, component, err)
			}
		}
	}
	return speeds(least), nil
}

// fastest returns the times of a run, or those of earlier runs where they are less.
func fastest(text string, before map[string]float64) (map[string]float64, error) {
	times := map[string]float64{}
	for line := range strings.Lines(text) {
		var kind string
		var took float64
		if _, err := fmt.Sscan(line, &kind, &took); err != nil {
			return nil, fmt.Errorf("it printed %q, not a kind of work and a time", line)
		}
		if t, ok := before[kind]; ok {
			took = min(took, t)
		}
		times[kind] = max(took, 1)
	}
	for _, kind := range kindsOfWork {
		if times[kind] == 0 {
			return nil, fmt.Errorf("it printed no time for %s", kind)
		}
	}
	return times, nil
}

// speeds makes results of the least times of each program.
func speeds(least []map[string]float64) []result {
	var results []result
	sums := make([]float64, len(least))
	add := func(what string, figures []float64, floor float64) {
		r := result{Guest: "rust-compute", What: what + ", times a second", Wasihttp: figures[0]}
		if len(figures) > 1 {
			r.Wasmtime, r.Ratio, r.Floor = figures[1], figures[0]/figures[1], floor
		}
		results = append(results, r)
	}
	for _, kind := range kindsOfWork {
		figures := make([]float64, len(least))
		for i, times := range least {
			figures[i] = 1e6 / times[kind]
			sums[i] += math.Log(figures[i])
		}
		add(kind, figures, 0)
	}
	for i := range sums {
		sums[i] = math.Exp(sums[i] / float64(len(kindsOfWork)))
	}
	add(allWork, sums, guestFloor)
	return results
}
