package handler

import (
	"context"
	"io"
	"net/http"

	"github.com/wasihttp/wasihttp/internal/wasi"
)

// Request is a request for a guest. The guest reads its Body, which is closed if the guest drops it
// or when the exchange is over. Body.Close may be called more than once and while a Read is
// blocked; it must end that Read.
type Request = wasi.Request

// Response is the response of a guest, which may still write the body. The caller of Handle must
// close Body.
type Response struct {
	// Status is what the guest set, 100 to 999.
	Status int
	// Header has the header fields, frozen.
	Header *wasi.Fields
	Body   *Body

	inner *wasi.Response
}

// Trailer returns the trailers, frozen; nil if there are none or Body has not returned io.EOF yet.
func (r *Response) Trailer() *wasi.Fields { return r.inner.Trailer() }

// HTTP returns the response as an [net/http.Response], as [wasi.Response.HTTP] does. Its Body is
// r.Body. It is called once, before the body is read. ContentLength is known if the guest wrote
// the body right after the head; see [ProxyHandler.Handle].
func (r *Response) HTTP() *http.Response {
	res := r.inner.HTTP()
	r.Body.src = res.Body.(source)
	res.Body = r.Body
	return res
}

// Body is the body of a Response. It is read by one goroutine at a time; Close may be called by
// any.
type Body struct {
	ctx    context.Context // of Handle
	x      *exchange
	pipe   *wasi.BodyReader
	src    source // pipe, or what fills the trailers in
	unhook func() bool
}

// source is where a body comes from.
type source interface {
	io.ReadCloser
	Next() ([]byte, error)
}

func newResponse(ctx context.Context, x *exchange, r *wasi.Response) *Response {
	b := &x.body
	*b = Body{ctx: ctx, x: x, pipe: r.Body, src: r.Body}
	if !r.Body.Ended() && ctx.Done() != nil {
		b.unhook = context.AfterFunc(ctx, func() {
			// It never fails.
			_ = b.pipe.Close()
			x.leave()
		})
	}
	x.response = Response{Status: r.Status, Header: r.Header, Body: b, inner: r}
	return &x.response
}

// Read blocks until the guest has written or ended the body. It returns io.EOF at the proper end of
// the body. With any other error the message must be cut short: a *TrapError or another outcome of
// Handle, an *ExitError, the cause of the context's end, or what wasi.BodyReader.Read returns.
func (b *Body) Read(p []byte) (int, error) {
	n, err := b.src.Read(p)
	return n, b.read(err)
}

// Next is Read, but returns bytes where they are: they are the caller's until it calls Next or Read
// again.
func (b *Body) Next() ([]byte, error) {
	p, err := b.src.Next()
	return p, b.read(err)
}

// read returns what an error of a read is for the receiver.
func (b *Body) read(err error) error {
	if err == nil {
		return nil
	}
	switch {
	case err == io.EOF:
	case b.ctx.Err() != nil:
		err = context.Cause(b.ctx)
	default:
		b.x.received(err)
	}
	b.end()
	return err
}

// Close stops receiving the body: further writes of the guest fail as on a closed stream. It always
// returns nil.
func (b *Body) Close() error {
	err := b.src.Close()
	b.end()
	return err
}

// end ends the exchange for its receiver.
func (b *Body) end() {
	if b.unhook != nil {
		b.unhook()
	}
	b.x.leave()
}

// Ready reports whether the next Read does not block. For a response that declares no contents but
// passes on those of another message it first waits until it is known whether there are any: the
// head alone would be a whole response.
func (b *Body) Ready() bool {
	b.pipe.AwaitWhole(0)
	return b.pipe.Ready()
}
