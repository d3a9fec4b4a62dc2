package suite

import (
	"context"
	"errors"
	"io"
	"strings"

	"github.com/wasihttp/wasihttp/internal/term"
	"github.com/wasihttp/wasihttp/internal/words"
	"github.com/wasihttp/wasihttp/testrunner"
)

// Retest is a run whose results are shown on demand.
type Retest struct {
	suite *Suite
	run   *run
}

// Retest runs the fixtures once and prints nothing. Options.All must be set. The error is as that
// of Run.
func (s *Suite) Retest(ctx context.Context) (*Retest, error) {
	paths, err := s.find()
	if err != nil {
		return nil, err
	}
	silent := *s
	silent.Out, silent.Err = term.New(io.Discard, nil), term.New(io.Discard, nil)
	run, err := silent.once(ctx, paths)
	if err != nil {
		return nil, err
	}
	return &Retest{s, run}, nil
}

// Passed reports whether all responses are as the fixtures expect.
func (r *Retest) Passed() bool { return r.run.Summary.Verdict() == testrunner.AllPassed }

// Counts returns the number of entries whose responses are as expected, those with another
// response, and the others that failed.
func (r *Retest) Counts() (same, changed, failed int) {
	for o, n := range r.run.Summary.Counts {
		switch {
		case o == testrunner.Pass:
			same += n
		case o == testrunner.Mismatch:
			changed += n
		case o.Failed():
			failed += n
		}
	}
	return same, changed, failed + r.run.Summary.Unreadable
}

// Line returns the result in a few words.
func (r *Retest) Line() string {
	same, changed, _ := r.Counts()
	parts := []string{words.Count(same, "same", "same")}
	if changed > 0 {
		parts = append(parts, words.Count(changed, "changed", "changed"))
	}
	for _, o := range testrunner.Outcomes() {
		n := r.run.Summary.Counts[o]
		if n > 0 && o.Failed() && o != testrunner.Mismatch {
			parts = append(parts, words.Count(n, string(o), string(o)))
		}
	}
	if n := r.run.Summary.Unreadable; n > 0 {
		parts = append(parts, words.Count(n, "file cannot be parsed", "files cannot be parsed"))
	}
	return strings.Join(parts, ", ")
}

// Details returns the reports about the files in which something failed.
func (r *Retest) Details() string {
	var b strings.Builder
	pretty := r.suite.pretty()
	for _, f := range r.run.Files {
		if f.Failed() {
			b.WriteString(pretty.File(f))
		}
	}
	return b.String()
}

// Accept makes the fixtures expect the responses that differ, as far as edits can, and returns how
// many expectations it has changed. The error joins those of files that could not be written.
func (r *Retest) Accept() (int, error) {
	accepted := 0
	var errs []error
	for _, f := range r.run.Files {
		updates := testrunner.Updates(f)
		if len(updates) == 0 || !f.Writable() {
			continue
		}
		if _, err := testrunner.Apply(f.Path, f.File.Source, updates); err != nil {
			errs = append(errs, err)
			continue
		}
		accepted += len(updates)
	}
	return accepted, errors.Join(errs...)
}
