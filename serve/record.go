package serve

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/wasihttp/wasihttp/internal/exchange"
)

// Recorder receives exchanges when they have ended. Record is called from many
// goroutines, before the response is complete, so it must not block. It owns its
// argument.
type Recorder interface {
	Record(Recorded)
}

// Recorded is an exchange as the program saw it.
type Recorded struct {
	ID       string // of the request
	Start    time.Time
	Duration time.Duration

	Method, Host, Target string
	Header               http.Header
	// Body is the part of the request's body that the program read; nil if
	// there was no body. What the program did not read cannot have influenced
	// the response.
	Body    []byte
	Trailer http.Header

	// Status is 0 if there was no response; Failure then says why.
	Status          int
	ResponseHeader  http.Header
	ResponseBody    []byte
	ResponseTrailer http.Header
	Failure         *Failure
	// Cut reports whether the exchange is incomplete: the client left, or a
	// body was too large to keep.
	Cut bool
}

// RecordLimits bounds the bodies that are kept, in bytes.
type RecordLimits struct {
	Body   int   // of each
	Bodies int64 // of all that have not ended, together
}

// Recording returns a Handler that responds as h does and passes each exchange
// to r.
func Recording(h Handler, r Recorder, limits RecordLimits) Handler {
	return &recording{handler: h, recorder: r, limits: limits}
}

type recording struct {
	handler  Handler
	recorder Recorder
	limits   RecordLimits
	held     atomic.Int64 // bytes of bodies that have not ended
}

// Handle responds as the handler below does.
func (h *recording) Handle(
	ctx context.Context, id string, r *http.Request,
) (*http.Response, error) {
	x := &recordedExchange{recording: h, Recorded: Recorded{
		ID: id, Start: time.Now(), Method: r.Method, Host: r.Host, Target: r.RequestURI,
		Header: r.Header.Clone(),
	}}
	if r.Body != nil && r.Body != http.NoBody {
		x.request = &keptBody{ReadCloser: r.Body, of: h}
		copied := *r
		copied.Body = x.request
		if i, ok := r.Body.(interrupter); ok {
			copied.Body = &interruptibleBody{x.request, i}
		}
		r = &copied
		x.incoming = r
	}
	resp, err := h.handler.Handle(ctx, id, r)
	if err != nil {
		x.end(err)
		return nil, err
	}
	if resp == nil || resp.Body == nil {
		x.Cut = true
		x.end(nil)
		return resp, nil
	}
	x.Status, x.ResponseHeader = resp.StatusCode, resp.Header.Clone()
	x.response = resp
	x.body = &recordedBody{keptBody: keptBody{ReadCloser: resp.Body, of: h}, exchange: x}
	out := *resp
	out.Body = x.body
	x.out = &out
	return &out, nil
}

// recordedExchange is an exchange on its way.
type recordedExchange struct {
	*recording
	Recorded
	incoming      *http.Request
	request       *keptBody
	response, out *http.Response
	body          *recordedBody
	once          sync.Once
}

// end reports the exchange to the recorder.
func (x *recordedExchange) end(err error) {
	x.once.Do(func() {
		x.Duration = time.Since(x.Start)
		if x.request != nil {
			over := false
			if x.Body, over, _ = x.request.kept(); x.Body == nil {
				x.Body = []byte{}
			}
			x.Cut = x.Cut || over
			x.Trailer = x.incoming.Trailer.Clone()
		}
		if x.body != nil {
			body, over, whole := x.body.kept()
			x.ResponseBody = body
			x.Cut = x.Cut || over || !whole && err == nil
			x.ResponseTrailer = x.response.Trailer.Clone()
		}
		if err != nil && !errors.As(err, &x.Failure) {
			x.Cut = true
		}
		x.recorder.Record(x.Recorded)
	})
}

// keptBody remembers what is read. Its methods are safe for concurrent use as
// far as those of the body below are.
type keptBody struct {
	io.ReadCloser
	of *recording

	mu   sync.Mutex
	data []byte
	over bool // there was no room for all of it
	end  bool
	told bool // nothing is kept after this
}

// Read reads from the body.
func (b *keptBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.keep(p[:n])
	b.end = b.end || err == io.EOF
	return n, err
}

// keep remembers what was read, if there is room for it. The lock is held.
func (b *keptBody) keep(p []byte) {
	if b.over || b.told || len(p) == 0 {
		return
	}
	size := int64(len(p))
	if b.of.held.Add(size) > b.of.limits.Bodies || len(b.data)+len(p) > b.of.limits.Body {
		b.of.held.Add(-size - int64(len(b.data)))
		b.over, b.data = true, nil
		return
	}
	b.data = append(b.data, p...)
}

// kept returns the bytes that were read, and releases them.
func (b *keptBody) kept() (data []byte, over, end bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.of.held.Add(-int64(len(b.data)))
	data, b.data, b.told = b.data, nil, true
	return data, b.over, b.end
}

// interrupter is an optional interface of request bodies: a way to end a blocked Read.
type interrupter interface{ Interrupt() }

// interruptibleBody is a keptBody that can be interrupted.
type interruptibleBody struct {
	*keptBody
	interrupter
}

// recordedBody is a response's body whose Close ends the record.
type recordedBody struct {
	keptBody
	exchange *recordedExchange
	failed   error
}

// Read reads from the body.
func (b *recordedBody) Read(p []byte) (int, error) {
	n, err := b.keptBody.Read(p)
	if err == io.EOF {
		// The server reads them from the response that it was given.
		b.exchange.out.Trailer = b.exchange.response.Trailer
	} else if err != nil {
		b.failed = err
	}
	return n, err
}

// Ready reports whether the body is ready, if it says so.
func (b *recordedBody) Ready() bool { return exchange.Ready(b.ReadCloser) }

// Close closes the body and reports the exchange to the recorder.
func (b *recordedBody) Close() error {
	err := b.ReadCloser.Close()
	b.exchange.end(b.failed)
	return err
}
