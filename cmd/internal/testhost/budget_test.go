package testhost

import (
	"fmt"
	"net/http"
	"net/http/httptest"
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
