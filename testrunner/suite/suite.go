// Package suite implements the commands test and review: it finds and reads
// fixtures, runs them with [testrunner.Run], prints the results, writes reports,
// changes fixtures, and runs again when a file changes.
package suite

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"sync/atomic"
	"time"

	"github.com/wasihttp/wasihttp/internal/regular"
	"github.com/wasihttp/wasihttp/internal/term"
	"github.com/wasihttp/wasihttp/internal/words"
	"github.com/wasihttp/wasihttp/testrunner"
	"github.com/wasihttp/wasihttp/testrunner/report"
)

// Suite describes the fixtures to run, and where the results go. Its methods
// must not be called at the same time.
type Suite struct {
	// Program is the name of the program in messages.
	Program string
	// Paths are those of fixtures, folders and patterns, or testrunner.Stdin.
	Paths []string
	// Parts are the files that each component is put together with; Watch watches them, too.
	Parts []string
	// Options are passed on to testrunner.Run.
	Options testrunner.Options
	Host    Host
	// Play runs the fixtures; nil stands for testrunner.Run.
	Play func(
		context.Context, testrunner.Host, []*testrunner.Source, *testrunner.Options,
		func(*testrunner.FileResult),
	) (*testrunner.Summary, error)
	// Dir is the current folder, "" if it is unknown.
	Dir string

	// In is standard input, which may hold a fixture, or the keys of a review.
	In io.Reader
	// Out receives results, Err progress and notes.
	Out, Err *term.Output
	// Await runs work that does not notice the end of ctx, and reports whether
	// the work has ended; otherwise ctx has. If Await is nil, work runs to its
	// end.
	Await func(ctx context.Context, work func()) bool

	// JSON receives the results, or the list, for programs; nil for none.
	JSON io.Writer

	// Full shows whole differences, Quiet only what failed.
	Full, Quiet bool
	// Rerun returns the command that shows the whole differences of one file.
	Rerun func(path string) string
	// Update makes fixtures expect the responses; Options.All must be set.
	Update  bool
	Reports Reports
	// GitHub also prints failures as commands of GitHub Actions; Workspace is
	// the root of the repository.
	GitHub    bool
	Workspace string
	// StepSummary is a file to which a summary in Markdown is added; "" for none.
	StepSummary string

	// Crashes says that the fixtures are requests that failed: Run says which are fixed, and
	// removes these.
	Crashes bool
	// Memory is a file that keeps what failed; "" for none. LastFailed runs only that.
	Memory     string
	LastFailed bool
	// Timings is a report of --report-json by whose times shards are dealt; "" to count entries.
	Timings string
	// Coverage, unless nil, returns how much of the components' code ran. It is called when a run
	// has ended and the components are freed.
	Coverage func() (*report.Coverage, error)

	asks bool // differences are shown when it is asked about them
}

// Host makes the instances that fixtures run against.
type Host interface {
	testrunner.Host
	// Load loads the component in a file, "" being the one of fixtures that name none, unless it is
	// loaded. counts says that its instructions are to be counted. Open returns its error.
	Load(ctx context.Context, path string, counts bool)
	// Drop frees all components, so that they are loaded anew when they are
	// needed again. All targets must be closed.
	Drop(ctx context.Context) error
}

// Error is an error for the user.
type Error struct {
	Message string // on one line
	Hint    string // the next step; "" for none
	Err     error  // nil if Message is all
	// Usage reports whether the arguments are at fault.
	Usage bool
}

// Error returns the message.
func (e *Error) Error() string { return e.Message }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// fail returns an Error about the arguments.
func fail(err error, hint, format string, args ...any) error {
	return &Error{Message: term.Sprintf(format, args...), Hint: hint, Err: err, Usage: true}
}

// note prints a line under the program's name.
func (s *Suite) note(format string, args ...any) {
	fmt.Fprintf(s.Err, "%s: %s\n", s.Program, term.Sprintf(format, args...))
}

// Run runs the fixtures once. The error is an *Error, an *testrunner.OpenError, or
// the cause of the end of ctx.
func (s *Suite) Run(ctx context.Context) (testrunner.Verdict, error) {
	paths, err := s.find()
	if err != nil {
		return 0, err
	}
	if err := s.Reports.check(); err != nil {
		return 0, err
	}
	run, err := s.once(ctx, paths)
	if run == nil {
		return 0, err
	}
	if coverErr := s.cover(run.Run); err == nil {
		err = coverErr
	}
	s.remember(run.Files)
	s.summarize(run.Run)
	for _, line := range run.Summary.Unused {
		s.note("%s", line)
	}
	if s.Crashes {
		s.settle(run.Files)
	}
	if reportErr := errors.Join(s.writeJSON(run.Run), s.Reports.write(run.Run)); err == nil {
		err = reportErr
	}
	return run.verdict(), err
}

// List prints what would be run.
func (s *Suite) List(ctx context.Context) (testrunner.Verdict, error) {
	paths, err := s.find()
	if err != nil {
		return 0, err
	}
	sources, err := s.read(ctx, paths)
	if err != nil {
		return 0, err
	}
	selection, err := s.selection(sources)
	if err != nil {
		return 0, err
	}
	selection.Repeat = 1
	if s.JSON != nil {
		return report.List(s.JSON, sources, selection)
	}
	verdict := testrunner.AllPassed
	for _, source := range selection.Files(sources) {
		if source.Err != nil || len(source.Errors) > 0 {
			verdict = testrunner.Unreadable
			f := &testrunner.FileResult{Path: source.Path, ParseErrors: source.Errors,
				Err: source.Err}
			_, _ = io.WriteString(s.Out, s.pretty().File(f))
			continue
		}
		for _, e := range selection.Entries(source.Path, source.File.Entries) {
			place := e.Range.Start.LineIn(term.Clean(source.Path))
			fmt.Fprintf(s.Out, "%s  %s\n", place, term.Clean(testrunner.EntryName(e)))
		}
	}
	return verdict, nil
}

// files returns Paths without lines, which become a part of the selection, unless the file is also
// named as a whole.
func (s *Suite) files() []string {
	places, whole := map[string][]testrunner.Lines{}, map[string]bool{}
	files := make([]string, len(s.Paths))
	for i, path := range s.Paths {
		file, lines, ok := testrunner.CutLines(path)
		files[i] = file
		if file = filepath.Clean(file); ok {
			places[file] = append(places[file], lines)
		} else {
			whole[file] = true
		}
	}
	maps.DeleteFunc(places, func(file string, _ []testrunner.Lines) bool { return whole[file] })
	s.Options.Selection.Places = places
	return files
}

// find returns the paths of the fixtures.
func (s *Suite) find() ([]string, error) {
	paths, err := testrunner.Find(s.files())
	if err != nil {
		return nil, fail(err,
			"name a fixture (*.hurl, *.har), a folder of fixtures, or - for standard input", "%v",
			err)
	}
	return paths, nil
}

// selection completes the selection for the fixtures that were read.
func (s *Suite) selection(sources []*testrunner.Source) (testrunner.Selection, error) {
	selection := s.Options.Selection
	for _, source := range sources {
		if err := selection.Misplaced(source); err != nil {
			return selection, fail(nil, "name the line of an entry, as reports do", "%v", err)
		}
	}
	if s.LastFailed && !s.remembered().only(&selection, sources) {
		s.note("no entry is known to have failed: all are run")
	}
	if s.Timings == "" {
		return selection, nil
	}
	data, err := regular.ReadFile(s.Timings, regular.MaxFile)
	var times map[string]time.Duration
	if err == nil {
		times, err = report.Times(data)
	}
	if err != nil {
		return selection, fail(err, "name a file that --report-json has written",
			"--shard-times %s: %v", s.Timings, regular.Reason(err))
	}
	selection.Times = func(path string) (time.Duration, bool) {
		t, ok := times[(&report.Run{Base: s.Dir}).Name(path)]
		return t, ok
	}
	return selection, nil
}

// read reads fixtures. The error is the cause of the end of ctx.
func (s *Suite) read(ctx context.Context, paths []string) ([]*testrunner.Source, error) {
	read := make(chan []*testrunner.Source, 1)
	if !s.await(ctx, func() { read <- testrunner.ReadAll(paths, s.In) }) {
		return nil, context.Cause(ctx)
	}
	return <-read, nil
}

func (s *Suite) await(ctx context.Context, work func()) bool {
	if s.Await != nil {
		return s.Await(ctx, work)
	}
	work()
	return true
}

// run is a run of all fixtures.
type run struct {
	*report.Run
	// left is how many of the reported differences were not accepted.
	left     int
	accepted bool // differences could be accepted
}

// verdict is the verdict of the run without the accepted differences.
func (r *run) verdict() testrunner.Verdict {
	v := r.Summary.Verdict()
	if v == testrunner.Mismatches && r.accepted && r.left == 0 {
		v = testrunner.AllPassed
	}
	if v == testrunner.AllPassed && r.Coverage != nil && r.Coverage.Below != "" {
		return testrunner.Mismatches
	}
	return v
}

// once reads fixtures, loads their component meanwhile, and runs them.
func (s *Suite) once(ctx context.Context, paths []string) (*run, error) {
	started := time.Now()
	loaded := make(chan struct{})
	go func() {
		defer close(loaded)
		// Single fixtures are read quickly, and say how to load it.
		if path := s.Options.Component; path != "" && !allFixtures(paths) {
			s.Host.Load(ctx, path, false)
		}
	}()
	sources, err := s.read(ctx, paths)
	<-loaded
	var r *run
	if err == nil {
		r, err = s.loaded(ctx, sources, started)
	}
	if dropErr := s.drop(ctx); err == nil {
		err = dropErr
	}
	return r, err
}

// allFixtures reports whether all paths have the names of fixtures.
func allFixtures(paths []string) bool {
	return !slices.ContainsFunc(paths, func(path string) bool {
		return !testrunner.IsFixture(path)
	})
}

// closing is how long components may take to be freed.
const closing = 5 * time.Second

func (s *Suite) drop(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closing)
	defer cancel()
	return s.Host.Drop(ctx)
}

// loaded waits for the component of fixtures that name none, and runs the
// fixtures. Loading began at started.
func (s *Suite) loaded(
	ctx context.Context, sources []*testrunner.Source, started time.Time,
) (*run, error) {
	for _, counts := range []bool{false, true} {
		needs := func(source *testrunner.Source) bool {
			return source.Counts() == counts && (s.Options.Component != "" ||
				slices.Contains(source.Components(), ""))
		}
		if slices.ContainsFunc(sources, needs) {
			s.Host.Load(ctx, s.Options.Component, counts)
		}
	}
	options := s.Options
	var err error
	if options.Selection, err = s.selection(sources); err != nil {
		return nil, err
	}
	total := 0
	for _, source := range options.Selection.Files(sources) {
		if total++; source.File != nil {
			total += len(options.Selection.Entries(source.Path, source.File.Entries)) - 1
		}
	}
	filter := options.Selection.Filter
	if filter != nil && options.Selection.Shards == 0 && total == 0 {
		return nil, fail(nil, "--list shows what there is",
			"--filter %s matches no path and no entry", filter)
	}
	if seed := options.Selection.Shuffle; seed != nil && !s.Quiet {
		fmt.Fprintf(s.Out, "order: --shuffle=%d\n", *seed)
	}
	progress := term.StartProgress(s.Err, "testing")
	defer progress.Stop()
	progress.Update("testing", 0, total)
	var ended atomic.Int64
	options.Ended = func() { progress.Update("testing", int(ended.Add(1)), total) }
	options.Responded = func() {
		// It is shown only if the next step takes long to come.
		progress.Update("the component works on after a response", int(ended.Load()), total)
	}

	r := &run{Run: &report.Run{Started: time.Now(), Base: s.Dir}, accepted: s.Update}
	pretty := s.pretty()
	play := testrunner.Run
	if s.Play != nil {
		play = s.Play
	}
	r.Summary, err = play(ctx, s.Host, sources, &options, func(f *testrunner.FileResult) {
		r.Files = append(r.Files, f)
		s.again(f)
		if !s.Quiet || f.Failed() {
			_, _ = io.WriteString(s.Out, pretty.File(f))
		}
		if s.GitHub {
			_ = report.GitHub(s.Out, f, s.fromRepository(f.Path))
		}
		if s.Update {
			r.left += s.update(f)
		}
	})
	progress.Stop()
	r.Summary.Loading += r.Started.Sub(started)
	r.Summary.Duration += r.Started.Sub(started)
	if err == nil || len(r.Files) > 0 {
		_, _ = io.WriteString(s.Out, pretty.Summary(r.Summary))
	}
	if errors.Is(err, context.Canceled) {
		fmt.Fprintf(s.Err, "%s: %s the run is not complete\n", s.Program, s.Err.Bad("interrupted:"))
	}
	return r, err
}

// again adds to the entries that failed the commands that run them alone.
func (s *Suite) again(f *testrunner.FileResult) {
	if s.Rerun == nil {
		return
	}
	for i := range f.Results {
		r := &f.Results[i]
		place := r.Place(f.Path)
		if place == "" || !r.Outcome.Failed() {
			continue
		}
		if s.Play != nil {
			place = f.Path // a finder needs the others
		}
		r.Rerun = s.Rerun(place)
	}
}

func (s *Suite) pretty() *report.Pretty {
	p := &report.Pretty{Styles: s.Out, Full: s.Full, Rerun: s.Rerun}
	if s.Out.IsTerminal() {
		p.Width = s.Out.Width()
	}
	if s.asks {
		p.Later = func(r *testrunner.Result) bool {
			return !slices.ContainsFunc(r.Problems,
				func(p testrunner.Problem) bool { return len(p.Edits) == 0 })
		}
	}
	return p
}

// fromRepository returns a path relative to the root of the repository, as
// GitHub expects it.
func (s *Suite) fromRepository(path string) string {
	abs, err := filepath.Abs(path)
	if err != nil || s.Workspace == "" {
		return path
	}
	if rel, err := filepath.Rel(s.Workspace, abs); err == nil && filepath.IsLocal(rel) {
		return rel
	}
	return path
}

// update makes a fixture expect the responses. It reports and returns how many
// differences are left.
func (s *Suite) update(f *testrunner.FileResult) (left int) {
	updates, left := testrunner.Updates(f), testrunner.Unacceptable(f)
	switch {
	case len(updates) == 0 && left == 0:
		return 0
	case !f.Writable():
		s.note("--update does not write %s: convert it first (%s convert)", f.Path, s.Program)
		return left + len(updates)
	case len(updates) > 0:
		if _, err := testrunner.Apply(f.Path, f.File.Source, updates); err != nil {
			fmt.Fprintf(s.Err, "%s: %s %s\n",
				s.Program, s.Err.Bad("not updated:"), term.Sprintf("%v", err))
			return left + len(updates)
		}
		s.note("updated %s: %s", f.Path, words.Count(len(updates), "expectation", "expectations"))
	}
	if left > 0 {
		s.note("%s left in %s, for which --update has no text: edit the fixture",
			words.Count(left, "difference", "differences"), f.Path)
	}
	return left
}
