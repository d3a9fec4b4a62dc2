package e2e

import (
	"encoding/json"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// benchResult is a part of what bench prints as JSON.
type benchResult struct {
	Requests int                `json:"requests"`
	Latency  map[string]float64 `json:"latency_ms"`
	Spent    map[string]float64 `json:"time_ms"`
	Memory   struct{ Max int }  `json:"memory_bytes"`
	Outcomes map[string]int     `json:"outcomes"`
	Rounds   []struct{ Typical float64 }
	Baseline *benchResult

	Comparison struct {
		InTurns     bool `json:"in_turns"`
		Differences []struct{ Name string }
	}
}

// bench runs the command with fixtures, and returns its result.
func bench(t *testing.T, fixtures string, flags ...string) benchResult {
	t.Helper()
	return benchIn(t, ".", fixtures, flags...)
}

// benchIn runs the command in a folder.
func benchIn(t *testing.T, folder, fixtures string, flags ...string) benchResult {
	t.Helper()
	cache := filepath.Join(filepath.Dir(os.Getenv(builtVariable)), "cache")
	c := exec.CommandContext(limited(t), os.Getenv(builtVariable), append([]string{
		"bench", fixtures, "--json", "--cache-dir", cache, "--warm-up", "0", "--requests", "60",
	}, flags...)...)
	var errs strings.Builder
	c.Dir, c.Stderr = folder, &errs
	out, err := c.Output()
	if err != nil {
		t.Fatalf("%v: %v\n%s", flags, err, errs.String())
	}
	var r benchResult
	if err := json.Unmarshal(out, &r); err != nil {
		t.Fatal(err)
	}
	return r
}

// TestBenchMeasuresGuestsOfEachLanguage plays fixtures with guests of WASI 0.2 and 0.3 in process,
// in turns with the same guest, and over the wire. There is a picture of each language.
func TestBenchMeasuresGuestsOfEachLanguage(t *testing.T) {
	if !ours() {
		return
	}
	var b *browser
	if driver := os.Getenv(driverVariable); driver != "" && os.Getenv(picturesVariable) != "" {
		b = startBrowser(t, driver)
	}
	for _, g := range guests(t) {
		want, known := profiles[g.name]
		if !known {
			continue
		}
		t.Run(g.name, func(t *testing.T) {
			folder := t.TempDir()
			write(t, filepath.Join(folder, "kitchen.hurl"),
				[]byte("GET {{base}}/\nHTTP 200\n[Captures]\nfirst: body\n[Asserts]\n"+
					"body startsWith \"hello\"\n\n"+
					"POST {{base}}/echo\n`{{first}}`\nHTTP 200\n`{{first}}`\n\nGET {{base}}/sleep?ms=2\nHTTP 200\n"))
			r := bench(t, folder, "--component", g.path, "--baseline", g.path, "--max-regression", "100000")
			for _, side := range []*benchResult{&r, r.Baseline} {
				if side.Requests != 60 || side.Outcomes["pass"] != 60 || len(side.Rounds) != 20 || side.Memory.Max < 1<<16 {
					t.Errorf("%+v", side)
				}
				var sum float64
				for _, spent := range side.Spent {
					sum += spent
				}
				// A third of the requests sleep for 2 ms.
				if side.Spent["computing"] <= 0 || side.Spent["instance"] <= 0 || side.Spent["host"] < 0.6 ||
					math.Abs(sum-side.Latency["mean"]) > 0.2*side.Latency["mean"] {
					t.Errorf("the times %v are not the mean latency %v", side.Spent, side.Latency["mean"])
				}
			}
			if c := r.Comparison; !c.InTurns || len(c.Differences) != 6 {
				t.Errorf("%+v", c)
			}
			s := serve(t, g.path)
			r = bench(t, folder, "--url", s.URL, "--rate", "200", "--concurrency", "4")
			if r.Requests != 60 || r.Outcomes["pass"] != 60 || r.Spent != nil || r.Memory.Max != 0 {
				t.Errorf("over the wire: %+v", r)
			}
			if b != nil && want.picture != "" {
				name, page := g.name+".wasm", filepath.Join(folder, "bench.html")
				wasm, err := os.ReadFile(g.path)
				if err != nil {
					t.Fatal(err)
				}
				write(t, filepath.Join(folder, name), wasm)
				benchIn(t, folder, "kitchen.hurl", "--component", name, "--requests", "600", "--report-html", page)
				b.look(t, 1000, 400, "light")
				b.open(t, "file://"+page)
				b.picture(t, "bench-"+want.picture)
			}
		})
	}
}

// TestBenchKnowsWhatRequestsWaitFor plays a fixture whose upstream takes its time.
func TestBenchKnowsWhatRequestsWaitFor(t *testing.T) {
	if !ours() {
		return
	}
	for _, g := range guests(t) {
		if !g.kitchen || g.fetchless {
			continue
		}
		folder := t.TempDir()
		write(t, filepath.Join(folder, "slow.hurl"), []byte("GET {{base}}/fetch?url=http://api.example.com/\nHTTP 200\n`slow`\n"))
		write(t, filepath.Join(folder, "slow.upstream.hurl"),
			[]byte("# @times any\nGET http://api.example.com/\n[Options]\ndelay: 20ms\nHTTP 200\n`slow`\n"))
		r := bench(t, folder, "--component", g.path)
		if r.Outcomes["pass"] != 60 || r.Spent["upstream"] < 18 {
			t.Errorf("%s: %v, the time is spent on %v", g.name, r.Outcomes, r.Spent)
		}
	}
}

// TestThePageOfABenchIsReadable opens the page, wide and narrow, light and dark.
func TestThePageOfABenchIsReadable(t *testing.T) {
	driver := os.Getenv(driverVariable)
	if driver == "" || !ours() {
		return // needs a browser, which not every machine has
	}
	folder := t.TempDir()
	for name, guest := range map[string]string{"app": "rust-kitchen", "old": "c-kitchen"} {
		wasm, err := os.ReadFile(filepath.Join("..", "testdata", "guests", guest, guest+".wasm"))
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(folder, name+".wasm"), wasm)
	}
	write(t, filepath.Join(folder, "get.hurl"), []byte("GET {{base}}/\nHTTP 200\n"))
	write(t, filepath.Join(folder, "echo.hurl"), []byte("POST {{base}}/echo\n{\"name\": \"Ada\"}\nHTTP 200\n{\"name\": \"Ada\"}\n"))
	page := filepath.Join(folder, "bench.html")
	benchIn(t, folder, ".", "--component", "app.wasm", "--baseline", "old.wasm", "--max-regression", "100000", "--requests", "20000",
		"--report-html", page)
	b := startBrowser(t, driver)
	b.command(t, "Page.addScriptToEvaluateOnNewDocument", object{"source": watch})
	for _, scheme := range []string{"light", "dark"} {
		for _, width := range []int{1000, 360} {
			b.look(t, width, 1500, scheme)
			b.open(t, "file://"+page)
			if wide := b.eval(t, "return document.documentElement.scrollWidth > innerWidth"); wide != "false" {
				t.Errorf("%d pixels: the page is wider", width)
			}
			if faults := b.eval(t, "return faults.join()"); faults != "" {
				t.Errorf("faults: %s", faults)
			}
			// Each text contrasts with what is behind it (WCAG 2.2, 1.4.3).
			if low := b.eval(t, contrast); low != "" {
				t.Errorf("%s: too little contrast: %s", scheme, low)
			}
			if width == 1000 {
				b.picture(t, map[string]string{"light": "bench", "dark": "bench-dark"}[scheme])
			}
		}
	}
	if n := b.eval(t, "return document.querySelectorAll('svg[aria-label]').length"); n != "3" {
		t.Errorf("%s plots have a description", n)
	}
}

// contrast is a script that returns texts whose contrast with the page or their box is below 4.5.
const contrast = `
const light = (c) => { const [r, g, b] = c.match(/[\d.]+/g).slice(0, 3).map((v) => { v /= 255;
  return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
const ground = (e) => { for (; e; e = e.parentElement) { const c = getComputedStyle(e).backgroundColor;
  if (!/, 0\)$/.test(c)) return c; } return 'rgb(255, 255, 255)'; };
const low = new Set();
const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walk.nextNode()) { const e = walk.currentNode.parentElement;
  if (!walk.currentNode.data.trim() || e.closest('title')) continue;
  const s = getComputedStyle(e);
  const [a, b] = [light(e.closest('svg') ? s.fill : s.color), light(ground(e))];
  const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  if (ratio < 4.5) low.add(walk.currentNode.data.trim() + ' ' + ratio.toFixed(1)); }
return [...low].slice(0, 5).join(', ');`
