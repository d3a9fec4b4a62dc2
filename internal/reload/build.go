package reload

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/wasihttp/wasihttp/internal/units"
	"github.com/wasihttp/wasihttp/serve"
	"github.com/wasihttp/wasihttp/watch"
)

// builds is what a Decider knows of the command and of the newest build.
type builds struct {
	building                bool
	fileError, commandError string    // why responses are stale
	output                  []string  // what the command wrote last, if it has failed
	awaited                 bool      // the file has not been there yet
	none                    *notBuilt // the first build, if there was none
	// swappedMeanwhile says that a build was served while the command ran. made is the last run of
	// the command, and madeAt its end, until the build that it made is served; nil otherwise.
	swappedMeanwhile bool
	made             *buildEvent
	madeAt           time.Time
}

// AwaitCommand waits until the first run of the command has ended or ctx has.
func (d *Decider) AwaitCommand(ctx context.Context) error {
	defer d.Log.builtOrNot()
	for {
		select {
		case e := <-d.Command.events:
			d.building = e.running
			if e.running {
				d.Log.building(d.Command.options.Command)
				continue
			}
			d.Log.builtOrNot()
			if e.err != nil {
				d.commandError, d.output = "the command failed: "+e.err.Error(), e.output
			} else {
				d.Log.built(e.took)
			}
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// First returns the first build, which load makes from the file's contents. If the contents cannot
// be loaded and a command may still build them, or there is no file and Wait is set, First returns
// a build that fails each request with the reason.
func (d *Decider) First(ctx context.Context, load LoadFunc) (serve.Build, error) {
	data, err := d.Read()
	missing := errors.Is(err, fs.ErrNotExist)
	if d.commandError != "" {
		failed := &failure{msg: d.Log.command() + ": " + d.commandError,
			err:  &commandError{errors.New(d.commandError)},
			hint: d.Command.hint("fix the sources; the command runs again when one changes")}
		if err == nil {
			d.Log.Failed(failed, nil) // the build before may still be served
		} else {
			err, missing = failed, false
		}
	}
	if err == nil {
		d.current, err = load(ctx, data)
	}
	if err == nil && d.current.Sum != (watch.Digest{}) {
		d.digest = d.current.Sum
	} else {
		d.digest = sha256.Sum256(data)
	}
	switch {
	case err == nil:
		return d.current.Build, nil
	case d.Command == nil && !(missing && d.Wait) || ctx.Err() != nil:
		return serve.Build{}, err
	case missing:
		d.awaited = true
		d.fileError = missingPath(err, d.Path) + " is not there yet"
		d.Log.awaiting(missingPath(err, d.Path), d.Command != nil)
		return serve.Build{Handler: d.notBuilt(d.fileError)}, nil
	}
	if d.commandError == "" {
		d.fileError = err.Error()
	}
	d.Log.Failed(err, nil)
	reason := err.Error()
	if d.commandError != "" {
		reason = d.commandError
	}
	return serve.Build{Handler: d.notBuilt(reason)}, nil
}

// commandError marks errors of the command, whose output says more.
type commandError struct{ error }

// missingPath returns the path of the file that err says is missing, or else the other one.
func missingPath(err error, path string) string {
	if at := (*fs.PathError)(nil); errors.As(err, &at) {
		return at.Path
	}
	return path
}

// notBuilt is a handler that fails requests as long as there is no build.
type notBuilt struct{ reason atomic.Pointer[string] }

// notBuilt returns the handler, whose reason mark keeps at the newest.
func (d *Decider) notBuilt(reason string) *notBuilt {
	d.none = &notBuilt{}
	d.none.reason.Store(&reason)
	return d.none
}

// Handle fails with the reason.
func (n *notBuilt) Handle(context.Context, string, *http.Request) (*http.Response, error) {
	return nil, &serve.Failure{
		Outcome: serve.Instantiation, Title: "There is no build yet", Cause: *n.reason.Load(),
		Hint: "waiting for a build that loads; it will be served automatically",
	}
}

// built handles an event of the command.
func (d *Decider) built(e buildEvent) {
	d.building = e.running
	if e.running {
		d.made, d.swappedMeanwhile = nil, false
		d.Log.building(d.Command.options.Command)
		return
	}
	d.Log.builtOrNot()
	failed := d.commandError != ""
	d.commandError, d.output = "", nil
	if e.err != nil {
		d.commandError, d.output = "the command failed: "+e.err.Error(), e.output
	}
	d.mark()
	switch {
	case e.err != nil:
		msg := fmt.Sprintf("%s: %s after %s", d.Log.command(), d.commandError,
			units.Duration(e.took.Round(time.Millisecond)))
		d.Log.Failed(&failure{
			msg: msg, hint: d.Command.hint(""), err: &commandError{e.err},
		}, d.current)
		d.tellFailure()
		return
	case failed:
		d.Log.builtAgain(e.took)
	}
	d.made, d.madeAt = &e, time.Now()
	d.lookTimer.Reset(lookDelay)
	d.tellFailure()
}

// lookDelay is how long after the end of the command the watch of the file has to report what the
// command has made.
const lookDelay = 80 * time.Millisecond

// look looks for what the command has made, of which there is no event if it is the same build
// again.
func (d *Decider) look(ctx context.Context) {
	if d.made == nil {
		return // it is served, or has failed
	}
	data, err := d.Read()
	if err != nil {
		return // the watch reports it
	}
	switch digest := watch.Digest(sha256.Sum256(data)); {
	case d.current != nil && digest == d.digest:
		if took := d.made.took; d.swappedMeanwhile {
			d.Log.built(took)
		} else if d.fileError == "" {
			d.Log.unchanged(d.current, took)
		}
		d.made = nil
	case d.latest == nil || d.latest.digest != digest:
		d.away = false
		d.begin(ctx, &attempt{data: data, digest: digest, written: d.madeAt})
	}
}

// swapping records that a build is about to be served. It returns how long the command took to make
// it, 0 if it was made in another way, and how long after that, or after it was written, it is
// ready.
func (d *Decider) swapping(sinceWritten time.Duration) (built, ready time.Duration) {
	d.swappedMeanwhile = d.building
	made := d.made
	d.made = nil
	if made == nil || d.building {
		return 0, sinceWritten
	}
	return made.took, time.Since(d.madeAt)
}

// mark sets the reason why responses are stale; none if they are not.
func (d *Decider) mark() {
	stale := serve.Stale{Reason: d.fileError}
	// What is served since the command runs again is newer than its failure.
	if d.commandError != "" && !(d.building && d.swappedMeanwhile) {
		stale = serve.Stale{Reason: d.commandError, Output: d.output}
	}
	if d.none != nil && stale.Reason != "" {
		d.none.reason.Store(&stale.Reason)
	}
	d.server.SetStale(stale)
}
