package wasi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// protocolHTTP2 is the name of HTTP/2 over TLS (RFC 9113, section 3.2).
const protocolHTTP2 = "h2"

// Observer is implemented by a connection that Client.Connect returns if it wants to know what goes
// over it in HTTP/2. Its methods are called in the order of each direction; they keep nothing.
type Observer interface {
	// SendHead and SendBody are what is sent. A body that is not whole does not end.
	SendHead(header http.Header)
	SendBody(p []byte, end bool)
	// ReceiveHead and ReceiveBody are what is received, and ReceiveEnd is called with the trailers,
	// or with the reason why there is no more.
	ReceiveHead(status int, header http.Header)
	ReceiveBody(p []byte)
	ReceiveEnd(trailer http.Header, err error)
}

// http2Client makes clients of HTTP/2 for connections that are there. The connections have nothing
// in common: each is for one exchange, as in HTTP/1.1.
type http2Client struct {
	once      sync.Once
	transport *http.Transport
}

// connKey finds the connection in the context of a dial.
type connKey struct{}

func (h *http2Client) connect(
	ctx context.Context, c *Client, conn net.Conn,
) (*http.ClientConn, error) {
	h.once.Do(func() {
		protocols := new(http.Protocols)
		protocols.SetUnencryptedHTTP2(true) // as far as net/http knows
		h.transport = &http.Transport{
			Protocols:              protocols,
			DisableCompression:     true,
			MaxResponseHeaderBytes: c.maxHeaderBytes(),
			HTTP2:                  &http.HTTP2Config{MaxReceiveBufferPerStream: DefaultBodyBuffer},
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				conn, _ := ctx.Value(connKey{}).(net.Conn)
				return conn, nil
			},
		}
	})
	ctx = context.WithValue(ctx, connKey{}, conn)
	return h.transport.NewClientConn(ctx, "http", "server:80")
}

// performHTTP2 is the rest of perform on a connection that speaks HTTP/2.
func (e *Exchange) performHTTP2(
	ctx context.Context, c *Client, conn net.Conn,
) (*IncomingResponse, *ErrorCode) {
	failed := func(err error) (*IncomingResponse, *ErrorCode) {
		if context.Cause(ctx) == os.ErrDeadlineExceeded {
			err = os.ErrDeadlineExceeded
		}
		return nil, http2Error(err, headError).explain(err, lateHead, e.opts.FirstByte)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	first := time.AfterFunc(patience(e.opts.FirstByte), func() { cancel(os.ErrDeadlineExceeded) })
	defer first.Stop()
	client, err := e.state.http2.connect(ctx, c, conn)
	if err != nil {
		return failed(err)
	}
	if e.frame == declared {
		e.body.AwaitWhole(undecided)
	}
	observer, _ := conn.(Observer)
	res, err := client.RoundTrip(e.httpRequest(ctx, observer))
	if err != nil {
		if observer != nil {
			observer.ReceiveEnd(nil, err)
		}
		return failed(err)
	}
	if observer != nil {
		observer.ReceiveHead(res.StatusCode, res.Header)
	}
	body := &http2Body{
		res: res, observer: observer, cancel: cancel, gap: patience(e.opts.BetweenBytes),
	}
	return e.response(res, body, http2BodyError), nil
}

// httpRequest returns the request as net/http wants it.
func (e *Exchange) httpRequest(ctx context.Context, observer Observer) *http.Request {
	header := e.req.header.HTTP()
	if _, set := header["User-Agent"]; !set {
		header["User-Agent"] = nil // net/http would make one
	}
	if te := header["Te"]; len(te) > 1 || len(te) == 1 && !strings.EqualFold(te[0], "trailers") {
		delete(header, "Te") // HTTP/2 has no codings of the transfer (RFC 9113, section 8.2.2)
	}
	target, host := e.req.target(), e.req.host()
	scheme := strings.ToLower(e.req.Scheme)
	if strings.HasPrefix(target, "//") {
		target = "//" + host + target // what package url makes of it, net/http takes off again
	}
	r := (&http.Request{
		Method: e.req.Method, Host: host, Header: header,
		URL: &url.URL{Scheme: scheme, Host: host, Opaque: target},
	}).WithContext(ctx)
	if observer != nil {
		observer.SendHead(header)
	}
	if e.body == nil || e.frame == noBody || e.frame == zeroLength {
		if e.frame == zeroLength {
			r.Body = http.NoBody
		}
		if observer != nil {
			observer.SendBody(nil, true)
		}
		e.half()
		return r
	}
	switch length, _ := e.req.header.ContentLength(); e.frame {
	case declared:
		r.ContentLength = int64(min(length, 1<<62))
	case known:
		r.ContentLength = int64(e.body.Buffered())
	default:
		r.ContentLength = -1
	}
	r.Trailer = http.Header{} // as long as it is not nil, there may be some at the end
	r.Body = &http2Sent{e: e, trailer: r.Trailer, observer: observer}
	return r
}

// http2Sent is a request's body on its way to net/http.
type http2Sent struct {
	e        *Exchange
	trailer  http.Header
	observer Observer
	closed   atomic.Bool
}

func (b *http2Sent) Read(p []byte) (int, error) {
	n, err := b.e.body.Read(p)
	if n > 0 {
		b.e.line.Sent(p[:n])
	}
	if b.observer != nil && (n > 0 || err == io.EOF) {
		b.observer.SendBody(p[:n], err == io.EOF)
	}
	switch {
	case err == io.EOF:
		if t := b.e.body.Trailer(); t != nil {
			maps.Copy(b.trailer, t.HTTP())
		}
	case err != nil && !b.closed.Load():
		b.e.breakOff(err)
	}
	return n, err
}

// Close ends the sending side.
func (b *http2Sent) Close() error {
	if !b.closed.Swap(true) {
		b.e.body.Close()
		b.e.half()
	}
	return nil
}

// http2Body is the body of a response.
type http2Body struct {
	res      *http.Response
	observer Observer // nil for none
	cancel   context.CancelCauseFunc
	gap      time.Duration // the longest wait for bytes
	timer    *time.Timer
	late     atomic.Bool
}

func (b *http2Body) Read(p []byte) (int, error) {
	if b.timer == nil {
		b.timer = time.AfterFunc(b.gap, func() {
			b.late.Store(true)
			b.cancel(os.ErrDeadlineExceeded)
		})
	} else {
		b.timer.Reset(b.gap)
	}
	n, err := b.res.Body.Read(p)
	b.timer.Stop()
	if err != nil && err != io.EOF && b.late.Load() {
		err = os.ErrDeadlineExceeded
	}
	if b.observer != nil {
		b.observer.ReceiveBody(p[:n])
		switch {
		case err == io.EOF:
			b.observer.ReceiveEnd(b.res.Trailer, nil)
		case err != nil:
			b.observer.ReceiveEnd(nil, err)
		}
	}
	return n, err
}

// http2StreamError has the fields of the error of net/http for a stream that was reset, which it
// lets errors.As copy.
type http2StreamError struct {
	StreamID uint32
	Code     http2Code
	Cause    error
}

func (e http2StreamError) Error() string { return fmt.Sprintf("stream reset: %d", e.Code) }

// http2Code is why a stream was reset (RFC 9113, section 7).
type http2Code uint32

const (
	http2NoError            http2Code = 0x0
	http2RefusedStream      http2Code = 0x7
	http2Cancel             http2Code = 0x8
	http2EnhanceYourCalm    http2Code = 0xb
	http2InadequateSecurity http2Code = 0xc
)

// http2Error maps a failure of HTTP/2; other maps those that HTTP/1.1 has, too. A stream that was
// reset before there was a response is a request that was refused, or given up.
func http2Error(err error, other func(error) *ErrorCode) *ErrorCode {
	var stream http2StreamError
	text := err.Error()
	switch {
	// net/http has no types for these.
	case strings.Contains(text, "GOAWAY"):
		return NewErrorCode(ConnectionTerminated, err)
	case strings.Contains(text, "header list larger than"):
		return NewErrorCode(HTTPResponseHeaderSectionSize, err)
	case errors.As(err, &stream):
		switch stream.Code {
		case http2RefusedStream:
			return NewErrorCode(ConnectionRefused, err)
		case http2NoError, http2Cancel:
			return NewErrorCode(ConnectionTerminated, err)
		case http2EnhanceYourCalm:
			return NewErrorCode(ConnectionLimitReached, err)
		case http2InadequateSecurity:
			return NewErrorCode(TLSProtocolError, err)
		}
		return NewErrorCode(HTTPProtocolError, err)
	}
	return other(err)
}

// http2BodyError maps a failure within the body of a response.
func http2BodyError(err error) *ErrorCode {
	var stream http2StreamError
	if errors.As(err, &stream) || strings.Contains(err.Error(), "GOAWAY") {
		return NewErrorCode(HTTPResponseIncomplete, err)
	}
	return bodyError(err)
}
