package testrunner

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/wasihttp/wasihttp/internal/fixture/hurl"
	"github.com/wasihttp/wasihttp/internal/term"
	"github.com/wasihttp/wasihttp/testrunner/internal/eval"
)

// Isolation is the scope of an instance: the entries that share one.
type Isolation string

// The isolations.
const (
	IsolateNone  Isolation = "none"  // all files, in order
	IsolateFile  Isolation = "file"  // the entries of a file
	IsolateEntry Isolation = "entry" // nothing
)

// Options configures Run.
type Options struct {
	Isolate Isolation
	// Jobs is how many files run at once; more than 1 isolates files.
	Jobs int
	// Concurrent is how many entries are sent at once into the one instance, if
	// it takes several; more than 1 excludes isolation and Jobs.
	Concurrent int
	// Timeout limits the time for a response where the fixture does not; 0: no
	// limit.
	Timeout time.Duration
	// Retry is how often an entry that fails is tried again.
	Retry int64
	// All checks everything in a response even if its status is wrong, and
	// makes edits that would make the fixture expect the response.
	All bool
	// MaxBody is how large the body of a response may be, in bytes, also without
	// its content codings; 0: no limit.
	MaxBody int64
	// FailFast ends the run at the first entry that fails.
	FailFast bool
	// FileRoot is the folder that files named by fixtures must be in; "" for
	// the folder of the fixture.
	FileRoot  string
	Variables []Variable
	// Secrets are variables whose values are not shown.
	Secrets   []Variable
	Selection Selection
	// Component is the path of the component, regardless of what fixtures name; "" for the
	// component that they name, or else the one that is found.
	Component string
	// World is where instances begin if fixtures do not say.
	World World
	// UpstreamMode says who responds to requests of the guest to other servers, and Upstreams are
	// paths of upstream fixtures for all entries.
	UpstreamMode UpstreamMode
	Upstreams    []string
	// Redact are more names of secrets in what is recorded of other servers.
	Redact []string
	// StrictUpstreams makes it a failure if a recorded exchange of a file is not used.
	StrictUpstreams bool
	// Responded, if not nil, is called whenever a whole response is there, for which the instance
	// may work on, and Ended whenever an entry has ended; both from several goroutines at once.
	Responded, Ended func()
	// Now and Sleep are the clock; nil stands for the real one.
	Now   func() time.Time
	Sleep func(ctx context.Context, d time.Duration) error

	// play, if not nil, is how a finder wants entries to be run.
	play *play
	// result, if not nil, is called with the result of each entry, which is then not kept.
	result func(path string, r *Result)
}

// Variable is a variable from outside. Its kind is inferred from the value.
type Variable struct{ Name, Value string }

// DefaultVariables are variables that fixtures may use without setting them,
// for URLs that also have to work over a network.
func DefaultVariables() []Variable {
	return []Variable{{"host", "http://localhost"}, {"base", "http://localhost"}}
}

func (o *Options) sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	if o.Sleep != nil {
		return o.Sleep(ctx, d)
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (o *Options) now() time.Time {
	if o.Now != nil {
		return o.Now()
	}
	return time.Now()
}

// vars returns the variables with which each file begins.
func (o *Options) vars() *eval.Vars {
	vars := eval.NewVars()
	for _, v := range append(DefaultVariables(), o.Variables...) {
		vars.Set(v.Name, eval.Infer(v.Value))
	}
	for _, s := range o.Secrets {
		vars.SetSecret(s.Name, s.Value)
	}
	return vars
}

// Run runs the selected sources and calls done for each file, in their order,
// from one goroutine at a time. Files that are not run after a failure are
// counted only. The error is that of ctx, or an *OpenError for the component
// that most fixtures need.
func Run(
	ctx context.Context, host Host, sources []*Source, o *Options, done func(*FileResult),
) (*Summary, error) {
	start := o.now()
	r := &runner{
		host: host, options: o, files: o.Selection.Files(sources), done: done,
		upstreams: &upstreamCache{},
	}
	ctx, r.stop = context.WithCancelCause(ctx)
	defer r.stop(nil)
	err := r.run(ctx)
	r.summary.Duration = o.now().Sub(start)
	r.summary.NotRun, r.summary.Loading = len(r.files)-r.summary.Files, r.loading
	if errors.Is(err, errFailFast) {
		r.shared.partial = true
		err = nil
	}
	if err == nil && !r.shared.partial && len(r.files) >= len(sources) {
		r.summary.Unused, r.summary.strict = r.shared.unused(), o.StrictUpstreams
	}
	return &r.summary, err
}

var errFailFast = errors.New("an entry failed")

type runner struct {
	host    Host
	options *Options
	files   []*Source
	done    func(*FileResult)
	stop    context.CancelCauseFunc

	upstreams *upstreamCache
	// vars are the variables with which files begin; nil to make them for each file.
	vars   *eval.Vars
	shared sharedUses // guarded by mu

	mu      sync.Mutex
	loading time.Duration
	waiting map[int]*FileResult // that ended, and were not passed on yet
	next    int                 // the file whose result is passed on next
	passing bool                // somebody passes on results, and has the summary

	summary Summary
}

func (r *runner) run(ctx context.Context) error {
	if n := r.options.Concurrent; n > 1 {
		s := newSession(r.host, n)
		defer s.fresh()
		return r.parallel(ctx, n, s)
	}
	jobs := min(max(r.options.Jobs, 1), len(r.files))
	if jobs <= 1 {
		s := newSession(r.host, 1)
		defer s.fresh()
		for i, source := range r.files {
			if r.options.Isolate == IsolateFile {
				s.fresh()
			}
			if err := r.file(ctx, i, source, s); err != nil {
				return err
			}
		}
		return nil
	}
	return r.parallel(ctx, jobs, nil)
}

// parallel runs files on several goroutines, each file with its own instance
// unless they share a session.
func (r *runner) parallel(ctx context.Context, jobs int, shared *session) error {
	// Each worker takes the next file itself: one that were handed to it would cost as much as
	// running it, if it is small.
	var next atomic.Int64
	var workers sync.WaitGroup
	for range jobs {
		workers.Go(func() {
			s := shared
			if s == nil {
				s = newSession(r.host, 1)
			}
			for ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= len(r.files) {
					return
				}
				if err := r.file(ctx, i, r.files[i], s); err != nil {
					r.stop(err)
				}
				if shared == nil {
					s.forget()
				}
			}
		})
	}
	workers.Wait()
	r.flush()
	return context.Cause(ctx)
}

// file runs a file and reports its result.
func (r *runner) file(ctx context.Context, index int, source *Source, s *session) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	result, err := r.runFile(ctx, source, s)
	if err != nil {
		return err
	}
	r.pass(index, result)
	if r.options.FailFast && result.Failed() {
		return errFailFast
	}
	return nil
}

// pass reports results in the order of the files. A result that comes while another goroutine
// reports one is left to that: reporting can take longer than running a file.
func (r *runner) pass(index int, result *FileResult) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.waiting == nil {
		r.waiting = make(map[int]*FileResult)
	}
	r.waiting[index] = result
	if r.passing {
		return
	}
	r.passing = true
	defer func() { r.passing = false }()
	for {
		next, ok := r.waiting[r.next]
		if !ok {
			return
		}
		delete(r.waiting, r.next)
		r.next++
		r.mu.Unlock()
		r.emit(next)
		r.mu.Lock()
	}
}

// loaded counts the time that a file had to wait for its component. Files that
// run at once wait for the same load.
func (r *runner) loaded(d time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.loading = max(r.loading, d)
}

// flush reports the results that wait for files which did not run to their end. Nothing runs any
// more.
func (r *runner) flush() {
	for _, index := range slices.Sorted(maps.Keys(r.waiting)) {
		r.emit(r.waiting[index])
	}
	clear(r.waiting)
}

func (r *runner) emit(f *FileResult) {
	r.summary.Count(f)
	r.done(f)
}

// runFile runs the entries of a file.
func (r *runner) runFile(ctx context.Context, source *Source, s *session) (*FileResult, error) {
	start := r.options.now()
	result := &FileResult{
		File: source.File, Path: source.Path, Started: start, ParseErrors: source.Errors,
		Err: source.Err, Notes: source.Notes,
	}
	if source.Err != nil || len(source.Errors) > 0 {
		return result, nil
	}
	f := r.open(source, s, result)
	if f == nil {
		return result, nil
	}
	var err error
	run := f.entries
	if r.options.Concurrent > 1 {
		run = f.overlapping
	}
	selected := r.options.Selection.Entries(source.Path, source.File.Entries)
	err = run(ctx, selected)
	s.leave(r.options.World)
	allRan := len(selected) == len(source.File.Entries)
	f.reportUnused(allRan)
	r.count(f.upstreams, source.Path, allRan && err == nil)
	f.writeUpstreams(allRan && r.options.UpstreamMode == UpstreamAll)
	var open *OpenError
	if errors.As(err, &open) && open.Spec.Component != r.options.Component {
		result.Err, err = fmt.Errorf("%s: %w", term.Clean(source.Path), open), nil
	}
	f.redact()
	result.Duration = r.options.now().Sub(start) - f.loading
	r.loaded(f.loading)
	return result, err
}

// open returns the run of a file that can be run; nil if its upstream fixtures cannot be read,
// which the result then says.
func (r *runner) open(source *Source, s *session, result *FileResult) *fileRun {
	upstreams, parseErrors, err := r.openUpstreams(source)
	if err != nil || len(parseErrors) > 0 {
		result.ParseErrors, result.Err = parseErrors, err
		return nil
	}
	files := newFileReader(r.options.FileRoot, source.Path)
	vars := r.vars.Clone()
	if vars == nil {
		vars = r.options.vars()
	}
	f := &fileRun{
		upstreams: upstreams,
		options:   r.options, session: s, file: source.File, files: files, result: result,
		base:    Spec{Component: r.options.Component},
		cookies: &cookieStore{},
		scope:   &eval.Scope{Vars: vars, ReadFile: files.read, Now: r.options.now},
	}
	f.began = f.world()
	if source.Counts() {
		f.base.Counted = source.Path
	}
	return f
}

// entries runs entries in their order. An entry that fails does not end the
// file, so that the report has all of them.
func (f *fileRun) entries(ctx context.Context, entries []*hurl.Entry) error {
	for i, e := range entries {
		if err := f.entry(ctx, e); err != nil {
			return err
		}
		last := &f.result.Results[len(f.result.Results)-1]
		if f.options.FailFast && last.Outcome.Failed() {
			f.skip(entries[i+1:])
			return nil
		}
	}
	return nil
}

// skip adds entries that are not run because of --fail-fast.
func (f *fileRun) skip(entries []*hurl.Entry) {
	for _, e := range entries {
		f.add(Result{Entry: e, Outcome: Skipped, Notes: []string{"an entry before it failed"}})
	}
}

// ParseVariable parses NAME=VALUE.
func ParseVariable(s string) (Variable, error) {
	name, value, ok := strings.Cut(s, "=")
	if !ok || strings.TrimSpace(name) == "" {
		return Variable{}, fmt.Errorf("%q is not NAME=VALUE", s)
	}
	return Variable{strings.TrimSpace(name), value}, nil
}

// ParseVariables reads a file of variables: a line each, blank lines and those
// that begin with # are skipped.
func ParseVariables(text string) ([]Variable, error) {
	var list []Variable
	for n, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		v, err := ParseVariable(line)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n+1, err)
		}
		list = append(list, v)
	}
	return list, nil
}
