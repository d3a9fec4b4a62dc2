package testhost

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wasihttp/wasihttp/testrunner"
)

type finder func(context.Context, testrunner.Host, []*testrunner.Source, *testrunner.Options,
	func(*testrunner.FileResult)) (*testrunner.Summary, error)

// found returns what a finder says about a fixture with an upstream.
func found(t *testing.T, find finder, guest, text, upstream string) (string, *testrunner.Summary) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "a.hurl")
	for name, text := range map[string]string{
		path: text, strings.Replace(path, ".hurl", ".upstream.hurl", 1): upstream,
	} {
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	h := newHost(time.Minute, 1)
	defer func() {
		if err := h.Drop(t.Context()); err != nil {
			t.Error(err)
		}
	}()
	var said []string
	options := &testrunner.Options{Component: kitchenPath(guest), Timeout: time.Minute}
	summary, err := find(t.Context(), h, []*testrunner.Source{testrunner.Read(path)}, options,
		func(f *testrunner.FileResult) {
			for _, r := range f.Results {
				line := r.Entry.Request.URL.String() + " " + string(r.Outcome)
				for _, p := range r.Problems {
					line += "; " + strings.ReplaceAll(p.Title, path, "a.hurl")
				}
				said = append(said, strings.ReplaceAll(line, "{{base}}", ""))
			}
		})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(said, "\n"), summary
}

const aUpstream = "GET http://a.test/\n[Options]\ndelay: 600s\nHTTP 200\n`from upstream`\n"

// A counter is a leak; time, random numbers, sleeps and the responses of other servers are none.
func TestALeakOfAComponentIsFound(t *testing.T) {
	text := "GET {{base}}/\n\nGET {{base}}/counter\n\nGET {{base}}/random\n\nGET {{base}}/sleep?ms=3600000\n\n" +
		"# @stateful\nGET {{base}}/clock\n\nGET {{base}}/fetch?url=http://a.test/\n\n# @stateful\nGET {{base}}/clock\n"
	got, summary := found(t, testrunner.Leaks, "rust-kitchen", text, aUpstream)
	want := "/ pass\n" +
		"/counter leak; Leak: the response is different after GET {{base}}/ (a.hurl:1); Body\n" +
		"/random pass\n/sleep?ms=3600000 pass\n/clock pass\n/fetch?url=http://a.test/ pass\n/clock pass"
	if want = strings.ReplaceAll(want, "GET {{base}}/ ", "GET / "); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if summary.Verdict() != testrunner.Mismatches {
		t.Errorf("the verdict is %v", summary.Verdict())
	}
}

func TestEntriesOfACleanComponentDoNotLeak(t *testing.T) {
	text := "GET {{base}}/\n\nGET {{base}}/sleep?ms=3600000\n\nGET {{base}}/fetch?url=http://a.test/\n\n" +
		"GET {{base}}/sse?n=3&ms=3600000\n"
	got, summary := found(t, testrunner.Leaks, "rust-kitchen-p3", text, aUpstream)
	if summary.Verdict() != testrunner.AllPassed {
		t.Errorf("got\n%s", got)
	}
}

func TestFaultsThatAComponentDoesNotGetOverAreFound(t *testing.T) {
	text := "GET {{base}}/\n\nGET {{base}}/fetch?url=http://a.test/\n"
	for _, guest := range []string{"rust-kitchen", "rust-kitchen-p3"} {
		got, summary := found(t, testrunner.Chaos, guest, text, aUpstream)
		marks := survivals(summary.Faults[len(summary.Faults)-1])
		want, passes := "ok ok ok - ok ok ok ok ok", true
		if guest == "rust-kitchen" { // it sends on half of a body, and ends without the rest
			want, passes = "ok ok ok - ok ok ok FAILS ok", false
		}
		if marks != want || passes != (summary.Verdict() == testrunner.AllPassed) ||
			!passes && !strings.Contains(got, "fault; No response if GET http://a.test/ (") {
			t.Errorf("%s: %s\n%s", guest, marks, got)
		}
	}
}

// An exchange that is recorded as a failure is tried with other faults, too.
func TestAFailureThatIsRecordedMeetsOtherFaults(t *testing.T) {
	_, summary := found(t, testrunner.Chaos, "rust-kitchen", "GET {{base}}/fetch?url=http://a.test/\n",
		"# @fail cut 4\nGET http://a.test/\nHTTP 200\n`from upstream`\n")
	if got := survivals(summary.Faults[0]); got != "ok ok ok - ok ok ok FAILS ok" {
		t.Errorf("got %s", got)
	}
	_, summary = found(t, testrunner.Chaos, "rust-kitchen", "GET {{base}}/fetch?url=https://a.test/\n",
		"# @fail refused\nGET https://a.test/\n")
	if got := survivals(summary.Faults[0]); got != "ok ok ok ok ok ok - - -" {
		t.Errorf("got %s", got)
	}
}

// survivals returns what came of the faults of an entry, in their order.
func survivals(e testrunner.EntryFaults) string {
	var marks []string
	for _, f := range e.Faults {
		mark := map[testrunner.Survival]string{
			testrunner.Survived: "ok", testrunner.Failed: "FAILS", testrunner.NotTried: "-",
		}[f.Survival]
		marks = append(marks, mark)
	}
	return strings.Join(marks, " ")
}

// An entry may need what those before it have done, even if they capture nothing.
func TestAFaultIsTriedBehindTheEntriesBefore(t *testing.T) {
	text := "GET {{base}}/fetch?url=http://a.test/\n\nGET {{base}}/fetch?url=http://a.test/\n"
	_, summary := found(t, testrunner.Chaos, "rust-kitchen", text,
		strings.Repeat("GET http://a.test/\nHTTP 200\n`from upstream`\n\n", 2))
	if len(summary.Faults) != 2 {
		t.Fatalf("the faults are %+v", summary.Faults)
	}
	for _, e := range summary.Faults {
		if marks := survivals(e); marks != "ok ok ok - ok ok ok FAILS ok" {
			t.Errorf("%s: %s", e, marks)
		}
	}
}
