package suite

import (
	"errors"
	"io"
	"os"
	"path/filepath"

	"github.com/wasihttp/wasihttp/internal/regular"
	"github.com/wasihttp/wasihttp/testrunner"
	"github.com/wasihttp/wasihttp/testrunner/report"
)

// Merge makes one run of those whose JSON reports are at Paths, prints what failed in it, and
// writes Reports. The error is an *Error.
func (s *Suite) Merge() (testrunner.Verdict, error) {
	var runs []*report.Run
	var names []string
	for _, pattern := range s.Paths {
		paths, err := filepath.Glob(pattern)
		if err != nil || len(paths) == 0 {
			paths = []string{pattern}
		}
		for _, path := range paths {
			data, err := regular.ReadFile(path, regular.MaxFile)
			var run *report.Run
			if err == nil {
				run, err = report.Parse(data)
			}
			if err != nil {
				return 0, fail(err, "name files that --report-json has written", "%s: %v",
					path, regular.Reason(err))
			}
			runs, names = append(runs, run), append(names, filepath.ToSlash(path))
		}
	}
	if err := s.Reports.check(); err != nil {
		return 0, err
	}
	all := report.Merge(runs, names)
	pretty := s.pretty()
	for _, f := range all.Files {
		if f.Failed() {
			_, _ = io.WriteString(s.Out, pretty.File(f))
		}
	}
	_, _ = io.WriteString(s.Out, pretty.Summary(all.Summary))
	s.summarize(all)
	return all.Summary.Verdict(), errors.Join(s.writeJSON(all), s.Reports.write(all))
}

// summarize adds the summary of a run to that of a step of GitHub Actions.
func (s *Suite) summarize(run *report.Run) {
	if s.StepSummary == "" {
		return
	}
	out, err := os.OpenFile(s.StepSummary, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o644)
	if err == nil {
		err = errors.Join(report.Markdown(out, run), out.Close())
	}
	if err != nil {
		s.note("no summary in $GITHUB_STEP_SUMMARY: %s: %v", s.StepSummary, regular.Reason(err))
	}
}
