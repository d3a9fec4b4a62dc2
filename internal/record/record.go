package record

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/wasihttp/wasihttp/internal/fixture"
	"github.com/wasihttp/wasihttp/internal/fixture/hurl"
	"github.com/wasihttp/wasihttp/internal/fixture/redact"
	"github.com/wasihttp/wasihttp/internal/words"
	"github.com/wasihttp/wasihttp/serve"
)

// Limits of what waits to be written while serving goes on.
const (
	queueLength     = 256
	maxQueuedBytes  = 64 << 20 // of bodies, together
	maxBodyBytes    = 16 << 20 // of one body
	maxOngoingBytes = 64 << 20 // of bodies that have not ended, together
)

// Options says how a server's exchanges are recorded.
type Options struct {
	// Dir is the folder for the fixtures. New creates it if it does not exist.
	Dir string
	// Session is the path of a fixture for all exchanges, in their order, in place of Dir; the file
	// must not exist. "" stands for Dir.
	Session string
	// Redact are more names of secrets, as redact.NewSession takes them.
	Redact []string
	// Filter chooses what is recorded.
	Filter Filter
	// Base, AllHeaders and Pretty are those of hurl.RecordOptions.
	Base               string
	AllHeaders, Pretty bool
	// Timeout is how long the server waits for the head of a response; 0 means
	// that it waits forever.
	Timeout time.Duration
	// Moves finds what differs in the responses of recorded exchanges when the clock and the random
	// numbers do, so that the fixtures ignore it; nil if nobody looks.
	Moves Moves
	// Say prints a line for the user. It is called from several goroutines, one
	// at a time.
	Say func(line string)
}

// hurl returns the options of the fixtures.
func (o *Options) hurl() hurl.RecordOptions {
	return hurl.RecordOptions{Base: o.Base, AllHeaders: o.AllHeaders, Pretty: o.Pretty}
}

// Recorder writes exchanges as fixtures, one after the other, in the
// background. Its methods are safe for concurrent use. A nil Recorder records
// nothing.
type Recorder struct {
	options Options

	queue chan *trace
	held  atomic.Int64 // bytes of bodies that are not written yet
	done  chan struct{}

	saying sync.Mutex // held while options.Say is called

	mu     sync.Mutex
	closed bool
	traces map[string]*trace // by the id of the request
	// newInstance replaces the instance of a session; nil if nothing does.
	newInstance func()
	// What was not recorded: exchanges that came too fast or were incomplete, and those with other
	// servers.
	dropped, cut, astray int

	// The rest belongs to the goroutine that writes.

	number  int // of the last file
	wrote   int // exchanges
	lost    int // could not be written
	failed  bool
	session *redact.Session
	files   files
	file    sessionFile
	// attached are files that forms send.
	attached attachments
}

// New starts a recorder. The caller must close it.
func New(o Options) (*Recorder, error) {
	if err := checkBase(o.Base); err != nil {
		return nil, err
	}
	dir := o.Dir
	if o.Session != "" {
		dir = filepath.Dir(o.Session)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	if o.Session != "" {
		for _, path := range []string{o.Session, besideUpstream(o.Session)} {
			if _, err := os.Lstat(path); err == nil {
				return nil, &fs.PathError{Op: "create", Path: path, Err: fs.ErrExist}
			}
		}
	}
	r := &Recorder{
		options: o, session: redact.NewSession(o.Redact), files: files{limit: maxKept},
		queue: make(chan *trace, queueLength), done: make(chan struct{}),
		traces: make(map[string]*trace),
	}
	for _, e := range entries {
		digits, _, _ := strings.Cut(e.Name(), "-")
		if n, err := strconv.Atoi(digits); err == nil {
			r.number = max(r.number, n)
		}
	}
	go r.write()
	return r, nil
}

// Say prints a line for the user.
func (r *Recorder) Say(line string) {
	r.saying.Lock()
	defer r.saying.Unlock()
	r.options.Say(line)
}

// Handler returns a handler that responds as h does and records each exchange.
func (r *Recorder) Handler(h serve.Handler) serve.Handler {
	if r == nil {
		return h
	}
	if r.options.Session != "" {
		h = &again{Handler: h, recorder: r}
	}
	return serve.Recording(h, r, serve.RecordLimits{Body: maxBodyBytes, Bodies: maxOngoingBytes})
}

// Record takes an exchange that has ended. It does not wait.
func (r *Recorder) Record(x serve.Recorded) {
	r.mu.Lock()
	defer r.mu.Unlock()
	t := r.traces[x.ID]
	if t == nil {
		t = &trace{}
	}
	switch {
	case x.Cut:
		t.left = true
		r.cut++
	case !r.hold(t, len(x.Body)+len(x.ResponseBody)):
		t.left = true
		r.dropped++
	default:
		t.recorded = &x
	}
	switch {
	case t.in == nil || t.in.ended: // else something may go on
		r.end(x.ID, t)
	case t.recorded != nil && r.options.Session != "":
		r.push(t) // its instance ends with the session
	}
}

// hold counts bytes of a trace, and reports whether there is room for them. One exchange has room
// in any case. The lock is held.
func (r *Recorder) hold(t *trace, size int) bool {
	n := int64(size)
	if r.held.Load() > maxQueuedBytes {
		return false
	}
	r.held.Add(n)
	t.size += n
	return true
}

// push queues a trace if there is room for it. The lock is held.
func (r *Recorder) push(t *trace) {
	t.queued = true
	if !r.closed {
		select {
		case r.queue <- t:
			return
		default:
		}
	}
	r.held.Add(-t.size)
	r.dropped++
}

// write writes what is in the queue until it is closed.
func (r *Recorder) write() {
	defer close(r.done)
	for t := range r.queue {
		r.failing(r.one(t), 1)
		r.held.Add(-t.size)
		if len(r.queue) == 0 {
			r.files.revise(r.session, false)
			r.failing(r.rewrite(false), 0)
		}
	}
	// What follows may take a while, and the user may end it: secrets are hidden first.
	r.files.revise(r.session, true)
	if err := r.rewrite(true); err != nil {
		r.failing(err, len(r.file.traces))
		return
	}
	r.propose()
	r.attach()
	r.files.revise(r.session, true)
	r.failing(r.rewrite(true), 0)
}

// failing reports why something cannot be written, the first time in a row, and counts the
// exchanges that are lost with it.
func (r *Recorder) failing(err error, lost int) {
	if err == nil {
		return
	}
	r.lost += lost
	if !r.failed {
		r.failed = true
		const line = "cannot record: %v; recording is tried again with each request"
		r.Say(fmt.Sprintf(line, err))
	}
}

// incomplete counts an exchange that no fixture can express.
func (r *Recorder) incomplete() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cut++
}

// one writes one fixture, and the upstream fixture beside it.
func (r *Recorder) one(t *trace) error {
	e, ok := r.exchangeOf(t.recorded)
	if !ok {
		r.incomplete()
		return nil
	}
	if !r.options.Filter.keeps(&e) {
		return nil
	}
	if r.options.Session != "" {
		return r.extend(t, &e)
	}
	if t.in != nil {
		e.World = r.world(t.in)
	}
	own := document{list: []*fixture.Exchange{&e}, options: r.options.hurl()}
	others := document{list: r.exchanges(t), options: hurl.RecordOptions{Upstream: true}}
	for _, x := range append(own.list, others.list...) {
		if r.session.Find(x) {
			r.files.mayHoldSecrets()
		}
	}
	text := own.render(r.session.Hide)
	if len(text) == 0 {
		r.incomplete()
		return nil
	}
	hidden := r.session.HideAgain(&e)
	for {
		r.number++
		path := filepath.Join(r.options.Dir, hurl.FileName(r.number, &hidden))
		err := r.pair(path, text, &own, &others)
		switch {
		case errors.Is(err, fs.ErrExist): // another program records here, too
			continue
		case err != nil:
			r.number--
			return err
		}
		r.wrote++
		r.failed = false
		return nil
	}
}

// pair writes a fixture and, if there were exchanges with other servers, the one beside it.
func (r *Recorder) pair(path string, text []byte, own, others *document) error {
	beside := besideUpstream(path)
	upstream := others.render(r.session.Hide)
	if len(upstream) > 0 {
		if err := writeFile(beside, upstream, false); err != nil {
			return err
		}
	}
	if err := writeFile(path, text, false); err != nil {
		if len(upstream) > 0 {
			_ = os.Remove(beside) // the error that matters is err
		}
		return err
	}
	r.files.add(path, text, own)
	if len(upstream) > 0 {
		r.files.add(beside, upstream, others)
	}
	return nil
}

// writeFile writes a file, whole or not at all. Without overwrite the file must
// not be there yet.
func writeFile(path string, content []byte, overwrite bool) error {
	flags := os.O_WRONLY | os.O_CREATE | os.O_EXCL
	if overwrite {
		flags = os.O_WRONLY | os.O_CREATE | os.O_TRUNC
	}
	f, err := os.OpenFile(path, flags, 0o644)
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

// Close writes what is queued, and reports what was recorded. It must be called
// once, when no handler is in use any more.
func (r *Recorder) Close() {
	if r == nil {
		return
	}
	r.mu.Lock()
	r.closed = true
	var rest []*trace // of instances for whose end nothing waits
	for _, t := range r.traces {
		if t.recorded != nil && !t.queued {
			rest = append(rest, t)
		}
	}
	r.mu.Unlock()
	slices.SortFunc(rest, func(a, b *trace) int {
		return a.recorded.Start.Compare(b.recorded.Start)
	})
	for _, t := range rest {
		r.queue <- t
	}
	close(r.queue)
	<-r.done
	for _, line := range r.session.Left() {
		r.Say(line)
	}
	for _, line := range r.files.told() {
		r.Say(line)
	}
	written, where := r.wrote, r.options.Dir
	if r.options.Session != "" {
		written, where = max(0, len(r.file.traces)-r.lost), r.options.Session
	}
	line := fmt.Sprintf("recorded %s in %s", words.Count(written, "exchange", "exchanges"), where)
	if r.lost > 0 {
		line += fmt.Sprintf("; %d could not be written", r.lost)
	}
	if n := r.dropped; n > 0 {
		line += fmt.Sprintf("; %d came too fast and were not recorded", n)
	}
	if n := r.cut; n > 0 {
		line += fmt.Sprintf("; %d were incomplete and were not recorded", n)
	}
	if n := r.astray; n > 0 {
		line += fmt.Sprintf("; %s with other servers could not be recorded",
			words.Count(n, "exchange", "exchanges"))
	}
	r.Say(line)
}

// exchangeOf translates an exchange of the server; ok is false if no fixture
// can express it.
func (r *Recorder) exchangeOf(x *serve.Recorded) (e fixture.Exchange, ok bool) {
	url := x.Target
	switch {
	case strings.HasPrefix(url, "/"):
		url = "http://" + x.Host + url
	case !strings.Contains(url, "://"):
		return e, false // OPTIONS * and the like
	}
	e = fixture.Exchange{
		Started: x.Start, Duration: x.Duration,
		Request: fixture.Request{
			Method: x.Method, URL: url,
			Headers: fixture.FieldsOf(x.Header), Body: x.Body,
			Trailers: fixture.FieldsOf(x.Trailer),
		},
	}
	if x.Body == nil && x.Header.Get("Content-Length") == "0" {
		e.Request.Body = []byte{}
	}
	if f := x.Failure; f != nil {
		switch f.Outcome {
		case serve.Trap, serve.Expired, serve.NoResponse, serve.Instantiation:
			e.Failure, e.Limit = string(f.Outcome), r.options.Timeout
		case serve.ErrorCode:
			name, _, _ := strings.Cut(f.ErrorCode, "(") // the message behind its name
			e.Failure = string(f.Outcome) + " " + name
		default: // not the guest's
			return e, false
		}
		return e, true
	}
	e.Response = &fixture.Response{Status: x.Status, Headers: fixture.FieldsOf(x.ResponseHeader)}
	noBody := x.Status == http.StatusNoContent || x.Status == http.StatusNotModified
	if x.Method != http.MethodHead && !noBody {
		e.Response.Body = x.ResponseBody
		e.Response.Trailers = fixture.FieldsOf(x.ResponseTrailer)
		if e.Response.Body == nil {
			e.Response.Body = []byte{}
		}
	}
	return e, true
}
