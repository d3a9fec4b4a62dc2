package record

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/wasihttp/wasihttp/serve"
)

// again is a handler that tries a request in a new instance if the one of the session cannot take
// another request.
//
// A request that waits while a response goes on, such as a stream of events, gets a new instance,
// too: some take one request at a time, and the stream may have no end.
type again struct {
	serve.Handler
	recorder *Recorder

	mu   sync.Mutex
	open map[*openBody]struct{} // responses that go on
}

// Handle responds as the handler below does.
func (a *again) Handle(
	ctx context.Context, id string, r *http.Request,
) (*http.Response, error) {
	var read readBody
	if r.Body != nil && r.Body != http.NoBody {
		read.ReadCloser = r.Body
		copied := *r
		copied.Body = &read
		if i, ok := r.Body.(interface{ Interrupt() }); ok {
			copied.Body = struct {
				*readBody
				interrupter
			}{&read, i}
		}
		r = &copied
	}
	resp, err := a.handle(ctx, id, r)
	var failure *serve.Failure
	if !errors.As(err, &failure) || !a.recorder.reused(id) ||
		failure.Outcome != serve.Trap && failure.Outcome != serve.NoResponse ||
		read.ReadCloser != nil && !read.ended {
		return resp, err
	}
	if read.ReadCloser != nil {
		copied := *r
		copied.Body = io.NopCloser(bytes.NewReader(read.data))
		r = &copied
	}
	return a.handle(ctx, id, r)
}

// patience is how long a request waits for an instance while a response goes on.
const patience = time.Second

// handle responds as the handler below does, but does not wait for other responses that go on.
func (a *again) handle(ctx context.Context, id string, r *http.Request) (*http.Response, error) {
	defer a.watch(id)()
	resp, err := a.Handler.Handle(ctx, id, r)
	if err != nil {
		return nil, err
	}
	body := &openBody{ReadCloser: resp.Body, again: a, since: time.Now()}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.open == nil {
		a.open = make(map[*openBody]struct{})
	}
	a.open[body] = struct{}{}
	resp.Body = body
	return resp, nil
}

// watch looks now and then whether a request waits for another response, until stop is called.
func (a *again) watch(id string) (stop func()) {
	var mu sync.Mutex
	var next *time.Timer
	var look func()
	look = func() {
		mu.Lock()
		defer mu.Unlock()
		switch {
		case next == nil || a.recorder.taken(id):
		case a.goesOn():
			a.recorder.replace()
		default:
			next = time.AfterFunc(patience, look)
		}
	}
	mu.Lock()
	defer mu.Unlock()
	next = time.AfterFunc(patience, look)
	return func() {
		mu.Lock()
		defer mu.Unlock()
		next.Stop()
		next = nil
	}
}

// goesOn reports whether a response goes on for as long as a request waits.
func (a *again) goesOn() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	for body := range a.open {
		if time.Since(body.since) >= patience {
			return true
		}
	}
	return false
}

// openBody is the body of a response that goes on.
type openBody struct {
	io.ReadCloser
	again *again
	since time.Time
}

// Close closes the body.
func (b *openBody) Close() error {
	b.again.mu.Lock()
	delete(b.again.open, b)
	b.again.mu.Unlock()
	return b.ReadCloser.Close()
}

// Replaces sets what replaces the instance of a session by a new one for the requests that wait.
func (r *Recorder) Replaces(replace func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.newInstance = replace
}

func (r *Recorder) replace() {
	r.mu.Lock()
	replace := r.newInstance
	r.mu.Unlock()
	if replace != nil {
		replace()
	}
}

// taken reports whether an instance has taken a request.
func (r *Recorder) taken(id string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.traces[id] != nil
}

type interrupter interface{ Interrupt() }

// readBody remembers what was read.
type readBody struct {
	io.ReadCloser
	data  []byte
	ended bool // data is all of it
}

// Read reads from the body.
func (b *readBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if len(b.data)+n <= maxBodyBytes {
		b.data = append(b.data, p[:n]...)
		b.ended = err == io.EOF
	}
	return n, err
}

// reused reports whether the instance of a request has had one before.
func (r *Recorder) reused(id string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	t := r.traces[id]
	return t != nil && t.in.requests[0] != t
}

// Message implements serve.Sayer.
func (b *openBody) Message() string {
	if s, ok := b.ReadCloser.(serve.Sayer); ok {
		return s.Message()
	}
	return ""
}
