package report

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// written returns everything that is written about a run.
func written(t *testing.T, run *Run) map[string]string {
	t.Helper()
	all := map[string]string{}
	for name, write := range map[string]func(io.Writer, *Run) error{
		"JSON": JSON, "JUnit": JUnit, "TAP": TAP, "Markdown": Markdown,
	} {
		var b bytes.Buffer
		if err := write(&b, run); err != nil {
			t.Fatal(err)
		}
		all[name] = b.String()
	}
	dir := t.TempDir()
	if err := HTML(dir, run); err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(filepath.Join(dir, HTMLFile))
	if err != nil {
		t.Fatal(err)
	}
	all["HTML"] = string(page)
	return all
}

func TestAReportThatIsReadAgainSaysTheSame(t *testing.T) {
	want := written(t, sample())
	run, err := Parse([]byte(want["JSON"]))
	if err != nil {
		t.Fatal(err)
	}
	// A JSON report does not say when a single file began.
	for _, f := range run.Files {
		f.Started = time.Time{}
	}
	got := written(t, run)
	for name := range want {
		if diff := cmp.Diff(want[name], got[name]); diff != "" {
			t.Errorf("%s: (-want +got):\n%s", name, diff)
		}
	}
}

func TestWhatIsNoReportIsRefused(t *testing.T) {
	for text, want := range map[string]string{
		"":                          "no report of --report-json",
		"[]":                        "no report of --report-json",
		`{"version": 1}`:            "no report of --report-json",
		`{"files": []}`:             "no report of --report-json",
		`{"version":2,"files":[]}`:  "version 2",
		`{"version":"1","files":0}`: "no report of --report-json",
	} {
		if _, err := Parse([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestMergedRunsAreCountedTogether(t *testing.T) {
	one, two := sample(), sample()
	one.Started = one.Started.Add(time.Hour)
	two.Files[1].Path = "other.hurl"
	all := Merge([]*Run{one, two}, []string{"linux.json", "windows.json"})
	s := all.Summary
	if s.Files != 4 || s.Entries != 14 || s.Flaky != 2 || s.Duration != 4*time.Second ||
		!all.Started.Equal(two.Started) {
		t.Errorf("got %+v, %v", s, all.Started)
	}
	var notes []string
	for _, f := range all.Files {
		notes = append(notes, f.Path+": "+strings.Join(f.Notes, ", "))
	}
	want := []string{
		"dir/all.hurl: from linux.json", "dir/all.hurl: from windows.json", "dir/bad.hurl: ", "other.hurl: ",
	}
	if diff := cmp.Diff(want, notes); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
