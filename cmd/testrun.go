package cmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"time"

	"github.com/wasihttp/wasihttp/internal/regular"
	"github.com/wasihttp/wasihttp/internal/term"
	"github.com/wasihttp/wasihttp/testrunner"
	testreport "github.com/wasihttp/wasihttp/testrunner/report"
)

// tester runs "wasihttp test" and "wasihttp review".
type tester struct {
	*state
	doors
}

// test runs "wasihttp test".
func (t *tester) test(ctx context.Context, s *testSettings) error {
	t.orderly.Store(true)
	paths, err := s.find()
	if err != nil {
		return err
	}
	if s.flags.list {
		return t.listTests(ctx, s, paths)
	}
	if s.flags.watch {
		return t.watchTests(ctx, s)
	}
	if err := s.checkReports(); err != nil {
		return err
	}
	// The garbage of a short run is not worth collecting; that of a long one is.
	defer relaxCollector()()
	run, err := t.runOnce(ctx, s, paths)
	if run != nil {
		if reportErr := s.writeReports(run); reportErr != nil && err == nil {
			err = reportErr
		}
	}
	if err != nil {
		return err
	}
	return verdictError(run.Summary.Verdict())
}

// find returns the paths of the fixtures.
func (s *testSettings) find() ([]string, error) {
	paths, err := testrunner.Find(s.paths)
	if err != nil {
		return nil, usagef("a PATH is a fixture (*.hurl, *.har), a folder with some, or - for standard input", "%v", err)
	}
	return paths, nil
}

// runOnce reads fixtures, loads their component meanwhile, and runs them.
func (t *tester) runOnce(ctx context.Context, s *testSettings, paths []string) (*testreport.Run, error) {
	started := time.Now()
	host := t.testHost(s)
	loaded := host.prepare(ctx, s.flags.component)
	sources, err := t.read(ctx, paths)
	<-loaded
	var run *testreport.Run
	if err == nil {
		run, err = t.runLoaded(ctx, s, host, sources, started)
	}
	if closeErr := closeHost(ctx, host); err == nil && closeErr != nil {
		err = loadError(closeErr, "", "%v", closeErr)
	}
	return run, err
}

// runLoaded runs fixtures once the component is there that those need that name
// none. Loading began at started.
func (t *tester) runLoaded(ctx context.Context, s *testSettings, host *testHost, sources []*testrunner.Source, started time.Time) (*testreport.Run, error) {
	if s.flags.component == "" && slices.ContainsFunc(sources, needsDefault) {
		host.component(ctx, "")
	}
	return t.runTests(ctx, s, host, sources, started)
}

// needsDefault reports whether a fixture does not name its component.
func needsDefault(s *testrunner.Source) bool {
	return slices.Contains(s.Components(), "")
}

// read reads fixtures. The error is the cause of the end of ctx, which it does not wait for.
func (t *tester) read(ctx context.Context, paths []string) ([]*testrunner.Source, error) {
	sources, ok := awaited(ctx, t.state, func() []*testrunner.Source { return readSources(paths, t.in) })
	if !ok {
		return nil, context.Cause(ctx)
	}
	return sources, nil
}

// readSources reads fixtures; in is standard input.
func readSources(paths []string, in io.Reader) []*testrunner.Source {
	sources := make([]*testrunner.Source, len(paths))
	for i, path := range paths {
		if path != testrunner.Stdin {
			sources[i] = testrunner.Read(path)
			continue
		}
		data, err := regular.ReadAll(in, regular.MaxFile)
		sources[i] = testrunner.Parse(path, data)
		if err != nil {
			sources[i] = &testrunner.Source{Path: path, Err: fmt.Errorf("standard input: %w", err)}
		}
	}
	return sources
}

// testHost returns the host of a run, which must be closed.
func (t *tester) testHost(s *testSettings) *testHost {
	load := func(ctx context.Context, path string, cfg loadConfig) (*app, error) {
		cfg.Stdout, cfg.Stderr = term.NewLines(io.Discard, false), term.NewLines(io.Discard, false)
		cfg.Notice = func(line string) { t.note("%s", line) }
		return loadFor(ctx, t.state, t.load, path, cfg)
	}
	host := newTestHost(load, func() (string, error) {
		return t.discover("test", "--component", s.load.MaxComponentSize)
	}, s.load)
	host.concurrent = s.options.Concurrent
	return host
}

func closeHost(ctx context.Context, host *testHost) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closing)
	defer cancel()
	return host.close(ctx)
}

// runTests runs fixtures and prints what comes of them. Since started their
// component has been loaded, unless that is still to be done.
func (t *tester) runTests(ctx context.Context, s *testSettings, host testrunner.Host, sources []*testrunner.Source, started time.Time) (*testreport.Run, error) {
	run := &testreport.Run{Started: time.Now()}
	run.Base = t.dir // without it, absolute paths stay as they are
	pretty := s.pretty()
	total := 0
	for _, source := range s.options.Selection.Files(sources) {
		if total++; source.File != nil {
			total += len(s.options.Selection.Entries(source.Path, source.File.Entries)) - 1
		}
	}
	if s.options.Selection.Filter != nil && s.options.Selection.Shards == 0 && total == 0 {
		return nil, usagef("--list lists what there is", "--filter %s matches no path, and no method and URL of an entry", s.flags.filter)
	}
	progress := term.StartProgress(t.stderr, "testing")
	defer progress.Stop()
	progress.Update("testing", 0, total)
	if seed := s.options.Selection.Shuffle; seed != nil && !s.flags.quiet {
		fmt.Fprintf(s.out, "order: --shuffle=%d\n", *seed)
	}
	var ended atomic.Int64
	options := s.options
	options.Ended = func() { progress.Update("testing", int(ended.Add(1)), total) }
	summary, err := testrunner.Run(ctx, host, sources, &options, func(f *testrunner.FileResult) {
		run.Files = append(run.Files, f)
		if !s.flags.quiet || f.Failed() {
			_, _ = io.WriteString(s.out, pretty.File(f))
		}
		if s.github {
			_ = testreport.GitHub(s.out, f, s.fromRepository(f.Path))
		}
		if s.flags.update {
			t.update(f)
		}
	})
	progress.Stop()
	run.Summary = summary
	summary.Loading += run.Started.Sub(started)
	summary.Duration += run.Started.Sub(started)
	if err == nil || len(run.Files) > 0 {
		_, _ = io.WriteString(s.out, pretty.Summary(summary))
	}
	var user *userError
	switch {
	case err == nil || errors.As(err, &user):
	case errors.Is(err, context.Canceled):
		fmt.Fprintf(t.stderr, "%s: %s the run is not complete\n", programName, t.stderr.Bad("interrupted:"))
		err = guestExit(interruptedCode(ctx))
	default:
		err = loadError(err, "", "%v", err)
	}
	return run, err
}

func (s *testSettings) pretty() *testreport.Pretty {
	p := &testreport.Pretty{Styles: s.out, Full: s.flags.full, Rerun: s.rerun}
	if s.out.IsTerminal() {
		p.Width = s.out.Width()
	}
	if s.review {
		p.Later = func(r *testrunner.Result) bool {
			return !slices.ContainsFunc(r.Problems, func(p testrunner.Problem) bool { return len(p.Edits) == 0 })
		}
	}
	return p
}

// update writes what came into the fixture.
func (t *tester) update(f *testrunner.FileResult) {
	updates := testrunner.Updates(f)
	if len(updates) == 0 {
		return
	}
	if !f.Writable() {
		t.note("%s is not written by --update: convert it first (%s convert)", f.Path, programName)
		return
	}
	if _, err := testrunner.Apply(f.Path, f.File.Source, updates); err != nil {
		fmt.Fprintf(t.stderr, "%s: %s %v\n", programName, t.stderr.Bad("not updated:"), term.Sprintf("%v", err))
		return
	}
	t.note("updated %s: %s", f.Path, plural(len(updates), "expectation"))
}

// fromRepository returns a path as GitHub knows it: from the root of the
// repository, which need not be the current folder.
func (s *testSettings) fromRepository(path string) string {
	abs, err := filepath.Abs(path)
	if err != nil || s.workspace == "" {
		return path
	}
	if rel, err := filepath.Rel(s.workspace, abs); err == nil && filepath.IsLocal(rel) {
		return rel
	}
	return path
}

// checkReports finds out before the run whether the reports can be written, and
// makes the folders that they are to be in.
func (s *testSettings) checkReports() error {
	for _, r := range s.reports() {
		if r.path == "" {
			continue
		}
		if err := os.MkdirAll(filepath.Dir(r.path), 0o755); err != nil {
			return usagef("", "--%s: %v", r.flag, err)
		}
		if err := regular.Writable(r.path, 0o644); err != nil {
			return usagef("name a file to write to", "--%s: %v", r.flag, err)
		}
	}
	if s.flags.html == "" {
		return nil
	}
	if err := os.MkdirAll(s.flags.html, 0o755); err != nil {
		return usagef("name a folder to write to", "--report-html: %v", err)
	}
	if err := regular.Writable(filepath.Join(s.flags.html, "index.html"), 0o644); err != nil {
		return usagef("name another folder", "--report-html: %v", err)
	}
	return nil
}

// fileReport is a report in one file.
type fileReport struct {
	flag, path string
	write      func(io.Writer, *testreport.Run) error
}

func (s *testSettings) reports() []fileReport {
	return []fileReport{
		{"report-junit", s.flags.junit, testreport.JUnit},
		{"report-tap", s.flags.tap, testreport.TAP},
		{"report-json", s.flags.json, testreport.JSON},
	}
}

// writeReports writes the reports that were asked for.
func (s *testSettings) writeReports(run *testreport.Run) error {
	for _, r := range s.reports() {
		if r.path == "" {
			continue
		}
		if err := writeReport(r.path, run, r.write); err != nil {
			return usagef("", "--%s: %v", r.flag, err)
		}
	}
	if s.flags.html != "" {
		if err := testreport.HTML(s.flags.html, run); err != nil {
			return usagef("", "--report-html: %v", err)
		}
	}
	return nil
}

func writeReport(path string, run *testreport.Run, write func(io.Writer, *testreport.Run) error) error {
	f, err := regular.Create(path, 0o644)
	if err != nil {
		return err
	}
	err = write(f, run)
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	return err
}

// listTests prints what would be run.
func (t *tester) listTests(ctx context.Context, s *testSettings, paths []string) error {
	sources, err := t.read(ctx, paths)
	if err != nil {
		return err
	}
	once := s.options.Selection
	once.Repeat = 1
	unreadable := false
	for _, source := range once.Files(sources) {
		if source.Err != nil || len(source.Errors) > 0 {
			unreadable = true
			_, _ = io.WriteString(s.out, s.pretty().File(&testrunner.FileResult{Path: source.Path, ParseErrors: source.Errors, Err: source.Err}))
			continue
		}
		for _, e := range once.Entries(source.Path, source.File.Entries) {
			place := e.Range.Start.LineIn(term.Clean(source.Path))
			fmt.Fprintf(s.out, "%s  %s\n", place, term.Clean(testrunner.EntryName(e)))
		}
	}
	if unreadable {
		return guestExit(exitUnreadable)
	}
	return nil
}
