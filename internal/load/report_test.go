package load

import (
	"bytes"
	"encoding/json"
	"math"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/wasihttp/wasihttp/testrunner"
)

// measured returns a result with all that a page can show, of fixtures with characters that mean
// something to HTML.
func measured(t *testing.T) *Result {
	t.Helper()
	const evil = "GET {{base}}/<script>alert(1)</script>\nHTTP 200\n`<b>ok</b>`\n"
	var r *Result
	synctest.Test(t, func(t *testing.T) {
		o := testrunner.Options{}
		m, err := Run(t.Context(), Config{Users: 2, Requests: 400, Rate: 1000},
			loadOf(t, takes(9*time.Millisecond), o, evil, get), loadOf(t, takes(3*time.Millisecond), o, evil, get))
		if err != nil {
			t.Fatal(err)
		}
		r = &Result{
			Version: 1, Started: time.Now().UTC(), Program: "test", Machine: Machine{Host: "<i>here", OS: "linux"},
			Settings: Settings{Component: "<i>app.wasm", Fixtures: []string{"0.hurl", "1.hurl"}, Concurrency: 2, Rate: 1000},
			Side:     m.New, Baseline: m.Old, Comparison: Compare(m.Old, m.New, false, true, 5),
		}
		r.Comparison.Baseline, r.Comparison.Other = "<i>old.json", []string{"<i>cpu: a then, b now"}
		r.Spent = &Spent{Waiting: 1, Computing: 3}
	})
	return r
}

func TestThePageIsOneFileWithoutScriptsAndEscapes(t *testing.T) {
	r := measured(t)
	var b bytes.Buffer
	if err := r.HTML(&b); err != nil {
		t.Fatal(err)
	}
	page := b.String()
	for _, not := range []string{"<script", "<b>ok", "<i>here", "<i>app", "<i>old", "<i>cpu", "href=", "src=", "@import", "url(", "NaN", "ZgotmplZ"} {
		if strings.Contains(page, not) {
			t.Errorf("the page has %s", not)
		}
	}
	for _, want := range []string{
		"&lt;script&gt;alert(1)", "prefers-color-scheme: dark", `lang="en"`, `role="img"`, "<polyline class=\"new\"",
		"<polyline class=\"old\"", "<rect", "Slower", "computing: 3ms", "Latency by percentile", "(than another run)",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
	// Whatever is drawn is within the plot.
	for _, m := range regexp.MustCompile(`points="([^"]*)"`).FindAllStringSubmatch(page, -1) {
		for _, point := range strings.Fields(m[1]) {
			var x, y float64
			xs, ys, _ := strings.Cut(point, ",")
			if json.Unmarshal([]byte(xs), &x) != nil || json.Unmarshal([]byte(ys), &y) != nil ||
				x < 0 || x > plotWidth || y < 0 || y > plotHeight {
				t.Errorf("a point at %s", point)
			}
		}
	}
	// There may be nothing to draw.
	empty := &Result{Side: &Side{Outcomes: map[string]int64{}}}
	if err := empty.HTML(&b); err != nil {
		t.Error(err)
	}
	(&Text{Styles: plain{}}).Write(empty)
}

func TestAResultIsReadAsItWasWritten(t *testing.T) {
	r := measured(t)
	var b bytes.Buffer
	if err := r.Write(&b); err != nil {
		t.Fatal(err)
	}
	again, err := Read(bytes.NewReader(b.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	r.Failures, r.Baseline.Failures = nil, nil
	if diff := cmp.Diff(r, again, cmpopts.IgnoreUnexported(Entry{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if d := again.Differs(r); d != nil {
		t.Errorf("it differs from itself: %v", d)
	}
	again.Machine.CPU, again.Settings.Isolate, again.Program = "another", "none", "other"
	want := []string{"wasihttp: other then, test now", "cpu: another then, none now", "isolate: none then, none now"}
	again.Settings.Isolate = "entry"
	want[2] = "isolate: entry then, none now"
	if diff := cmp.Diff(want, r.Differs(again)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, text := range []string{"", "{}", "[]", `{"version": 2, "rounds": [{}]}`, `{"version": 1}`, "\x00asm"} {
		if _, err := Read(strings.NewReader(text)); err == nil {
			t.Errorf("%q is taken for a result", text)
		}
	}
}

func TestTheTextHasTheMainNumbers(t *testing.T) {
	got := (&Text{Styles: plain{}, Width: 100}).Write(measured(t))
	for _, want := range []string{
		"mismatch  GET {{base}}/<script>", "requests     400 in", "latency      mean", "once sent", "≤ ", "█",
		"time         waiting 25 %  computing 75 %", "typical latency", "slower:", "other run:", "<i>cpu: a then, b now",
		"(1.hurl:1)", "400 entries checked: 200 passed, 200 mismatch", "requests  ", "1000 requests due in a second",
	} {
		if !strings.Contains(got, strings.ReplaceAll(want, "1000 ", "1,000 ")) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
}

func TestBarsHaveAllRequests(t *testing.T) {
	h := newHistogram(3)
	times := []time.Duration{3, 900, 1500, 21_000, 1_000_000, 1_000_001, 59_999_999_999}
	for _, d := range times {
		record(h, d, 2)
	}
	bars := barsOf(h)
	var sum int64
	for i, b := range bars {
		sum += b.Requests
		if i > 0 && b.UpTo <= bars[i-1].UpTo {
			t.Errorf("bar %d ends at %v, the one before at %v", i, b.UpTo, bars[i-1].UpTo)
		}
		n := int64(0)
		for _, d := range times {
			// Ends have three digits, and so have times.
			if ms := float64(d) / 1e6; ms <= b.UpTo*1.003 && (i == 0 || ms > bars[i-1].UpTo*1.003) {
				n += 2
			}
		}
		if n != b.Requests {
			t.Errorf("%d requests up to %v ms, want %d", b.Requests, b.UpTo, n)
		}
	}
	if sum != int64(2*len(times)) {
		t.Errorf("%d requests in all bars", sum)
	}
	if got := merged(bars, 5); len(got) > 5 || got[len(got)-1].UpTo != bars[len(bars)-1].UpTo {
		t.Errorf("%d bars become %+v", len(bars), got)
	}
	if barsOf(newHistogram(3)) != nil || len(merged(nil, 5)) != 0 {
		t.Error("bars of nothing")
	}
}

// How long the run is does not matter for the memory that the numbers take.
func TestALongRunNeedsNoMoreMemory(t *testing.T) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	r := newRecorder(600, true)
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n > 4<<20 {
		t.Errorf("600 rounds take %d bytes", n)
	}
	source := testrunner.Parse("a.hurl", []byte(get))
	result := &testrunner.Result{Entry: source.File.Entries[0], Outcome: testrunner.Mismatch}
	p := &phase{round: -1, began: time.Unix(0, 0)}
	r.length = time.Hour
	samples := []sample{{ticket: ticket{phase: p}}}
	n := 0
	one := func() {
		n++
		samples[0].latency = time.Duration(n) * time.Millisecond
		samples[0].ended = p.began.Add(time.Duration(n) * time.Minute)
		r.endedEntry("a.hurl", result, samples)
	}
	for range 1000 {
		one()
	}
	if allocated := testing.AllocsPerRun(1000, one); allocated > 0 {
		t.Errorf("a request leaves %v allocations", allocated)
	}
	if len(r.failures) != 1 || r.outcomes[testrunner.Mismatch] != n {
		t.Errorf("%d failures are kept of %d", len(r.failures), n)
	}
}

func TestNumbersAreWrittenForPeople(t *testing.T) {
	for v, want := range map[float64]string{
		0: "0", 0.123: "0.12", 9.996: "10.00", 12.34: "12.3", 999.6: "1,000", 1234567: "1,234,567", -4321: "-4,321",
	} {
		if got := number(v); got != want {
			t.Errorf("%v is written %s, want %s", v, got, want)
		}
	}
	if math.IsNaN(spreadOf([]float64{1, 1, 1, 1, 1, 1})) {
		t.Error("equal values have no spread")
	}
}
