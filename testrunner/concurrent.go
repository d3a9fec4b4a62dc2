package testrunner

import (
	"context"
	"sync"

	"github.com/wasihttp/wasihttp/internal/fixture/hurl"
	"github.com/wasihttp/wasihttp/testrunner/internal/eval"
)

// overlapping runs several entries at once; the instance gets them in their
// order. An entry that sets variables or cookies for later ones ends before
// those begin.
func (f *fileRun) overlapping(ctx context.Context, entries []*hurl.Entry) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var (
		running sync.WaitGroup
		mu      sync.Mutex // guards failed
		failed  bool
		forks   []*fileRun
	)
	hasFailed := func() bool {
		mu.Lock()
		defer mu.Unlock()
		return failed
	}
	for i, e := range entries {
		select {
		case f.session.places <- struct{}{}:
		case <-ctx.Done():
		}
		if ctx.Err() != nil {
			break
		}
		if f.options.FailFast && hasFailed() {
			<-f.session.places
			f.skipRest(&forks, entries[i:])
			break
		}
		f.begin(e)
		own := f.fork()
		forks = append(forks, own)
		taken := make(chan struct{})
		own.taken = sync.OnceFunc(func() { close(taken) })
		run := func() {
			defer func() { <-f.session.places }()
			defer own.taken()
			if err := own.entry(ctx, e); err != nil {
				stop(err)
				return
			}
			if own.result.Failed() {
				mu.Lock()
				failed = true
				mu.Unlock()
			}
		}
		if f.binds(e) {
			run()
			f.scope.Vars = own.scope.Vars
		} else {
			running.Go(run)
			<-taken
		}
	}
	running.Wait()
	for _, own := range forks {
		f.result.Results = append(f.result.Results, own.result.Results...)
		f.loading = max(f.loading, own.loading)
	}
	return context.Cause(ctx)
}

// skipRest adds a run in which entries are skipped.
func (f *fileRun) skipRest(forks *[]*fileRun, entries []*hurl.Entry) {
	own := f.fork()
	own.skip(entries)
	*forks = append(*forks, own)
}

// fork returns a run for one entry: with its own results and variables, and the
// same cookies.
func (f *fileRun) fork() *fileRun {
	own := *f
	own.result, own.loading = &FileResult{}, 0
	own.scope = &eval.Scope{Vars: f.scope.Vars.Clone(), ReadFile: f.scope.ReadFile,
		Now: f.scope.Now}
	return &own
}

// binds reports whether later entries may build on what an entry sets: captures,
// variables and cookies.
func (f *fileRun) binds(e *hurl.Entry) bool {
	if e.Response != nil && len(e.Response.Captures()) > 0 ||
		len(f.file.EntrySettings(e).Cookies) > 0 {
		return true
	}
	for _, o := range e.Request.Options() {
		if o.Kind() == hurl.OptionVariable {
			return true
		}
	}
	return false
}
