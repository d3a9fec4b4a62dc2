package testrunner_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wasihttp/wasihttp/testrunner"
)

// same is a host of a user that is the one of the load.
func same(h testrunner.Host) testrunner.Host { return h }

// played plays files as one user, and returns the outcomes of the entries.
func played(t *testing.T, h *fakeHost, o testrunner.Options, files int, texts ...string) string {
	t.Helper()
	var got []string
	load := testrunner.NewLoad(h, parse(t, texts...), &o)
	u := load.User(0, same, func(path string, r *testrunner.Result) {
		got = append(got, path+" "+string(r.Outcome))
	})
	for range files {
		if f, err := u.Play(t.Context()); err != nil || f.Failed() || len(f.Results) > 0 {
			t.Fatalf("%+v, %v", f, err)
		}
	}
	u.Close()
	if h.open != 0 {
		t.Errorf("%d instances are left open", h.open)
	}
	return strings.Join(got, ", ")
}

// counting responds with how many requests the instance has had.
func counting(n int, _ *testrunner.Request) *testrunner.Response {
	return text(200, string(rune('0'+n)))
}

func TestAUserPlaysTheFilesAgainAndAgain(t *testing.T) {
	h := &fakeHost{reusable: true, response: counting}
	one, two := "GET {{base}}/\nHTTP 200\n`1`\n", "\nGET {{base}}/\nHTTP 200\n`2`\n"
	for isolate, want := range map[testrunner.Isolation]string{
		testrunner.IsolateFile:  "a.hurl pass, a.hurl pass, b.hurl pass, a.hurl pass, a.hurl pass",
		testrunner.IsolateEntry: "a.hurl pass, a.hurl mismatch, b.hurl pass, a.hurl pass, a.hurl mismatch",
		testrunner.IsolateNone:  "a.hurl pass, a.hurl pass, b.hurl mismatch, a.hurl mismatch, a.hurl mismatch",
	} {
		// What says how files follow each other has no effect.
		o := testrunner.Options{Isolate: isolate, Jobs: 4, Concurrent: 3, FailFast: true}
		o.Selection.Repeat = 3
		if got := played(t, h, o, 3, one+two, one); got != want {
			t.Errorf("%s: %s\nwant %s", isolate, got, want)
		}
	}
	begun := "# @instance new\n" + one
	if got := played(t, h, testrunner.Options{Isolate: testrunner.IsolateNone}, 3, begun+two); strings.Contains(got, "mismatch") {
		t.Errorf("@instance new: %s", got)
	}
}

// Each time that a file is played, it finds its own world and all of its recorded exchanges.
func TestEachTimeAFileIsPlayedItBeginsInItsWorld(t *testing.T) {
	h := &fakeHost{reusable: true, response: func(int, *testrunner.Request) *testrunner.Response { return text(200, "ok") }}
	played(t, h, testrunner.Options{Isolate: testrunner.IsolateFile}, 4,
		"# @clock 2026-01-02T03:04:05Z\n# @random-seed 7\n\n"+get, get)
	var got []testrunner.World
	for _, spec := range h.opened {
		got = append(got, spec.World)
	}
	own := testrunner.World{Clock: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Seed: 7, Seeded: true}
	if diff := cmp.Diff([]testrunner.World{own, {}, own, {}}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestAUserKeepsNoSecretsAndNoResults(t *testing.T) {
	h := &fakeHost{reusable: true, response: func(_ int, r *testrunner.Request) *testrunner.Response {
		return text(200, "you said "+r.Headers.Get("X-Key"))
	}}
	o := testrunner.Options{Secrets: []testrunner.Variable{{Name: "key", Value: "hunter22"}}}
	n := 0
	u := testrunner.NewLoad(h, parse(t, "GET {{base}}/\nX-Key: {{key}}\n[Options]\nrepeat: 50\nHTTP 200\n`another`\n"), &o).
		User(0, same, func(_ string, r *testrunner.Result) {
			n++
			if strings.Contains(string(r.Response.Body), "hunter22") || r.Outcome != testrunner.Mismatch {
				t.Fatalf("%s: %s", r.Outcome, r.Response.Body)
			}
		})
	defer u.Close()
	if _, err := u.Play(t.Context()); err != nil || n != 50 {
		t.Errorf("%d results, %v", n, err)
	}
}

func TestUsersBeginAtDifferentFiles(t *testing.T) {
	h := &fakeHost{reusable: true, response: counting}
	load := testrunner.NewLoad(h, parse(t, get, get, get), &testrunner.Options{})
	var got []string
	for i := range 4 {
		u := load.User(i, same, func(path string, _ *testrunner.Result) { got = append(got, path) })
		if _, err := u.Play(t.Context()); err != nil {
			t.Fatal(err)
		}
		u.Close()
	}
	if diff := cmp.Diff([]string{"a.hurl", "b.hurl", "c.hurl", "a.hurl"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	u := load.User(0, same, func(string, *testrunner.Result) {})
	if _, err := u.Play(ctx); err == nil {
		t.Error("it plays after the end of its context")
	}
	u.Close()
}
