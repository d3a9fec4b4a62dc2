// The benchmark measures what a developer waits for after a save: the time from when the file was
// written to the first response of the new build, the debounce included, and what other requests
// notice of a large compilation.
//
//	go run ./bench/reload [-wasihttp PATH] [-js A.wasm,B.wasm] [-rounds 9]
//
// -js names two builds of a StarlingMonkey component that differ in their script alone.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/wasihttp/wasihttp/bench/served"
)

// The targets.
const (
	rustTarget   = 150 * time.Millisecond
	scriptTarget = 300 * time.Millisecond
	slowdown     = 3 // p99 while compiling ÷ p99 without
)

const buildHeader = "X-Wasihttp-Build"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "bench/reload:", err)
		os.Exit(1)
	}
}

// bench is one run.
type bench struct {
	out      io.Writer
	program  string
	scratch  string
	rounds   int // of swaps
	turns    int // with and without a compilation
	rust, js [2][]byte
}

func run(ctx context.Context, arguments []string, out io.Writer) error {
	flags := flag.NewFlagSet("reload", flag.ContinueOnError)
	program := flags.String("wasihttp", "", "the `program`; built from this module when not given")
	js := flags.String("js", "", "two builds of a JavaScript component, `A.wasm,B.wasm`")
	rust := flags.String("rust",
		filepath.Join("testdata", "guests", "rust-hello", "rust-hello.wasm"),
		"the small component, a `file`")
	rounds := flags.Int("rounds", 9, "swaps, of which the median counts")
	turns := flags.Int("turns", 5, "compilations beside requests, of which the median counts")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	scratch, err := os.MkdirTemp("", "wasihttp-reload")
	if err != nil {
		return err
	}
	defer os.RemoveAll(scratch)
	b := &bench{out: out, program: *program, scratch: scratch, rounds: *rounds, turns: *turns}
	if b.program == "" {
		b.program = filepath.Join(scratch, "wasihttp")
		build := exec.CommandContext(ctx, "go", "build", "-o", b.program, ".")
		if text, err := build.CombinedOutput(); err != nil {
			return fmt.Errorf("building wasihttp: %w\n%s", err, text)
		}
	}
	if b.rust[0], err = os.ReadFile(*rust); err != nil {
		return err
	}
	b.rust[1] = bytes.Replace(b.rust[0], []byte("Hello, world!"), []byte("Hallo, Welt!!"), 1)
	if *js != "" {
		first, second, _ := strings.Cut(*js, ",")
		for i, path := range []string{first, second} {
			if b.js[i], err = os.ReadFile(path); err != nil {
				return err
			}
		}
	}
	return b.all(ctx)
}

func (b *bench) all(ctx context.Context) error {
	fmt.Fprintln(b.out, "file written → first answer of the new build, median (slowest):")
	if err := b.swaps(ctx, "Rust, data changed", b.rust, rustTarget); err != nil {
		return err
	}
	builds := [2][]byte{b.rust[0], changedCode(b.rust[0])}
	if err := b.swaps(ctx, "Rust, code changed", builds, rustTarget); err != nil {
		return err
	}
	if b.js[0] == nil {
		return nil
	}
	if err := b.swaps(ctx, "StarlingMonkey, script changed", b.js, scriptTarget); err != nil {
		return err
	}
	return b.during(ctx)
}

// changedCode gives the component other code: it turns the first store of a
// core module's code section that it finds into one of the same effect. A nop
// cannot be put in without changing sizes, so the alignment hint of a load,
// which has no effect, is lowered.
func changedCode(component []byte) []byte {
	// local.get 0; i32.load align=2 offset=0.
	changed := bytes.Clone(component)
	at := bytes.Index(changed, []byte{0x20, 0x00, 0x28, 0x02, 0x00})
	if at >= 0 {
		changed[at+3] = 0
	}
	return changed
}

func (b *bench) serve(ctx context.Context, component []byte) (*served.Server, string, error) {
	file := filepath.Join(b.scratch, fmt.Sprintf("app-%d.wasm", time.Now().UnixNano()))
	if err := os.WriteFile(file, component, 0o600); err != nil {
		return nil, "", err
	}
	ctx, cancel := context.WithTimeout(ctx, 3*time.Minute)
	defer cancel()
	server, err := served.Start(ctx, b.program, "serve", "--addr", "127.0.0.1:0", "--no-cache",
		file)
	return server, file, err
}

// swaps measures swaps to and fro between two builds.
func (b *bench) swaps(
	ctx context.Context, what string, builds [2][]byte, target time.Duration,
) error {
	server, file, err := b.serve(ctx, builds[0])
	if err != nil {
		return err
	}
	defer func() { _ = server.Stop() }()
	client := &http.Client{Transport: &http.Transport{}}
	now, err := answered(ctx, client, server.URL)
	if err != nil {
		return err
	}
	var took []time.Duration
	for i := range b.rounds {
		started := time.Now()
		if err := replace(file, builds[(i+1)%2]); err != nil {
			return err
		}
		before := now
		for now == before {
			if now, err = answered(ctx, client, server.URL); err != nil {
				return err
			}
			if time.Since(started) > time.Minute {
				return fmt.Errorf("%s: no new build within a minute\n%s", what, server.Output())
			}
		}
		took = append(took, time.Since(started))
	}
	slices.Sort(took)
	fmt.Fprintf(b.out, "  %-32s %8s (%s), target %s\n", what, round(took[len(took)/2]),
		round(took[len(took)-1]), target)
	return nil
}

func replace(file string, data []byte) error {
	if err := os.WriteFile(file+".tmp", data, 0o600); err != nil {
		return err
	}
	return os.Rename(file+".tmp", file)
}

// answered returns the build that served a request, which must succeed.
func answered(ctx context.Context, client *http.Client, url string) (build string, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/", nil)
	if err != nil {
		return "", err
	}
	resp, err := client.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return "", err
	}
	if resp.StatusCode != http.StatusOK {
		return "", fmt.Errorf("status %s", resp.Status)
	}
	return resp.Header.Get(buildHeader), nil
}

// during compares requests to a small component while nothing else happens with
// those while a large one is compiled to take its place. The client asks at a
// steady pace, as a person's browser does: what counts is how long one waits.
// Both take turns, for the machine's other work comes and goes.
func (b *bench) during(ctx context.Context) error {
	server, file, err := b.serve(ctx, b.rust[0])
	if err != nil {
		return err
	}
	defer func() { _ = server.Stop() }()
	client := &http.Client{Transport: &http.Transport{}}
	sample := func(until func(build string) bool) ([]time.Duration, error) {
		tick := time.NewTicker(2 * time.Millisecond)
		defer tick.Stop()
		var all []time.Duration
		for {
			<-tick.C
			started := time.Now()
			build, err := answered(ctx, client, server.URL)
			if err != nil {
				return nil, err
			}
			if until(build) {
				return all, nil
			}
			all = append(all, time.Since(started))
		}
	}
	// swap puts a build in place of another and gives the requests meanwhile.
	swap := func(data []byte) ([]time.Duration, error) {
		first, err := answered(ctx, client, server.URL)
		if err != nil {
			return nil, err
		}
		if err := replace(file, data); err != nil {
			return nil, err
		}
		end := time.Now().Add(5 * time.Minute)
		return sample(func(build string) bool { return build != first || time.Now().After(end) })
	}
	fmt.Fprintf(b.out, "requests to the Rust component while the JavaScript one is compiled:\n")
	var ratios []float64
	for range b.turns {
		end := time.Now().Add(4 * time.Second)
		quiet, err := sample(func(string) bool { return time.Now().After(end) })
		if err != nil {
			return err
		}
		started := time.Now()
		busy, err := swap(b.js[0])
		if err != nil {
			return err
		}
		took := time.Since(started)
		if _, err := swap(b.rust[0]); err != nil {
			return err
		}
		p99, busy99 := quantile(quiet, 99), quantile(busy, 99)
		ratios = append(ratios, float64(busy99)/float64(p99))
		fmt.Fprintf(b.out, "  without: %d requests, p50 %s, p99 %s; meanwhile, for %s: %d, p50 "+
			"%s, p99 %s, slowest %s\n", len(quiet), round(quantile(quiet, 50)), round(p99),
			round(took), len(busy), round(quantile(busy, 50)), round(busy99),
			round(busy[len(busy)-1]))
	}
	slices.Sort(ratios)
	fmt.Fprintf(b.out, "  p99 meanwhile ÷ without: %.1f times, median of %.1f (target %d)\n",
		ratios[len(ratios)/2], ratios, slowdown)
	return nil
}

func quantile(all []time.Duration, percent int) time.Duration {
	if len(all) == 0 {
		return 0
	}
	slices.Sort(all)
	return all[len(all)*percent/100]
}

func round(d time.Duration) time.Duration {
	if d < 10*time.Millisecond {
		return d.Round(10 * time.Microsecond)
	}
	return d.Round(time.Millisecond)
}
