package suite

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wasihttp/wasihttp/testrunner"
	"github.com/wasihttp/wasihttp/testrunner/report"
	"github.com/wasihttp/wasihttp/watch"
)

// lastLine returns the summary that was printed last.
func (s *session) lastLine() string {
	lines := strings.Split(strings.TrimSpace(s.out.String()), "\n")
	s.out.Reset()
	return lines[len(lines)-1]
}

func TestOnlyWhatFailedLastIsRunAgain(t *testing.T) {
	s := newSession(t, "new", map[string]string{"a.hurl": fresh + "\n" + stale, "b.hurl": fresh, "c.hurl": stale})
	s.Memory, s.LastFailed = filepath.Join(t.TempDir(), "cache", "last.json"), true
	run := func(want string) {
		t.Helper()
		if _, err := s.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := s.lastLine(); !strings.HasPrefix(got, want) {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	run("4 entries in 3 files: 2 passed, 2 mismatches")
	if !strings.Contains(s.err.String(), "no entry is known to have failed: all are run") {
		t.Errorf("said %q", s.err.String())
	}
	// The entry moves, and another one of the same name is before it.
	if err := os.WriteFile("c.hurl", []byte(fresh), 0o600); err != nil {
		t.Fatal(err)
	}
	run("3 entries in 2 files: 2 passed, 1 mismatch") // a.hurl has two entries of one name
	run("2 entries in 1 file: 1 passed, 1 mismatch")
	if err := os.Remove("a.hurl"); err != nil {
		t.Fatal(err)
	}
	run("2 entries in 2 files: 2 passed")
	if data, err := os.ReadFile(s.Memory); err != nil || string(data) != "{}" {
		t.Errorf("the memory holds %s, %v", data, err)
	}
}

func TestKeysOfAWatchUpdateAndRunWhatFailed(t *testing.T) {
	s := newSession(t, "new", map[string]string{"a.hurl": stale, "b.hurl": fresh})
	keys := make(chan byte)
	go func() {
		for _, key := range "fxauq" {
			keys <- byte(key)
		}
	}()
	err := s.Watch(t.Context(), "", func(p watch.Problem) { t.Error(p) }, func() <-chan byte { return keys })
	if err != nil {
		t.Fatal(err)
	}
	out := s.out.String()
	var runs []string
	for line := range strings.Lines(out) {
		if strings.Contains(line, " in ") && strings.Contains(line, " file") {
			text, _, _ := strings.Cut(line, "  ")
			runs = append(runs, text)
		}
	}
	both := "2 entries in 2 files: 1 passed, 1 mismatch"
	want := []string{both, "1 entry in 1 file: 1 mismatch", both, both}
	// What u has changed may be run again before q ends the watch.
	if len(runs) < len(want) || strings.Join(runs[:len(want)], "; ") != strings.Join(want, "; ") {
		t.Errorf("the runs were %q\n%s", runs, out)
	}
	if got := content(t, "a.hurl"); got != fresh {
		t.Errorf("a.hurl holds %q", got)
	}
	if !strings.Contains(out, "keys: u update, f failed only, a all, q quit") {
		t.Errorf("printed %s", out)
	}
}

func TestReportsOfShardsAreMerged(t *testing.T) {
	files := map[string]string{"a.hurl": stale, "b.hurl": fresh, "c.hurl": "GET\n"}
	s := newSession(t, "new", files)
	s.Rerun = func(path string) string { return "program test " + path }
	s.Options.Selection.Shards = 3
	for i, name := range []string{"1.json", "2.json", "3.json"} {
		s.Options.Selection.Shard, s.Reports.JSON = i+1, name
		if _, err := s.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	s.out.Reset()
	s.Paths = []string{"?.json"}
	s.Reports = Reports{JUnit: "all.xml", JSON: "all.json", HTML: "html"}
	s.StepSummary = "summary.md"
	if err := os.WriteFile(s.StepSummary, []byte("before\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := s.Merge()
	if got != testrunner.Unreadable || err != nil {
		t.Errorf("verdict %v, %v", got, err)
	}
	const rerun = "program test a.hurl:1"
	for name, want := range map[string][]string{
		"all.xml": {`<testsuites tests="3" failures="1" errors="1"`, rerun}, "all.json": {`"success": false`, rerun},
		filepath.Join("html", report.HTMLFile): {"a.hurl", "c.hurl", rerun}, "summary.md": {"before\n", "### ❌ 1 passed, 1 mismatch", rerun},
	} {
		text := content(t, name)
		for _, w := range want {
			if !strings.Contains(text, w) {
				t.Errorf("%s lacks %s:\n%s", name, w, text)
			}
		}
	}
	if out := s.out.String(); !strings.Contains(out, rerun) || strings.Contains(out, "✓ b.hurl") {
		t.Errorf("printed %s", out)
	}
	for _, path := range []string{"a.hurl", "missing.json", "html"} {
		s.Paths = []string{"1.json", path}
		if _, err := s.Merge(); err == nil || !strings.HasPrefix(err.Error(), path+": ") {
			t.Errorf("%s: %v", path, err)
		}
	}
}
