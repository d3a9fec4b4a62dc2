package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/wasihttp/wasihttp/bench/served"
)

// result is one line of the table.
type result struct {
	Guest string `json:"guest"`
	// What is "requests/s" (more is better) or a kind of start in seconds (less is better).
	What     string  `json:"what"`
	Wasihttp float64 `json:"wasihttp"`
	Wasmtime float64 `json:"wasmtime,omitempty"` // 0: not measured
	// Ratio is Wasihttp ÷ Wasmtime.
	Ratio float64 `json:"ratio,omitempty"`
	// Floor is the least ratio that is acceptable where more is better, Ceiling the greatest where
	// less is; 0 where none is set.
	Floor   float64 `json:"floor,omitempty"`
	Ceiling float64 `json:"ceiling,omitempty"`
	// Limit is the greatest acceptable figure of wasihttp alone; 0 where none is set.
	Limit float64 `json:"limit,omitempty"`
}

// missed reports whether the figure is not acceptable.
func (r result) missed() bool {
	return r.Ratio > 0 && (r.Ratio < r.Floor || r.Ceiling > 0 && r.Ratio > r.Ceiling) ||
		r.Limit > 0 && r.Wasihttp > r.Limit
}

const (
	throughput       = "requests/s"
	reusedThroughput = "requests/s, an instance for 1,000"
	workThroughput   = "requests/s, with work for the processor"
	coldStart        = "cold start, s"
	warmStart        = "start from cache, s"
	peakMemory       = "peak memory of a cold start, MiB"
)

// program is one of the two, with the command line that serves a component on a free port.
type program struct {
	path string
	// common come first, then the flags for one kind of run, then the component. async are for
	// components of WASI 0.3.
	common, cold, cached, async []string
}

func (s settings) programs() []program {
	both := []program{{
		path:   s.wasihttp,
		common: []string{"serve", "--addr", "127.0.0.1:0", "--quiet"},
		cold:   []string{"--no-cache"},
	}}
	if s.wasmtime != "" {
		both = append(both, program{
			path:   s.wasmtime,
			common: []string{"serve", "-Scli", "--addr=127.0.0.1:0"},
			cold:   []string{"-Ccache=n"},
			cached: []string{"-Ccache=y"},
			async:  []string{"-Wcomponent-model-async", "-Sp3"},
		})
	}
	return both
}

func (p program) serve(
	ctx context.Context, component string, flags ...string,
) (*served.Server, error) {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Minute)
	defer cancel()
	return served.Start(ctx, p.path, slices.Concat(p.common, flags, []string{component})...)
}

// guest is a component to measure.
type guest struct {
	name, path string
	starts     bool    // whether its starts are measured too
	work       string  // path that takes the guest longer, measured too; or empty
	async      bool    // whether it is for WASI 0.3, whose instances both programs use again
	floor      float64 // of the ratio of requests per second
	reuse      float64 // the same with an instance for a thousand requests; 0: not measured
	cold       float64 // ceiling of the ratio of cold starts
	warm       float64 // ceiling of that of starts from the cache
	peak       float64 // most memory that a cold start may take, in MiB
}

const (
	asyncFloor = 1   // with instances that are used again
	guestFloor = 0.6 // the same, where most of the time is the guest's own
)

// reused makes both programs use an instance for so many requests.
const reused = "--max-instance-reuse-count=1000"

// flags are those that a program needs for the guest.
func (g guest) flags(p program) []string {
	if g.async {
		return p.async
	}
	return nil
}

func (s settings) list() []guest {
	all := []guest{
		{name: "rust-hello", path: filepath.Join(s.committed, "rust-hello", "rust-hello.wasm"),
			floor: 2.5, reuse: 1},
		{name: "c-kitchen", path: filepath.Join(s.committed, "c-kitchen", "c-kitchen.wasm"),
			floor: 2, reuse: 1},
		{name: "rust-hello-p3",
			path:  filepath.Join(s.committed, "rust-hello-p3", "rust-hello-p3.wasm"),
			async: true, floor: asyncFloor},
	}
	if s.guests == "" {
		return all
	}
	for _, name := range []string{"py-kitchen-p3", "qjs-kitchen-p3", "go-kitchen-p3"} {
		path := filepath.Join(s.guests, name+".wasm")
		if _, err := os.Stat(path); err == nil {
			all = append(all, guest{name: name, path: path, async: true, floor: guestFloor})
		}
	}
	for _, g := range []guest{
		// A JavaScript guest serves one request for each instance.
		{name: "js-kitchen", floor: 1.5, cold: 0.5, warm: 1, peak: 600},
		{name: "py-kitchen", floor: 1.5, reuse: guestFloor, cold: 0.6, warm: 1, peak: 800},
		{name: "go-kitchen", floor: 1.2, reuse: guestFloor, cold: 0.5, warm: 1, peak: 200},
		{name: "rust-system-large", floor: 2, work: "/some/words", warm: 1, peak: 100},
	} {
		g.path, g.starts = filepath.Join(s.guests, g.name+".wasm"), true
		if _, err := os.Stat(g.path); err == nil {
			all = append(all, g)
		}
	}
	return all
}

func measure(ctx context.Context, s settings) ([]result, error) {
	var results []result
	add := func(g guest, what string, figures []float64) {
		if figures[0] == 0 {
			return // the system does not say
		}
		r := result{Guest: g.name, What: what, Wasihttp: figures[0]}
		if len(figures) > 1 {
			r.Wasmtime, r.Ratio = figures[1], figures[0]/figures[1]
			switch what {
			case throughput:
				r.Floor = g.floor
			case reusedThroughput:
				r.Floor = g.reuse
			case workThroughput:
				r.Floor = guestFloor
			case coldStart:
				r.Ceiling = g.cold
			case warmStart:
				r.Ceiling = g.warm
			}
		}
		if what == peakMemory {
			r.Limit = g.peak
		}
		results = append(results, r)
	}
	for _, g := range s.list() {
		if g.starts {
			cold, peak, warm, err := s.starts(ctx, g)
			if err != nil {
				return nil, err
			}
			add(g, coldStart, cold)
			add(g, peakMemory, peak)
			add(g, warmStart, warm)
			if s.startsOnly {
				continue
			}
		}
		rates, err := s.rates(ctx, g, root)
		if err != nil {
			return nil, err
		}
		add(g, throughput, rates)
		if g.work != "" {
			if rates, err = s.rates(ctx, g, g.work); err != nil {
				return nil, err
			}
			add(g, workThroughput, rates)
		}
		if g.reuse == 0 {
			continue
		}
		if rates, err = s.rates(ctx, g, root, reused); err != nil {
			return nil, err
		}
		add(g, reusedThroughput, rates)
	}
	for _, measure := range []func(context.Context) ([]result, error){
		s.copies, s.transfers, s.streams, s.computes,
	} {
		more, err := measure(ctx)
		if err != nil {
			return nil, err
		}
		results = append(results, more...)
	}
	return results, nil
}

// rates returns each program's median requests per second for a path with these flags; with
// settings.processor, the least processor time of a request in a round, in µs. The rounds
// alternate between the programs, so that whatever else the machine does meets both.
func (s settings) rates(
	ctx context.Context, g guest, path string, flags ...string,
) ([]float64, error) {
	programs := s.programs()
	servers := make([]*served.Server, len(programs))
	for i, p := range programs {
		server, err := p.serve(ctx, g.path, append(g.flags(p), flags...)...)
		if err != nil {
			return nil, err
		}
		defer func() { _ = server.Stop() }()
		servers[i] = server
	}
	rounds := make([][]float64, len(programs))
	for round := range s.rounds + 1 {
		for i, server := range servers {
			address := strings.TrimPrefix(server.URL, "http://")
			used, began := processorOf(server.Pid()), time.Now()
			rate, err := load(ctx, address, path, s.connections, s.duration)
			if err != nil {
				return nil, fmt.Errorf("%s with %s: %w", programs[i].path, g.name, err)
			}
			if s.processor {
				used = processorOf(server.Pid()) - used
				rate = float64(used.Microseconds()) / (rate * time.Since(began).Seconds())
			}
			if round > 0 { // the first is for warming up
				rounds[i] = append(rounds[i], rate)
			}
		}
	}
	figures := make([]float64, len(programs))
	for i := range programs {
		slices.Sort(rounds[i])
		figures[i] = rounds[i][len(rounds[i])/2]
		if s.processor {
			figures[i] = rounds[i][0]
		}
	}
	return figures, nil
}

// starts returns each program's best time from its start to the first response, without a cache and
// with a full one, and the most memory that it took in any start without, in MiB. As with the
// rates, the programs take turns.
func (s settings) starts(ctx context.Context, g guest) (cold, peak, warm []float64, err error) {
	best := func(times int, flags func(program) []string) (least, most []float64, err error) {
		programs := s.programs()
		least, most = make([]float64, len(programs)), make([]float64, len(programs))
		for i := range times {
			for j, p := range programs {
				took, memory, err := p.firstAnswer(ctx, g.path, flags(p)...)
				if err != nil {
					return nil, nil, err
				}
				if i == 0 || took.Seconds() < least[j] {
					least[j] = took.Seconds()
				}
				most[j] = max(most[j], memory)
			}
		}
		return least, most, nil
	}
	cached := func(p program) []string { return p.cached }
	if cold, peak, err = best(s.colds, func(p program) []string { return p.cold }); err != nil {
		return nil, nil, nil, err
	}
	if _, _, err = best(1, cached); err != nil { // fills the caches
		return nil, nil, nil, err
	}
	warm, _, err = best(s.warms, cached)
	return cold, peak, warm, err
}

// firstAnswer returns the time from starting the program to the end of its first response, and the
// most memory that it has taken by then, in MiB.
func (p program) firstAnswer(
	ctx context.Context, component string, flags ...string,
) (took time.Duration, memory float64, err error) {
	started := time.Now()
	server, err := p.serve(ctx, component, flags...)
	if err != nil {
		return 0, 0, err
	}
	c, err := dial(ctx, strings.TrimPrefix(server.URL, "http://"), root)
	if err == nil {
		err = c.exchange()
		c.close()
	}
	took = time.Since(started)
	memory = mostMemory(server.Pid())
	_ = server.Stop() // how it ends is for the tests
	if err != nil {
		return 0, 0, fmt.Errorf("%s with %s: %w", p.path, component, err)
	}
	return took, memory, nil
}

// mostMemory returns the most memory that a process has taken so far, in MiB; 0 if the system does
// not say, as only Linux does in this way.
func mostMemory(pid int) float64 {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(status)) {
		var kilobytes float64
		if _, err := fmt.Sscanf(line, "VmHWM: %f kB", &kilobytes); err == nil {
			return kilobytes / 1024
		}
	}
	return 0
}
