package wasi

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/wasihttp/wasihttp/internal/timeline"
)

// Exchange is an outgoing request and the future of its response. Its methods belong to the guest's
// goroutine, except Close.
type Exchange struct {
	state *State
	req   *OutgoingRequest
	body  *BodyReader // nil without a body
	opts  RequestOptions
	frame framing
	start time.Time
	// sender is the request that the guest worked for.
	sender string
	// line learns what becomes of the exchange; nil for nobody.
	line *timeline.Exchange
	// world is the exchange in its World, nil if there is none; there live says that it is with the
	// server itself, and late that the head of the response comes after the first-byte-timeout.
	world      *worldExchange
	live, late atomic.Bool
	http2      atomic.Bool // the connection speaks HTTP/2

	cancel context.CancelFunc // of the connection attempt

	mu     sync.Mutex
	conn   net.Conn
	halves int        // directions that are still in use
	cause  *ErrorCode // why the guest's side cut the exchange
	closed bool
	ready  bool
	res    *IncomingResponse
	err    *ErrorCode
	taken  bool // the guest has the result, or has dropped the future
	event
}

// IncomingResponse is the response to an outgoing request.
type IncomingResponse struct {
	Status int
	// Header is frozen.
	Header *Fields

	body  *IncomingBody
	taken bool
}

// Body returns the body, the first time only. The caller closes it.
func (r *IncomingResponse) Body() (*IncomingBody, bool) {
	if r.taken {
		return nil, false
	}
	r.taken = true
	return r.body, true
}

// Close drops the response. A body that was taken stays open.
func (r *IncomingResponse) Close() {
	if !r.taken {
		r.body.Close()
	}
}

func newExchange(s *State, req *OutgoingRequest, opts RequestOptions) *Exchange {
	e := &Exchange{state: s, req: req, opts: opts, start: time.Now(), halves: 2}
	if req.body != nil {
		e.body = req.body.Reader()
	}
	if c := s.cfg.Client; c != nil && c.Sender != nil {
		e.sender = c.Sender()
	}
	if s.timeline != nil {
		e.line = s.timeline.Send(req.Method, req.url(), req.header.timelineFields)
	}
	return e
}

// Ready reports whether Take has a result.
func (e *Exchange) Ready() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.ready
}

// Subscribe wakes w when the result is there.
func (e *Exchange) Subscribe(w *Waiter) func() { return e.subscribe(w) }

// Take returns the response, which the caller closes, or the failure. It must be Ready, and returns
// a result once: ok is false after that.
func (e *Exchange) Take() (res *IncomingResponse, err *ErrorCode, ok bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.taken {
		return nil, nil, false
	}
	e.taken = true
	return e.res, e.err, true
}

// Drop drops the future: an exchange whose response was not taken is aborted, one whose response
// was taken goes on.
func (e *Exchange) Drop() {
	e.mu.Lock()
	taken, res := e.taken, e.res
	e.taken = true
	e.mu.Unlock()
	if taken {
		return
	}
	e.Close()
	if res != nil {
		res.Close()
	}
}

// Close aborts the exchange in both directions. It never fails and may be called from any
// goroutine, more than once.
func (e *Exchange) Close() error {
	e.abort(NewErrorCode(ConnectionTerminated, nil))
	return nil
}

// abort ends both directions; the guest gets cause unless the response has come already.
func (e *Exchange) abort(cause *ErrorCode) {
	e.mu.Lock()
	if e.closed {
		e.mu.Unlock()
		return
	}
	e.closed = true
	if e.cause == nil {
		e.cause = cause
	}
	conn := e.conn
	e.mu.Unlock()
	e.line.Over("")
	if e.cancel != nil {
		e.cancel()
	}
	if conn != nil {
		conn.Close()
	}
	if e.body != nil {
		e.body.Close()
	}
	e.state.untrack(e)
}

// half ends one direction; the second one closes the connection.
func (e *Exchange) half() {
	e.mu.Lock()
	e.halves--
	last := e.halves == 0
	e.mu.Unlock()
	if last {
		e.Close()
	}
}

// run connects, sends and receives the head of the response.
func (e *Exchange) run(ctx context.Context) {
	res, code := e.perform(ctx)
	if e.world != nil && e.live.Load() {
		e.world.endLive(e.waited(code).Round(time.Millisecond))
	}
	if code != nil {
		e.line.Over(code.Error())
		e.abort(code)
		e.mu.Lock()
		code = e.cause
		e.mu.Unlock()
	}
	if c := e.state.cfg.Client; c != nil && c.Log != nil {
		o := Outbound{
			Sender: e.sender, Method: e.req.Method, URL: e.req.url(),
			Userinfo: strings.Contains(e.req.Authority, "@"), Err: code,
			Duration: time.Since(e.start),
		}
		if res != nil {
			o.Status = res.Status
		}
		c.Log(o)
	}
	e.mu.Lock()
	e.ready, e.res, e.err = true, res, code
	dropped := e.taken
	e.mu.Unlock()
	if dropped && res != nil {
		res.Close()
	}
	if e.world != nil {
		e.world.end(e.wake)
	} else {
		e.wake()
	}
}

func (e *Exchange) perform(ctx context.Context) (*IncomingResponse, *ErrorCode) {
	c := e.state.cfg.Client
	name, address := e.req.address()
	var refused error
	if c != nil && c.Allow != nil {
		refused = c.Allow(address)
	}
	e.state.Uses(UseOutbound, address, c == nil || refused != nil)
	if c == nil || refused != nil && c.Connect == nil {
		return nil, NewErrorCode(HTTPRequestDenied, refused)
	}
	if e.req.Method == http.MethodConnect {
		return nil, NewErrorCode(HTTPProtocolError, fmt.Errorf("CONNECT is not supported"))
	}
	conn, code := e.connect(ctx, c, name, address, refused)
	if code != nil {
		return nil, code
	}
	e.mu.Lock()
	e.conn = conn
	closed := e.closed
	e.mu.Unlock()
	if closed {
		conn.Close()
		return nil, NewErrorCode(ConnectionTerminated, nil)
	}
	if e.http2.Load() {
		return e.performHTTP2(ctx, c, conn)
	}
	in := &deadlineConn{conn: conn, left: c.maxHeaderBytes(), gap: patience(e.opts.BetweenBytes)}
	first := time.Now().Add(patience(e.opts.FirstByte))
	if e.body == nil || e.frame == noBody {
		// A request without a body is one write, and no reason for a goroutine.
		if err := conn.SetDeadline(first); err != nil {
			return nil, NewErrorCode(ConnectionTerminated, err)
		}
		e.send(conn)
		return e.receive(in)
	}
	if err := conn.SetReadDeadline(first); err != nil {
		return nil, NewErrorCode(ConnectionTerminated, err)
	}
	if !e.state.goWork(func() { e.send(conn) }) {
		return nil, NewErrorCode(ConnectionTerminated, nil)
	}
	return e.receive(in)
}

// framing is how a request's body is delimited on the wire (RFC 9112, 6).
type framing int

const (
	noBody     framing = iota
	zeroLength         // no body where one would be expected
	declared           // by the guest's content-length
	known              // by a content-length of the bytes that are there already
	chunked
)

// framing returns the framing according to what the guest has done so far, so that the same guest
// always sends the same bytes.
func (e *Exchange) framing() (framing, *ErrorCode) {
	length, ok := e.req.header.ContentLength()
	switch {
	case ok && e.body == nil && length > 0:
		return 0, bodySize(HTTPRequestBodySize, 0, length)
	case ok && e.body == nil:
		return noBody, nil
	case ok:
		return declared, nil
	}
	n := 0
	if e.body != nil {
		if e.req.body.Finished() && e.body.Trailer() == nil {
			n = e.body.Buffered()
		} else {
			n = -1
		}
	}
	switch {
	case n < 0:
		return chunked, nil
	case n > 0:
		return known, nil
	}
	switch e.req.Method {
	case http.MethodPost, http.MethodPut, http.MethodPatch:
		return zeroLength, nil
	}
	return noBody, nil
}

// undecided is how long a request that declares that its body is empty is held back until its guest
// has ended that body. Some guests wait for the response first.
const undecided = time.Second

// send writes the request. A connection that takes no more is not the end: the response may have
// come before.
func (e *Exchange) send(conn net.Conn) {
	defer e.half()
	f := e.frame
	if f == declared {
		e.body.AwaitWhole(undecided)
	}
	w := bufio.NewWriter(conn)
	e.writeHead(w, f)
	var err error
	if e.body == nil || f == noBody || f == zeroLength {
		err = w.Flush()
	} else {
		err = e.writeBody(w, f == chunked)
	}
	if err == nil {
		return
	}
	if e.body != nil {
		e.body.Close()
	}
	if b, ok := err.(guestError); ok {
		e.breakOff(b.error)
	}
}

// breakOff ends both directions because the guest does not go on with the request's body.
func (e *Exchange) breakOff(err error) {
	code := AsErrorCode(err)
	if code == nil {
		code = NewErrorCode(HTTPProtocolError, err)
	}
	e.abort(code)
}

// guestError is an error of the body's producer, not of the connection.
type guestError struct{ error }

func (e *Exchange) writeHead(w *bufio.Writer, f framing) {
	r := e.req
	w.WriteString(r.Method + " " + r.target() + " HTTP/1.1\r\nHost: " + r.host() + "\r\n")
	writeFields(w, r.header)
	switch f {
	case zeroLength:
		w.WriteString("Content-Length: 0\r\n")
	case known:
		w.WriteString("Content-Length: " + strconv.Itoa(e.body.Buffered()) + "\r\n")
	case chunked:
		w.WriteString("Transfer-Encoding: chunked\r\n")
	}
	w.WriteString("Connection: close\r\n\r\n")
}

func writeFields(w *bufio.Writer, f *Fields) {
	for i := range f.entries {
		w.WriteString(f.entries[i].Name)
		w.WriteString(": ")
		w.Write(f.entries[i].Value)
		w.WriteString("\r\n")
	}
}

// writeBody sends every piece as soon as the guest has written it.
func (e *Exchange) writeBody(w *bufio.Writer, chunked bool) error {
	buf := make([]byte, 32<<10)
	for {
		if e.body.Buffered() == 0 && !e.body.Ended() {
			if err := w.Flush(); err != nil {
				return err
			}
		}
		n, err := e.body.Read(buf)
		if n > 0 {
			e.line.Sent(buf[:n])
			if chunked {
				w.WriteString(strconv.FormatInt(int64(n), 16))
				w.WriteString("\r\n")
			}
			w.Write(buf[:n])
			if chunked {
				w.WriteString("\r\n")
			}
		}
		switch {
		case err == io.EOF:
			if chunked {
				w.WriteString("0\r\n")
				if t := e.body.Trailer(); t != nil {
					writeFields(w, t)
				}
				w.WriteString("\r\n")
			}
			return w.Flush()
		case err != nil:
			return guestError{err}
		case w.Buffered() == 0 && n == 0:
			continue
		}
	}
}

const lateHead = "no response head within the first-byte-timeout"

// receive reads the head of the final response.
func (e *Exchange) receive(in *deadlineConn) (*IncomingResponse, *ErrorCode) {
	br := bufio.NewReader(in)
	for {
		res, err := http.ReadResponse(br, &http.Request{Method: e.req.Method})
		if err != nil {
			return nil, headError(err).explain(err, lateHead, e.opts.FirstByte)
		}
		switch {
		case res.StatusCode == http.StatusSwitchingProtocols:
			return nil, NewErrorCode(HTTPUpgradeFailed, nil)
		case res.StatusCode >= 100 && res.StatusCode < 200:
			continue
		case e.late.Load():
			err := os.ErrDeadlineExceeded
			return nil, headError(err).explain(err, lateHead, e.opts.FirstByte)
		}
		in.body()
		return e.response(res, res.Body, bodyError), nil
	}
}

// response returns the response to the guest; fault maps errors of reading its body.
func (e *Exchange) response(
	res *http.Response, body io.Reader, fault func(error) *ErrorCode,
) *IncomingResponse {
	rules := e.state.FieldRules()
	header := res.Header
	for _, name := range slices.Sorted(maps.Keys(res.Trailer)) {
		header.Add("Trailer", strings.ToLower(name))
	}
	r := &IncomingResponse{Status: res.StatusCode, Header: FieldsFromHTTP(rules, header)}
	e.line.Responded(r.Status, r.Header.timelineFields)
	none := res.ContentLength == 0
	if res.ProtoMajor == 2 {
		// With a length of 0 there may be trailers.
		none = none && res.Header["Content-Length"] == nil
	}
	if none || res.Body == http.NoBody {
		e.half()
		r.body = e.state.newIncomingBody(nil, nil, bodyError)
		return r
	}
	trailer := func() *Fields { return FieldsFromHTTP(rules, res.Trailer) }
	failed := func(err error) *ErrorCode {
		const late = "nothing more of the body within the between-bytes-timeout"
		return fault(err).explain(err, late, e.opts.BetweenBytes)
	}
	r.body = e.state.newIncomingBody(&responseBody{e: e, r: body}, trailer, failed)
	if cfg := e.state.cfg; cfg.Steady && cfg.Recorded {
		r.body.fetchWhole()
	}
	return r
}
