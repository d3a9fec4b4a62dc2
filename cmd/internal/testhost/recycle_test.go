package testhost

import (
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/wasihttp/wasihttp/testrunner"
)

// allocated returns how many bytes a run of many small files takes.
func allocated(t *testing.T, options testrunner.Options) uint64 {
	t.Helper()
	options.Component, options.Timeout = kitchenPath("rust-kitchen"), time.Minute
	h := newHost(time.Minute, 1)
	source := testrunner.Parse("f.hurl", []byte("GET http://localhost/\nHTTP 200\n"))
	var before, after runtime.MemStats
	for _, files := range []int{20, 300} { // the first ones make what the others use
		runtime.ReadMemStats(&before)
		s, err := testrunner.Run(t.Context(), h, slices.Repeat([]*testrunner.Source{source}, files), &options, func(*testrunner.FileResult) {})
		if err != nil || s.Counts[testrunner.Pass] != files {
			t.Fatalf("counts %v, %v", s.Counts, err)
		}
		runtime.ReadMemStats(&after)
	}
	if err := h.Drop(t.Context()); err != nil {
		t.Error(err)
	}
	return after.TotalAlloc - before.TotalAlloc
}

// Time cannot be compared on a busy machine; what making an instance takes can.
func TestTheInstanceOfAFileIsMadeOfThatOfAnotherOne(t *testing.T) {
	shared := allocated(t, testrunner.Options{})
	for name, options := range map[string]testrunner.Options{
		"isolated": {Isolate: testrunner.IsolateFile}, "two jobs": {Jobs: 2},
	} {
		const most, files = 6 << 10, 300 // what passes requests to an instance takes more, if made anew
		if n := allocated(t, options); n > shared+files*most {
			t.Errorf("%s: %d files take %d bytes, in one instance %d", name, files, n, shared)
		}
	}
}
