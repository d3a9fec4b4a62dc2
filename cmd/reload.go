package cmd

import (
	"context"
	"crypto/sha256"
	"errors"
	"io/fs"
	"runtime"
	"sync"
	"time"

	"github.com/wasihttp/wasihttp/internal/inspect"
	"github.com/wasihttp/wasihttp/internal/record"
	"github.com/wasihttp/wasihttp/serve"
	"github.com/wasihttp/wasihttp/watch"
)

// reloader keeps a server at the newest build that can be loaded. One goroutine
// decides; loads run beside it, one that matters at a time.
//
//	file changed → attempt (decode, validate, compile, one instance) → swap
//	             ↘ a newer change cancels it: its result is thrown away
//
// A swap therefore always takes the newest contents, and each contents once.
type reloader struct {
	load   func(ctx context.Context, path string, cfg loadConfig) (*app, error)
	path   string
	cfg    loadConfig
	drain  time.Duration // for the requests of a build that was replaced
	abort  <-chan struct{}
	server *serve.Server
	say    *reloadLog
	// recorder records the exchanges of each build; nil records nothing.
	recorder *record.Recorder

	file     *watch.File // nil without watching
	builder  *builder    // nil without a command
	requests chan struct{}

	// The rest belongs to the goroutine.

	current *app // nil when there is none yet
	digest  watch.Digest
	results chan *attempt
	gone    chan struct{} // closed when nobody takes results any more
	running int           // attempts, those included that were cancelled
	pace    pace
	latest  *attempt // running, or failed and not yet told
	timer   *time.Timer
	old     sync.WaitGroup // builds that drain

	building             bool
	fileError, execError string // why answers are stale
	away                 bool
}

// attempt is one load.
type attempt struct {
	data    []byte // nil: to be read
	digest  watch.Digest
	written time.Time
	cancel  context.CancelFunc
	ended   bool
	app     *app
	err     error
}

// wholeAfter is how long a file that does not parse must have been still to be
// what the build meant.
const wholeAfter = time.Second

// run works until ctx ends. It then waits for loads, a moment only, and for the
// builds that were replaced. It reports whether a load is left behind.
func (r *reloader) run(ctx context.Context) (left bool) {
	r.results = make(chan *attempt)
	r.gone = make(chan struct{})
	defer close(r.gone)
	r.timer = time.NewTimer(time.Hour)
	defer r.timer.Stop()
	var changes <-chan watch.Change
	if r.file != nil {
		changes = r.file.Changes()
	}
	var builds <-chan buildEvent
	if r.builder != nil {
		builds = r.builder.events
	}
	for {
		select {
		case <-ctx.Done():
			if r.latest != nil {
				r.latest.cancel()
			}
			grace := time.NewTimer(lastGrace)
			defer grace.Stop()
			for r.running > 0 {
				select {
				case a := <-r.results:
					r.ended()
					r.discard(a)
				case <-r.abort:
					return true
				case <-grace.C:
					return true
				}
			}
			r.old.Wait()
			return false
		case c := <-changes:
			r.changed(ctx, c)
		case <-r.requests:
			r.begin(ctx, &attempt{written: time.Now()})
		case e := <-builds:
			r.built(e)
		case a := <-r.results:
			r.ended()
			r.finished(a)
		case <-r.timer.C:
			r.tellFailure()
		}
	}
}

// ended takes note that an attempt's goroutine has ended.
func (r *reloader) ended() {
	r.running--
	r.pace.end()
}

// changed does what a change of the file asks for.
func (r *reloader) changed(ctx context.Context, c watch.Change) {
	r.drop()
	if c.Err != nil {
		r.away = true
		err := error(loadError(c.Err, "the next build is taken when it is", "%s: the file is not there", r.path))
		r.fileError = "the file is not there"
		if !errors.Is(c.Err, fs.ErrNotExist) {
			if _, err = readComponent(r.path, r.cfg.MaxComponentSize); err == nil {
				// It can be read by now, and the next change says so.
				return
			}
			r.fileError = err.Error()
		}
		r.mark()
		r.say.failed(err, r.current)
		return
	}
	away := r.away
	r.away = false
	if r.current != nil && c.Digest == r.digest {
		if r.fileError != "" {
			r.fileError = ""
			r.mark()
			r.say.back(r.current, away)
		}
		return
	}
	r.begin(ctx, &attempt{data: c.Data, digest: c.Digest, written: c.Written})
}

// drop gives up the attempt that is running or waits to be told.
func (r *reloader) drop() {
	if r.latest != nil {
		r.latest.cancel()
		r.latest = nil
	}
	r.timer.Stop()
}

// begin starts an attempt in place of the one before.
func (r *reloader) begin(ctx context.Context, a *attempt) {
	r.drop()
	ctx, a.cancel = context.WithCancel(ctx)
	r.latest = a
	r.running++
	r.pace.begin()
	cfg := r.cfg
	cfg.Reload = true
	go func() {
		if a.data == nil {
			a.data, a.err = readComponent(r.path, cfg.MaxComponentSize)
			a.digest = sha256.Sum256(a.data)
		}
		if a.err == nil {
			cfg.Data = a.data
			a.app, a.err = r.load(ctx, r.path, cfg)
		}
		select {
		case r.results <- a:
		case <-r.gone: // the process ends
		}
	}()
}

// readComponent reads the file, of limit bytes at most, and explains why it cannot.
func readComponent(path string, limit int64) ([]byte, error) {
	data, problem := inspect.Read(path, limit)
	return data, problemError(problem)
}

// discard frees what an attempt has made that is not wanted any more.
func (r *reloader) discard(a *attempt) {
	a.cancel()
	if a.app == nil {
		return
	}
	// It has never had a request.
	if err := a.app.Close(context.Background()); err != nil {
		r.say.failed(err, r.current)
	}
}

func (r *reloader) finished(a *attempt) {
	if a != r.latest {
		r.discard(a)
		return
	}
	a.ended = true
	if a.err != nil {
		r.tellFailure()
		return
	}
	a.cancel()
	r.latest = nil
	r.swap(a)
}

// tellFailure says that the latest attempt has failed, unless what it has read
// may be half of what is being written.
func (r *reloader) tellFailure() {
	a := r.latest
	if a == nil || !a.ended || a.err == nil {
		return
	}
	var d *inspect.Problem
	if errors.As(a.err, &d) && d.Unfinished() {
		written := a.written
		if r.file != nil && r.file.Written().After(written) {
			written = r.file.Written()
		}
		if left := wholeAfter - time.Since(written); left > 0 {
			r.timer.Reset(left)
			return
		}
	}
	if r.building {
		// The command may write in steps; its end comes here again.
		return
	}
	r.latest = nil
	a.cancel()
	r.fileError = a.err.Error()
	r.mark()
	r.say.failed(a.err, r.current)
}

// swap makes the attempt's build the current one and lets the one before end.
func (r *reloader) swap(a *attempt) {
	before := r.current
	retired := r.server.Swap(r.build(a.app))
	ready := time.Since(a.written)
	draining := retired.Requests()
	r.current, r.digest, r.fileError, r.away = a.app, a.digest, "", false
	r.mark()
	r.say.swapped(before, a.app, ready, draining)
	r.old.Go(func() {
		ctx, cancel := context.WithTimeout(context.Background(), r.drain)
		defer cancel()
		ended := make(chan struct{})
		defer close(ended)
		go func() {
			select {
			case <-r.abort:
				cancel()
			case <-ended:
			}
		}()
		if err := retired.Wait(ctx); err != nil {
			r.say.failed(err, a.app)
		}
		// Machine code is given back to the system by the collector.
		runtime.GC()
	})
}

// built takes note of what the command does.
func (r *reloader) built(e buildEvent) {
	r.building = e.running
	if e.running {
		return
	}
	failed := r.execError != ""
	r.execError = ""
	if e.err != nil {
		r.execError = "the command failed: " + e.err.Error()
	}
	r.mark()
	switch {
	case e.err != nil:
		r.say.failed(loadError(e.err, "", "--exec: %s after %s", r.execError, e.took.Round(time.Millisecond)), r.current)
	case failed:
		r.say.builtAgain(e.took)
	}
	r.tellFailure()
}

// mark tells clients whether what they get is stale.
func (r *reloader) mark() {
	reason := r.fileError
	if r.execError != "" {
		reason = r.execError
	}
	r.server.SetStale(reason)
}

// build returns the app as the server takes it.
func (r *reloader) build(a *app) serve.Build {
	return serve.Build{Handler: r.recorder.Handler(a.Handler), Digest: a.About.Digest, Close: a.Close}
}
