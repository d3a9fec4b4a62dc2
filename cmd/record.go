package cmd

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/wasihttp/wasihttp/internal/fixture"
	"github.com/wasihttp/wasihttp/internal/fixture/hurl"
	"github.com/wasihttp/wasihttp/internal/term"
	"github.com/wasihttp/wasihttp/serve"
)

// Limits of what waits to be written while serving goes on.
const (
	recordQueue     = 256
	recordBytes     = 64 << 20 // of bodies, together
	recordBodyBytes = 16 << 20 // of one body
	recordOpenBytes = 64 << 20 // of bodies that have not ended, together
)

// recordable adds to serve the flags with which each exchange is recorded.
func (t *tool) recordable(c *cli.Command) *cli.Command {
	var (
		dir    string
		redact cli.StringSlice
	)
	const group = "Recording"
	c.Flags = append(c.Flags,
		&cli.StringFlag{Category: group, Name: "record", Usage: "write each exchange as a fixture into `DIR`", Destination: &dir},
		&cli.StringSliceFlag{Category: group, Name: "redact", Usage: "replace the values of the header or query parameter `NAME` in fixtures (repeatable)", Destination: &redact},
	)
	inner := c.Action
	c.Action = func(ctx *cli.Context) error {
		if dir == "" {
			return inner(ctx)
		}
		r, err := newRecorder(dir, hurl.RecordOptions{Redact: redact.Value()}, func(line string) {
			fmt.Fprintf(t.stderr, "%s: %s\n", programName, term.Clean(line))
		})
		if err != nil {
			return usagef("", "--record: %v", err)
		}
		load := t.load
		t.load, t.recordDir = r.load(load), dir
		defer func() {
			t.load = load
			r.close()
		}()
		return inner(ctx)
	}
	return c
}

// recorder writes exchanges as fixtures, one after the other, in the
// background.
type recorder struct {
	dir     string
	options hurl.RecordOptions
	say     func(line string)
	timeout atomic.Int64 // of the builds that are recorded

	queue   chan serve.Recorded
	held    atomic.Int64 // bytes of bodies in the queue
	dropped atomic.Int64
	cut     atomic.Int64
	done    chan struct{}

	mu     sync.Mutex
	closed bool

	// The writer's.
	number  int // of the last file
	written int
	lost    int // could not be written
	failed  bool
}

func newRecorder(dir string, options hurl.RecordOptions, say func(line string)) (*recorder, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	r := &recorder{dir: dir, options: options, say: say, queue: make(chan serve.Recorded, recordQueue), done: make(chan struct{})}
	for _, e := range entries {
		digits, _, _ := strings.Cut(e.Name(), "-")
		if n, err := strconv.Atoi(digits); err == nil {
			r.number = max(r.number, n)
		}
	}
	go r.write()
	return r, nil
}

// load makes each build that is loaded one that is recorded.
func (r *recorder) load(inner func(context.Context, string, loadConfig) (*app, error)) func(context.Context, string, loadConfig) (*app, error) {
	return func(ctx context.Context, path string, cfg loadConfig) (*app, error) {
		a, err := inner(ctx, path, cfg)
		if err == nil {
			r.timeout.Store(int64(cfg.Timeout))
			a.Handler = serve.Recording(a.Handler, r, serve.RecordLimits{Body: recordBodyBytes, Bodies: recordOpenBytes})
		}
		return a, err
	}
}

// Record takes an exchange if there is room for it.
func (r *recorder) Record(x serve.Recorded) {
	size := int64(len(x.Body) + len(x.ResponseBody))
	switch {
	case x.Cut:
		r.cut.Add(1)
		return
	case r.held.Add(size) > recordBytes+size:
		r.held.Add(-size)
		r.dropped.Add(1)
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return
	}
	select {
	case r.queue <- x:
	default:
		r.held.Add(-size)
		r.dropped.Add(1)
	}
}

// write writes what is in the queue until it is closed.
func (r *recorder) write() {
	defer close(r.done)
	for x := range r.queue {
		if err := r.one(&x); err != nil {
			r.lost++
			if !r.failed {
				r.failed = true
				r.say(fmt.Sprintf("recording failed, and is tried again with each request: %v", err))
			}
		}
		r.held.Add(-int64(len(x.Body) + len(x.ResponseBody)))
	}
}

// one writes one fixture.
func (r *recorder) one(x *serve.Recorded) error {
	e, ok := r.exchangeOf(x)
	if !ok {
		r.cut.Add(1)
		return nil
	}
	text, _ := hurl.FromExchanges([]fixture.Exchange{e}, r.options)
	if len(text) == 0 {
		r.cut.Add(1)
		return nil
	}
	for {
		r.number++
		path := filepath.Join(r.dir, hurl.FileName(r.number, &e))
		switch err := writeNew(path, text); {
		case errors.Is(err, fs.ErrExist): // another program records here, too
			continue
		case err != nil:
			r.number--
			return err
		}
		r.written++
		r.failed = false
		return nil
	}
}

// writeNew writes a file that is not there yet, whole or not at all.
func writeNew(path string, content []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		// Half a fixture is worse than none.
		_ = os.Remove(path)
	}
	return err
}

// close writes what is left, and says what was recorded.
func (r *recorder) close() {
	r.mu.Lock()
	r.closed = true
	close(r.queue)
	r.mu.Unlock()
	<-r.done
	line := fmt.Sprintf("recorded %s in %s", plural(r.written, "exchange"), r.dir)
	if r.lost > 0 {
		line += fmt.Sprintf("; %d could not be written", r.lost)
	}
	if n := r.dropped.Load(); n > 0 {
		line += fmt.Sprintf("; %d came too fast and were left out", n)
	}
	if n := r.cut.Load(); n > 0 {
		line += fmt.Sprintf("; %d were not whole and were left out", n)
	}
	r.say(line)
}

// exchangeOf translates what the server has seen; ok is false for what no fixture
// can express.
func (r *recorder) exchangeOf(x *serve.Recorded) (e fixture.Exchange, ok bool) {
	url := x.Target
	switch {
	case strings.HasPrefix(url, "/"):
		url = "http://" + x.Host + url
	case !strings.Contains(url, "://"):
		return e, false // OPTIONS * and the like
	}
	e = fixture.Exchange{
		Started: x.Start, Duration: x.Duration,
		Request: fixture.Request{Method: x.Method, URL: url, Headers: fieldsOf(x.Header), Body: x.Body, Trailers: fieldsOf(x.Trailer)},
	}
	if x.Body == nil && x.Header.Get("Content-Length") == "0" {
		e.Request.Body = []byte{}
	}
	if f := x.Failure; f != nil {
		switch f.Outcome {
		case serve.Trap, serve.Expired, serve.NoResponse, serve.Instantiation:
			e.Failure, e.Limit = string(f.Outcome), time.Duration(r.timeout.Load())
		case serve.ErrorCode:
			name, _, _ := strings.Cut(f.ErrorCode, "(") // what it says beyond its name
			e.Failure = string(f.Outcome) + " " + name
		default: // not the guest's
			return e, false
		}
		return e, true
	}
	e.Response = &fixture.Response{Status: x.Status, Headers: fieldsOf(x.ResponseHeader)}
	if x.Method != http.MethodHead && x.Status != http.StatusNoContent && x.Status != http.StatusNotModified {
		e.Response.Body, e.Response.Trailers = x.ResponseBody, fieldsOf(x.ResponseTrailer)
		if e.Response.Body == nil {
			e.Response.Body = []byte{}
		}
	}
	return e, true
}
