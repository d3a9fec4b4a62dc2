package testhost

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wasihttp/wasihttp/testrunner"
)

// What budgets are compared with is what the guest takes: its linear memory in the life of the
// instance, also if that is an instance of a recycled one, and its requests to other servers.
func TestWhatAnEntryTakesIsMeasured(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer server.Close()
	fetch := "GET {{base}}/fetch?url=" + server.URL + "/\n\n"
	grow := func(mib int) string { return fmt.Sprintf("GET {{base}}/grow?mib=%d\n\n", mib) }
	for _, tt := range []struct {
		name, text string
		isolate    testrunner.Isolation
		grown      []int64 // MiB more than the first entry
		requests   []int
	}{
		{"one instance", "GET {{base}}/\n\n" + grow(3) + "GET {{base}}/\n\n" + grow(2) + fetch,
			testrunner.IsolateNone, []int64{0, 3, 3, 5, 5}, []int{0, 0, 0, 0, 1}},
		{"an instance each", "GET {{base}}/\n\n" + grow(3) + "GET {{base}}/\n\n" + grow(2) + "GET {{base}}/\n\n",
			testrunner.IsolateEntry, []int64{0, 3, 0, 2, 0}, []int{0, 0, 0, 0, 0}},
		{"a trap", "GET {{base}}/\n\n" + grow(1) + "# @expect trap\nGET {{base}}/trap\n\nGET {{base}}/\n",
			testrunner.IsolateNone, []int64{0, 1, 1, 0}, []int{0, 0, 0, 0}},
	} {
		f := runFixture(t, "rust-kitchen", tt.text, testrunner.Options{Isolate: tt.isolate})
		var grown []int64
		var requests []int
		first := f.Results[0].Response.Memory
		for _, r := range f.Results {
			grown = append(grown, (r.Response.Memory-first)>>20)
			requests = append(requests, r.Response.UpstreamRequests)
		}
		if fmt.Sprint(grown) != fmt.Sprint(tt.grown) || fmt.Sprint(requests) != fmt.Sprint(tt.requests) ||
			first < 64<<10 {
			t.Errorf("%s: %v MiB more than %d bytes, %v requests; want %v and %v", tt.name, grown, first, requests,
				tt.grown, tt.requests)
		}
	}
	// In an instance that takes several requests at once, too, and whoever responds.
	for _, mode := range []testrunner.UpstreamMode{testrunner.UpstreamLive, testrunner.UpstreamNone} {
		h := newHost(time.Minute, 4)
		f := runOn(t, h, "rust-kitchen-p3", "# @max-upstream-requests 0\n\nGET {{base}}/\n\n"+fetch,
			testrunner.Options{Concurrent: 4, UpstreamMode: mode})
		var got []string
		for _, r := range f.Results {
			got = append(got, fmt.Sprint(r.Response.UpstreamRequests))
		}
		if text := strings.Join(got, " "); text != "0 1" {
			t.Errorf("%s: %s requests", mode, text)
		}
	}
}

// countingHost returns a Host that is dropped at the end of the test.
func countingHost(t *testing.T, concurrent int) *Host {
	t.Helper()
	h := newHost(time.Minute, concurrent)
	t.Cleanup(func() {
		if err := h.Drop(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	return h
}

// instructions returns what each entry of each file has run, in their order.
func instructions(
	t *testing.T, h *Host, guest, text string, files int, o testrunner.Options,
) (all []int64) {
	t.Helper()
	o.Component = kitchenPath(guest)
	upstream := writeFile(t, "large.upstream.hurl", "# @times any\nGET http://api.example.com/x\n"+
		"HTTP 200\n```\n"+strings.Repeat("words ", 40_000)+"\n```\n")
	var sources []*testrunner.Source
	for i := range files {
		path := filepath.Join(filepath.Dir(upstream), fmt.Sprintf("f%d.hurl", i))
		sources = append(sources, testrunner.Parse(path, []byte(text)))
	}
	_, err := testrunner.Run(t.Context(), h, sources, &o, func(f *testrunner.FileResult) {
		for _, r := range f.Results {
			if r.Response == nil {
				t.Fatalf("%s: no response: %+v", f.Path, r.Problems)
			}
			all = append(all, r.Response.Instructions)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestInstructionsAreThoseOfAllModulesOfTheComponent(t *testing.T) {
	h := countingHost(t, 1)
	const each = 5*1000 + 13 + 11 // as counted/counted.wat says
	text := "# @max-instructions 1\n\n" + strings.Repeat("GET {{base}}/\n\n", 3)
	got := instructions(t, h, "counted", text, 2, testrunner.Options{})
	if want := slices.Repeat([]int64{each}, 6); !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if got := instructions(t, h, "counted", "GET {{base}}/\n", 1, testrunner.Options{}); got[0] != 0 {
		t.Errorf("%v, but no entry asks for it", got)
	}
}

// TestInstructionsAreEqualForAnEqualSeedAndClock has instances that are new, recycled or used
// again, several files at once, and bodies that do not come at once.
func TestInstructionsAreEqualForAnEqualSeedAndClock(t *testing.T) {
	world := "# @clock 2026-01-02T03:04:05Z\n# @random-seed 7\n# @max-instructions 1\n\n"
	text := world + "GET {{base}}/\n\nGET {{base}}/headers\n\nGET {{base}}/sleep?ms=3\n\n" +
		"POST {{base}}/echo\n```\n" + strings.Repeat("words ", 40_000) + "\n```\n\n" +
		"GET {{base}}/big?n=3000000\n\n# @upstream large.upstream.hurl\n" +
		"GET {{base}}/fetch?url=http://api.example.com/x\n\n# @expect trap\nGET {{base}}/trap\n\nGET {{base}}/\n"
	for _, guest := range []string{"rust-kitchen", "rust-kitchen-p3", "c-kitchen"} {
		h := countingHost(t, 1)
		want := instructions(t, h, guest, text, 1, testrunner.Options{})
		if slices.Contains(want, 0) {
			t.Errorf("%s: %v", guest, want)
		}
		for name, o := range map[string]testrunner.Options{
			"in turn": {}, "at once": {Jobs: 3}, "an instance each": {Isolate: testrunner.IsolateFile},
			"repeated": {Selection: testrunner.Selection{Repeat: 2}},
		} {
			got := instructions(t, h, guest, text, 3, o)
			for i, n := range got {
				if n != want[i%len(want)] {
					t.Errorf("%s, %s: entry %d has run %d, not %d", guest, name, i, n, want[i%len(want)])
				}
			}
		}
	}
}

// TestInstructionsBelongToTheirOwnEntry sends entries to one instance at once, of which one
// computes much more than the others.
func TestInstructionsBelongToTheirOwnEntry(t *testing.T) {
	text := "# @max-instructions 1\n\nGET {{base}}/big?n=20000000\n\nGET {{base}}/sleep?ms=1\n\nGET {{base}}/\n"
	h := countingHost(t, 3)
	alone := instructions(t, h, "rust-kitchen-p3", text, 1, testrunner.Options{Isolate: testrunner.IsolateEntry})
	got := instructions(t, h, "rust-kitchen-p3", text, 1, testrunner.Options{Concurrent: 3})
	for i := range alone {
		if got[i] < alone[i]/2 || got[i] > alone[i]*2 {
			t.Errorf("%v beside each other, %v alone", got, alone)
		}
	}
}
