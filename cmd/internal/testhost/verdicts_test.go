package testhost

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wasihttp/wasihttp/testrunner"
)

// The file says for each entry whether it passes, as hurl has it; bench/test asks
// hurl itself.
func TestVerdictsAreThoseOfHurl(t *testing.T) {
	dir := filepath.Join(root, "testrunner", "testdata", "verdicts")
	paths, err := testrunner.Find([]string{dir})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	host := newHost(time.Minute, 1)
	options := testrunner.Options{Component: filepath.Join(root, "testdata", "guests", "rust-kitchen",
		"rust-kitchen.wasm"), Timeout: time.Minute}
	_, err = testrunner.Run(t.Context(), host, testrunner.ReadAll(paths, nil), &options, func(f *testrunner.FileResult) {
		for _, r := range f.Results {
			got = append(got, fmt.Sprintf("%s:%d %s", filepath.Base(f.Path), r.Entry.Range.Start.Line, r.Outcome))
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := host.Drop(t.Context()); err != nil {
		t.Error(err)
	}
	want, err := os.ReadFile(filepath.Join(dir, "verdicts.txt"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Fields(string(want)), strings.Fields(strings.Join(got, "\n"))); diff != "" {
		t.Errorf("%s\ngot:\n%s", diff, strings.Join(got, "\n"))
	}
}

func TestFixturesOfTheRepositoryPass(t *testing.T) {
	paths, err := testrunner.Find([]string{filepath.Join(root, "testdata", "fixtures")})
	if err != nil {
		t.Fatal(err)
	}
	host := newHost(time.Minute, 1)
	options := testrunner.Options{Timeout: time.Minute}
	_, err = testrunner.Run(t.Context(), host, testrunner.ReadAll(paths, nil), &options, func(f *testrunner.FileResult) {
		if f.Err != nil || len(f.ParseErrors) > 0 {
			t.Errorf("%s: %v %v", f.Path, f.Err, f.ParseErrors)
		}
		for _, r := range f.Results {
			if r.Outcome.Failed() {
				t.Errorf("%s:%d: %s: %+v", f.Path, r.Entry.Range.Start.Line, r.Outcome, r.Problems)
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := host.Drop(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestOneInstanceKeepsItsState(t *testing.T) {
	f := runFixture(t, "rust-kitchen", strings.Repeat("GET http://localhost/counter\n\n", 50), testrunner.Options{})
	var bodies []string
	for _, r := range f.Results {
		bodies = append(bodies, strings.TrimSpace(string(r.Response.Body)))
	}
	var want []string
	for i := range 50 {
		want = append(want, fmt.Sprint(i+1))
	}
	if !slices.Equal(bodies, want) {
		t.Errorf("the guest counted %v", bodies)
	}
}
