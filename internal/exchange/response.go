package exchange

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/textproto"
	"sync"
	"sync/atomic"
	"time"

	"github.com/wasihttp/wasihttp/internal/timeline"
)

// errEnough ends a body that will not be read.
var errEnough = errors.New("the response has no body")

// Readier is an optional method of a response's Body. Ready reports whether the next Read returns
// at once, with bytes or with the end. What has been read is held back while Ready is true, so that
// a short response leaves in one piece, and flushed before any Read that has to wait. A Body may
// take a moment to find out: a response still being computed is often about to continue. Without
// the method each Read is taken to wait.
type Readier interface {
	Ready() bool
}

// Ready reports whether the next Read of a response's body does not wait.
func Ready(body io.ReadCloser) bool {
	if body == http.NoBody {
		return true
	}
	readier, ok := body.(Readier)
	return ok && readier.Ready()
}

// Lender is an optional method of a response's Body. Next is Read, but returns bytes where they
// are; they are the caller's until it calls Next or Read again. A long body is not copied on its
// way to the connection then.
type Lender interface {
	Next() ([]byte, error)
}

// ClientError is an error of writing to the client: the client has gone.
type ClientError struct{ Err error }

// Error returns the error's text.
func (e *ClientError) Error() string { return e.Err.Error() }

// Unwrap returns the error of writing.
func (e *ClientError) Unwrap() error { return e.Err }

// ResponseError reports that a response cannot be passed on as it is.
type ResponseError struct {
	// Code is the error-code of wasi:http that fits; "" if it is not a response at all.
	Code string
	// Cause says in a few words what is wrong, and Hint what to do about it.
	Cause, Hint string
}

// Error returns the cause.
func (e *ResponseError) Error() string { return e.Cause }

// LateError reports that the program has failed after a response that is complete for its reader.
type LateError struct{ Err error }

// Error returns the error's text.
func (e *LateError) Error() string { return e.Err.Error() }

// Unwrap returns the failure.
func (e *LateError) Unwrap() error { return e.Err }

// isConnectionHeader reports whether a header belongs to one connection and is net/http's to write
// (RFC 9110, section 7.6.1). name is in canonical form.
func isConnectionHeader(name string) bool {
	switch name {
	case "Connection", "Keep-Alive", "Proxy-Connection", "Transfer-Encoding", "Trailer", "Upgrade":
		return true
	}
	return false
}

// CanonicalName is [textproto.CanonicalMIMEHeaderKey], which looks at each byte of a name; those
// that most messages have are known.
func CanonicalName(name string) string {
	switch name {
	case "Accept", "Accept-Encoding", "Accept-Language", "Cache-Control", "Content-Length",
		"Content-Type", "Date", "Host", "Server", "User-Agent", "Vary":
		return name
	}
	return textproto.CanonicalMIMEHeaderKey(name)
}

// BodyAllowed reports whether the response to a request can have a body (RFC 9110, sections 6.4.1,
// 9.3.2 and 15).
func BodyAllowed(method string, status int) bool {
	switch status {
	case http.StatusNoContent, http.StatusNotModified:
		return false
	}
	return method != http.MethodHead && !isTunnel(method, status)
}

// isTunnel reports whether a response grants a tunnel: what follows its head is not the response's
// (RFC 9110, section 9.3.6).
func isTunnel(method string, status int) bool {
	return method == http.MethodConnect && status >= 200 && status < 300
}

// bulkPiece is the length of a piece of a body, in bytes, that is not worth copying to those before
// it.
const bulkPiece = 16 << 10

// Write passes resp on and closes its body. Only the header counts for what the head says:
// ContentLength is not looked at. Trailers are complete once the body has returned io.EOF.
//
// The error is a *ResponseError, a *ClientError, a *LateError, or what reading the body returned;
// if Committed then returns false, nothing has left yet. If the response cannot have a body, what
// the program writes is thrown away without an error, for a while: then end is called, which should
// end the body.
func (x *Exchange) Write(resp *http.Response, end context.CancelCauseFunc) error {
	// Read has returned all errors of the body.
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode < 200 || resp.StatusCode > 999 {
		return &ResponseError{
			Cause: fmt.Sprintf("the program responded with status %d, which is not a final status",
				resp.StatusCode),
			Hint: "informational responses (1xx) come before the response and need the API made " +
				"for them",
		}
	}
	length, err := x.head.take(x.config, resp.Header)
	if err != nil {
		return err
	}
	if BodyAllowed(x.r.Method, resp.StatusCode) {
		return x.stream(resp, length)
	}
	return x.skip(resp, length, end)
}

// stream passes head, body and trailers on. It holds back what is joined by more bytes without a
// wait, so that a short response leaves in one piece; and as long as nothing has left, a failure
// can still be explained to the client.
func (x *Exchange) stream(resp *http.Response, declared int64) error {
	src := pieces{config: x.config, body: resp.Body}
	src.lender, _ = resp.Body.(Lender)
	defer src.free()
	pooled := buffer(&x.config.small, copyBuffer)
	defer x.config.small.Put(pooled)
	held, got := (*pooled)[:0], int64(0)
	for {
		if !Ready(resp.Body) {
			if err := x.flush(resp, declared, held); err != nil {
				return err
			}
			held = held[:0]
		}
		p, err := src.next()
		got += int64(len(p))
		end := err == io.EOF
		if err != nil && !end {
			return err
		}
		if declared >= 0 && (got > declared || end && got < declared) {
			return bodySizeError(declared, got)
		}
		if len(p) > cap(held)-len(held) {
			if err := x.write(resp, declared, held); err != nil {
				return err
			}
			held = held[:0]
			if len(p) >= bulkPiece {
				if err := x.write(resp, declared, p); err != nil {
					return err
				}
				p = nil
			}
		}
		held = append(held, p...)
		if end {
			x.settleHead()
			if ending := x.ending(resp, declared, got); declared < 0 {
				declared = ending
			}
			return x.write(resp, declared, held)
		}
	}
}

// pieces are those in which a body comes.
type pieces struct {
	config *Config
	body   io.Reader
	lender Lender // body, if it is one

	pool *sync.Pool // of buf
	buf  *[]byte    // for what is no Lender; nil before the first
	full bool       // the last piece filled it
}

// next returns the next piece, which the next call overwrites, and the end, which may come with it.
func (s *pieces) next() ([]byte, error) {
	if s.lender != nil {
		return s.lender.Next()
	}
	switch {
	case s.buf == nil:
		s.pool = &s.config.small
		s.buf = buffer(s.pool, copyBuffer)
	case s.full && s.pool == &s.config.small:
		s.free()
		s.pool = &s.config.bulk
		s.buf = buffer(s.pool, bulkBuffer)
	}
	n, err := s.body.Read(*s.buf)
	s.full = n == len(*s.buf)
	return (*s.buf)[:n], err
}

// free lets the memory be used again.
func (s *pieces) free() {
	if s.buf != nil {
		s.pool.Put(s.buf)
	}
}

// settleHead is settle unless the head has left.
func (x *Exchange) settleHead() {
	if !x.committed {
		x.settle()
	}
}

// bodySizeError returns the error for a body whose length differs from its content-length.
func bodySizeError(declared, got int64) error {
	cause := fmt.Sprintf("the body is longer than its content-length of %d bytes", declared)
	if got < declared {
		cause = fmt.Sprintf("the body ended after %d of the %d bytes its content-length promised",
			got, declared)
	}
	return &ResponseError{Code: "HTTP-response-body-size", Cause: cause}
}

// skip sends a response that has no body. An endless body would otherwise hold the connection for
// as long as the client does.
func (x *Exchange) skip(resp *http.Response, declared int64, end context.CancelCauseFunc) error {
	if !Ready(resp.Body) {
		if err := x.flush(resp, declared, nil); err != nil {
			return err
		}
	}
	var ended atomic.Bool
	timer := time.AfterFunc(x.config.grace(), func() {
		ended.Store(true)
		end(errEnough)
	})
	defer timer.Stop()
	_, err := io.Copy(io.Discard, resp.Body)
	if err != nil && !x.committed {
		return err
	}
	x.settleHead()
	x.commit(resp, declared)
	if err != nil && !ended.Load() {
		return &LateError{err}
	}
	return nil
}

// commit hands the head to net/http, once.
func (x *Exchange) commit(resp *http.Response, length int64) {
	if x.committed {
		return
	}
	x.committed = true
	x.invite()
	switch {
	case isTunnel(x.r.Method, resp.StatusCode):
		// Neither a length nor chunks (RFC 9110, section 9.3.6): to net/http, this means both.
		x.head.add("Transfer-Encoding", []string{"identity"})
	case length >= 0 && resp.StatusCode != http.StatusNoContent:
		x.head.add("Content-Length", x.head.length(length))
	}
	x.head.pass(x.w)
	x.closeOlder(length >= 0 || !BodyAllowed(x.r.Method, resp.StatusCode))
	x.w.WriteHeader(resp.StatusCode)
}

// write hands bytes of the body to net/http, after the head.
func (x *Exchange) write(resp *http.Response, length int64, p []byte) error {
	x.commit(resp, length)
	if len(p) == 0 {
		return nil
	}
	if len(p) >= bulkPiece && x.conn != nil {
		x.conn.Gather(true)
		defer x.conn.Gather(false)
	}
	x.line.Write(timeline.ResponseBody, p)
	n, err := x.w.Write(p)
	x.written += int64(n)
	if err != nil {
		return &ClientError{err}
	}
	return nil
}

// flush sends p and all that was written before, the head at least.
func (x *Exchange) flush(resp *http.Response, length int64, p []byte) error {
	if x.committed && len(p) == 0 {
		return nil
	}
	if err := x.write(resp, length, p); err != nil {
		return err
	}
	// A writer that cannot flush, as some middleware puts in between, sends when it likes.
	if err := x.control.Flush(); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return &ClientError{err}
	}
	return nil
}

// ending sets the trailers of a response whose body has ended, with got bytes, but is not yet
// written to its end, or returns the length for its head; -1 if it has none. Before HTTP/2,
// trailers need a chunked body: one with a declared length has no room for them, nor has HTTP/1.0.
func (x *Exchange) ending(resp *http.Response, declared, got int64) int64 {
	header := x.w.Header()
	trailers := false
	room := x.r.ProtoAtLeast(2, 0) || declared < 0 && x.r.ProtoAtLeast(1, 1)
	for name, values := range resp.Trailer {
		name = CanonicalName(name)
		if isConnectionHeader(name) || name == "Content-Length" || len(values) == 0 || !room {
			continue
		}
		header[http.TrailerPrefix+name] = values
		trailers = true
	}
	if trailers {
		return -1
	}
	return got
}
