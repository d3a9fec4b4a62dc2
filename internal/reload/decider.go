package reload

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"io/fs"
	"runtime"
	"sync"
	"time"

	"github.com/wasihttp/wasihttp/serve"
	"github.com/wasihttp/wasihttp/watch"
)

// Build is a build of the component that is ready to serve.
type Build struct {
	serve.Build
	// FromCache says that nothing of the build had to be compiled.
	FromCache bool
	// Sum is the SHA-256 of the contents that it was made of; zero if it was not computed.
	Sum watch.Digest
	// Component is for Options.Changes; a Decider does not look at it.
	Component any
}

// Changes describes the differences between two builds; the zero Changes says nothing.
type Changes struct {
	// Summary is one short line, for people.
	Summary string
	// List has an entry for each difference, for programs.
	List []string
}

// LoadFunc makes the contents of the component's file ready to serve.
type LoadFunc func(ctx context.Context, data []byte) (*Build, error)

// Watch reports the changes of the component's file, or of the files that it is made of: a
// *watch.File or *watch.Files.
type Watch interface {
	Changes() <-chan watch.Change
	Written() time.Time
}

// Options configures a Decider.
type Options struct {
	// Path is the file that the component is in, as the user has written it.
	Path string
	// Read reads the file. Its error describes what is wrong with the file.
	Read func() ([]byte, error)
	// Load makes the contents of the file ready to serve, beside the build that serves meanwhile.
	// It is called from several goroutines at once; what it returns after ctx has ended is thrown
	// away. If its error has a method Unfinished that returns true, the file may be incomplete.
	Load LoadFunc
	// Changes describes the differences between two builds.
	Changes func(before, now *Build) Changes
	// Command builds the component; nil if there is no such command.
	Command *Command
	// Swapped, if not nil, is called after each swap. It must not block.
	Swapped func()
	// Wait says that a file that is not there when Run begins is waited for, without a Command too.
	Wait bool
	// Log reports the results of changes to the user.
	Log *Log
	// Drain is how long the requests of a build that was replaced may go on.
	Drain time.Duration
	// Abort is closed when the process is about to end; nil is allowed.
	Abort <-chan struct{}
	// Grace is how long Run waits for a load that does not notice the end of its context.
	Grace time.Duration
}

// Decider keeps a server at the newest build that can be loaded. One goroutine decides; loads run
// beside it, one that matters at a time.
//
//	file changed → attempt (decode, validate, compile, one instance) → swap
//	             ↘ a newer change cancels it: its result is thrown away
//
// A swap therefore always takes the newest contents, and each contents once.
//
// The methods are called in this order, by one goroutine: AwaitCommand, First, Run. Again may be
// called from any goroutine while Run runs.
type Decider struct {
	Options
	requests chan struct{}

	// The rest belongs to the goroutine.

	server  *serve.Server
	file    Watch  // nil without watching
	current *Build // nil when there is none yet
	digest  watch.Digest
	results chan *attempt
	gone    chan struct{} // closed when results are no longer received
	running int           // attempts, those included that were cancelled
	pace    pace
	latest  *attempt // running, or failed and not yet reported
	timer   *time.Timer
	// lookTimer says when the file is looked at after the command has ended.
	lookTimer *time.Timer
	old       sync.WaitGroup // builds that drain

	away bool
	builds
}

// attempt is one load.
type attempt struct {
	data    []byte // nil: to be read
	digest  watch.Digest
	written time.Time
	cancel  context.CancelFunc
	ended   bool
	build   *Build
	err     error
}

// failure is an error with a next step.
type failure struct {
	msg, hint string
	err       error
}

// Error returns the message without the hint.
func (f *failure) Error() string { return f.msg }

// Hint returns the next step; "" for none.
func (f *failure) Hint() string { return f.hint }

// Unwrap returns the underlying error; nil for none.
func (f *failure) Unwrap() error { return f.err }

// wholeAfter is how long a file that does not parse must have been unchanged
// until the decider takes it for complete.
const wholeAfter = time.Second

// New returns a Decider that has decided nothing yet.
func New(o Options) *Decider {
	return &Decider{Options: o, requests: make(chan struct{})}
}

// Digest returns the digest of the contents that were read last.
func (d *Decider) Digest() watch.Digest { return d.digest }

// Again loads the component again, or waits until ctx ends.
func (d *Decider) Again(ctx context.Context) {
	select {
	case d.requests <- struct{}{}:
	case <-ctx.Done():
	}
}

// Attach names the server that has the build of First, and the file to watch, nil for none.
func (d *Decider) Attach(server *serve.Server, file Watch) {
	d.server, d.file = server, file
	d.mark()
}

// Run decides until ctx ends. It then waits for loads, for Grace at most, and for the builds that
// were replaced. It reports whether a load is left behind, which still uses its engine and streams.
func (d *Decider) Run(ctx context.Context) (left bool) {
	d.results = make(chan *attempt)
	d.gone = make(chan struct{})
	defer close(d.gone)
	d.timer = time.NewTimer(time.Hour)
	defer d.timer.Stop()
	d.lookTimer = time.NewTimer(time.Hour)
	defer d.lookTimer.Stop()
	var changes <-chan watch.Change
	if d.file != nil {
		changes = d.file.Changes()
	}
	var builds <-chan buildEvent
	if d.Command != nil {
		builds = d.Command.events
	}
	for {
		select {
		case <-ctx.Done():
			return d.end(ctx)
		case c := <-changes:
			d.changed(ctx, c)
		case <-d.requests:
			d.begin(ctx, &attempt{written: time.Now()})
		case e := <-builds:
			d.built(e)
		case a := <-d.results:
			d.ended()
			d.finished(ctx, a)
		case <-d.timer.C:
			d.tellFailure()
		case <-d.lookTimer.C:
			d.look(ctx)
		}
	}
}

// end waits for what still runs, ctx having ended. It reports whether a load is left behind.
func (d *Decider) end(ctx context.Context) (left bool) {
	d.Log.builtOrNot()
	if d.latest != nil {
		d.latest.cancel()
	}
	grace := time.NewTimer(d.Grace)
	defer grace.Stop()
	for d.running > 0 {
		select {
		case a := <-d.results:
			d.ended()
			d.discard(ctx, a)
		case <-d.Abort:
			return true
		case <-grace.C:
			return true
		}
	}
	d.old.Wait()
	return false
}

// ended records that the goroutine of an attempt has ended.
func (d *Decider) ended() {
	d.running--
	d.pace.end()
}

// changed handles a change of the file.
func (d *Decider) changed(ctx context.Context, c watch.Change) {
	if c.Err == nil && d.latest != nil && d.latest.data != nil && d.latest.digest == c.Digest {
		return // it is being loaded already
	}
	d.drop()
	if c.Err != nil {
		d.missing(cmp.Or(c.Path, d.Path), c.Err)
		return
	}
	away := d.away
	d.away = false
	if d.current != nil && c.Digest == d.digest {
		if d.fileError != "" {
			d.fileError = ""
			d.mark()
			d.Log.back(d.Path, d.current, away)
		}
		return
	}
	d.begin(ctx, &attempt{data: c.Data, digest: c.Digest, written: c.Written})
}

// missing records that the file at path cannot be read, for the reason err.
func (d *Decider) missing(path string, err error) {
	d.away = true
	var reason error = &failure{
		msg: path + ": the file is missing", err: err,
		hint: "waiting for a build that loads; it will be served automatically",
	}
	d.fileError = "the file is missing"
	if d.awaited && errors.Is(err, fs.ErrNotExist) {
		d.mark()
		return // it has not been there yet
	}
	if path != d.Path {
		d.fileError = reason.Error()
	}
	if !errors.Is(err, fs.ErrNotExist) {
		if _, reason = d.Read(); reason == nil {
			// By now the file can be read again; a change event follows.
			return
		}
		d.fileError = reason.Error()
	}
	d.mark()
	d.Log.Failed(reason, d.current)
}

// drop cancels the attempt that is running, or whose failure is not yet reported.
func (d *Decider) drop() {
	if d.latest != nil {
		d.latest.cancel()
		d.latest = nil
	}
	d.timer.Stop()
}

// begin starts an attempt in place of the one before.
func (d *Decider) begin(ctx context.Context, a *attempt) {
	d.drop()
	ctx, a.cancel = context.WithCancel(ctx)
	d.latest = a
	d.running++
	d.pace.begin()
	go func() {
		if a.data == nil {
			a.data, a.err = d.Read()
			a.digest = sha256.Sum256(a.data)
		}
		if a.err == nil {
			a.build, a.err = d.Load(ctx, a.data)
		}
		select {
		case d.results <- a:
		case <-d.gone: // the process ends
		}
	}()
}

// discard frees the build of an attempt that is no longer needed.
func (d *Decider) discard(ctx context.Context, a *attempt) {
	a.cancel()
	if a.build == nil {
		return
	}
	// It has never had a request.
	if err := a.build.Close(context.WithoutCancel(ctx)); err != nil {
		d.Log.Failed(err, d.current)
	}
}

func (d *Decider) finished(ctx context.Context, a *attempt) {
	if a != d.latest {
		d.discard(ctx, a)
		return
	}
	a.ended = true
	if a.err != nil {
		d.tellFailure()
		return
	}
	a.cancel()
	d.latest = nil
	d.swap(ctx, a)
}

// tellFailure reports that the latest attempt has failed, unless the build may still be writing the
// file.
func (d *Decider) tellFailure() {
	a := d.latest
	if a == nil || !a.ended || a.err == nil {
		return
	}
	if isUnfinished(a.err) {
		written := a.written
		if d.file != nil && d.file.Written().After(written) {
			written = d.file.Written()
		}
		if left := wholeAfter - time.Since(written); left > 0 {
			d.timer.Reset(left)
			return
		}
	}
	if d.building {
		// The command may write in steps; its end comes here again.
		return
	}
	d.latest = nil
	a.cancel()
	d.fileError, d.made = a.err.Error(), nil
	d.mark()
	d.Log.Failed(a.err, d.current)
}

// isUnfinished reports whether an incomplete file may have caused err.
func isUnfinished(err error) bool {
	var u interface {
		error
		Unfinished() bool
	}
	return errors.As(err, &u) && u.Unfinished()
}

// swap makes the attempt's build the current one and retires the previous one.
func (d *Decider) swap(ctx context.Context, a *attempt) {
	from, changes := "", Changes{}
	if d.current != nil {
		from, changes = d.current.Digest, d.Changes(d.current, a.build)
	}
	retired := d.server.Swap(a.build.Build)
	s := swap{from: from, now: a.build, changes: changes, ready: time.Since(a.written),
		draining: retired.Requests()}
	d.current, d.digest, d.fileError, d.away = a.build, a.digest, "", false
	d.awaited = false
	s.built, s.ready = d.swapping(s.ready)
	d.mark()
	d.Log.swapped(s)
	if d.Swapped != nil {
		d.Swapped()
	}
	d.old.Go(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), d.Drain)
		defer cancel()
		ended := make(chan struct{})
		defer close(ended)
		go func() {
			select {
			case <-d.Abort:
				cancel()
			case <-ended:
			}
		}()
		if err := retired.Wait(ctx); err != nil {
			d.Log.Failed(err, a.build)
		}
		// Machine code is given back to the system by the collector.
		runtime.GC()
	})
}
