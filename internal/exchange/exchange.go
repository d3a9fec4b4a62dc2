package exchange

import (
	"context"
	"errors"
	"io"
	"maps"
	"math"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/wasihttp/wasihttp/internal/timeline"
)

// DefaultGrace is the Grace of a Config that has none.
const DefaultGrace = time.Second

const (
	// copyBuffer is the size of the pieces in which a body is passed on at first, in bytes.
	copyBuffer = 32 << 10
	// bulkBuffer is their size for a body that fills some, in bytes: one that trickles, as events
	// do, keeps the small buffer for as long as it takes.
	bulkBuffer = 256 << 10
)

// Config is what the exchanges of one server have in common. The zero value is ready to use. A
// Config must not be copied once an exchange has begun; its methods are safe for concurrent use.
type Config struct {
	// Grace is how long an exchange waits for bytes that are thrown away: the rest of a request
	// body, or the body of a response that cannot have one. 0 means DefaultGrace.
	Grace time.Duration
	// Reserved names the headers that a response cannot set, in canonical form.
	Reserved []string
	// Conn returns the connection that a request came on; nil, or a nil Conn, if it is unknown.
	Conn func(r *http.Request) Conn

	small, bulk sync.Pool // of *[]byte, of these sizes
}

// Conn is what an exchange needs of the connection below net/http.
type Conn interface {
	// Last reports whether the connection takes no request after the current one.
	Last() bool
	// CloseAfterResponse ends the reading side: net/http sends what has been written and then
	// closes the connection. Closing waits for a client that still sends, so that the response
	// reaches it.
	CloseAfterResponse()
	// Reset makes closing the connection a reset.
	Reset()
	// AwaitReadable waits until a Read of the current request's body, of which that many bytes have
	// not been read, returns at once, and reports it; or until the context ends, whose cause it
	// then returns. It returns false and no error if it cannot tell. It must not be called while
	// another goroutine reads.
	AwaitReadable(ctx context.Context, left int64) (bool, error)
	// Readable is AwaitReadable without the wait; known is false if it cannot tell.
	Readable(left int64) (readable, known bool)
	// Gather begins a write in several pieces, and ends it: what is short is held back for the next
	// piece meanwhile. net/http fills up its buffer before it passes on a long piece.
	Gather(begin bool)
}

func (c *Config) grace() time.Duration {
	if c.Grace == 0 {
		return DefaultGrace
	}
	return c.Grace
}

// buffer returns a buffer of a pool, whose buffers have that size.
func buffer(pool *sync.Pool, size int) *[]byte {
	if b, ok := pool.Get().(*[]byte); ok {
		return b
	}
	b := make([]byte, size)
	return &b
}

// Exchange is one request and its response. Begin comes first, once, and End last. An Exchange
// belongs to the goroutine that net/http gave the request; its methods must not be called
// concurrently.
type Exchange struct {
	config  *Config
	w       http.ResponseWriter
	r       *http.Request
	control http.ResponseController
	conn    Conn  // nil if it is unknown
	body    *Body // &own, or nil if the request has none
	own     Body

	line *timeline.Trace
	head head // of the response

	committed bool  // the head was handed to net/http
	closing   bool  // the head says that the connection is closed after the response
	abort     bool  // the connection must be cut
	written   int64 // bytes of the response's body
}

// Begin takes on a request that net/http has given to a handler. From r it takes out what belongs
// to the connection.
func (x *Exchange) Begin(c *Config, w http.ResponseWriter, r *http.Request) {
	x.config, x.w, x.r, x.control = c, w, r, *http.NewResponseController(w)
	if c.Conn != nil {
		x.conn = c.Conn(r)
	}
	normalize(r)
	if r.Method == http.MethodConnect || x.conn != nil && x.conn.Last() {
		// After a response that grants a CONNECT, the client takes the connection for a tunnel:
		// what comes next are no requests (RFC 9110, section 9.3.6).
		x.close()
	}
	if r.Body == nil || r.Body == http.NoBody {
		return
	}
	// Without this net/http closes the request's body at the first byte of the response, and a
	// program that echoes would hang. It fails only on writers that are not net/http's, where there
	// is nothing to switch on.
	_ = x.control.EnableFullDuplex()
	x.body = &x.own
	x.body.ReadCloser = r.Body
	if r.ContentLength > 0 && !x.expects() {
		// Of a chunked body it is not known what is left, and Read invites those who wait for it.
		x.body.conn, x.body.length = x.conn, r.ContentLength
	}
	if r.Trailer == nil && r.ContentLength < 0 {
		// net/http puts trailers that were not announced into its own request: the map has to be
		// there before the request is copied.
		r.Trailer = http.Header{}
	}
	// A copy, because net/http looks at the type of the body that it made.
	copied := *r
	copied.Body = x.body
	x.r = &copied
}

// Request returns the request for the program: without the headers of the connection, never without
// a Host, and with a body that can be read while the response is written.
func (x *Exchange) Request() *http.Request { return x.r }

// Follow makes a timeline keep what goes over the exchange: what is read of the request's body, and
// what is written of the response's. It must be called before either begins.
func (x *Exchange) Follow(t *timeline.Trace) { x.line, x.own.line = t, t }

// Body returns the body of the request; nil if it has none.
func (x *Exchange) Body() *Body { return x.body }

// ReadRest reads what is left of the request's body, for wait at most, so that an observer of the
// body has all of it. It does nothing for a client that waits for 100 Continue.
func (x *Exchange) ReadRest(wait time.Duration) {
	if x.body == nil || x.body.Ended() || x.expects() {
		return
	}
	x.discard(wait, math.MaxInt64)
	_ = x.control.SetReadDeadline(time.Time{}) // it was set, or the writer has none
}

// Committed reports whether the head of a response has been handed to net/http. From then on a
// failure can only cut the connection.
func (x *Exchange) Committed() bool { return x.committed }

// Written returns how many bytes of the response's body have been handed to net/http.
func (x *Exchange) Written() int64 { return x.written }

// close makes the head say that the connection is closed after the response (RFC 9112, section
// 9.6). It does nothing in HTTP/2, where a connection has many requests.
func (x *Exchange) close() {
	if x.r.ProtoMajor != 1 {
		return
	}
	x.closing = true
	x.w.Header()["Connection"] = []string{"close"}
}

// Respond lets the caller write a response of its own, head and body, in place of Write. It may be
// called once, and not after Write has committed a head. It returns the error of write.
func (x *Exchange) Respond(write func(w http.ResponseWriter) error) error {
	x.settle()
	x.closeOlder(true)
	x.committed = true
	return write(x.w)
}

// CloseConnection closes the connection after the response, which is written while the handler of
// the request still runs; what the client sends is of no more use.
func (x *Exchange) CloseConnection() { x.close() }

// Flush sends what has been written.
func (x *Exchange) Flush() error { return x.control.Flush() }

// Abort makes End cut the connection.
func (x *Exchange) Abort() { x.abort = true }

// End leaves the rest to net/http, after it has read what the program left of the request's body so
// that the connection can be used again. If the response is not whole it panics with
// http.ErrAbortHandler, as net/http wants it, and the client notices.
func (x *Exchange) End() {
	if x.abort {
		x.cut()
	}
	if x.abort || !x.finishBody() {
		panic(http.ErrAbortHandler)
	}
}

// cut makes sure that the client notices that the response is not whole: before HTTP/1.1 the end of
// the connection is a regular end of the body, so the connection has to be reset.
func (x *Exchange) cut() {
	if x.r.ProtoAtLeast(1, 1) {
		return
	}
	if x.conn != nil {
		x.conn.Reset()
		return
	}
	c, _, err := x.control.Hijack()
	if err != nil {
		return // not a connection of net/http's
	}
	if l, ok := c.(interface{ SetLinger(seconds int) error }); ok {
		// If it cannot be set the connection is broken already.
		_ = l.SetLinger(0)
	}
	_ = c.Close()
}

// closeOlder announces the end of the connection to a client before HTTP/1.1, for which net/http
// does not. known says that the length of the body is in the head.
func (x *Exchange) closeOlder(known bool) {
	if !x.r.ProtoAtLeast(1, 1) && (x.r.Close || !known) {
		x.close()
	}
}

// expects reports whether the client waits for 100 Continue before it sends the request's body.
func (x *Exchange) expects() bool { return x.r.Header.Get("Expect") != "" }

// invite sends 100 Continue before the head of a response that is not complete: the program may be
// about to read the request's body, and a client that gets a final status first need not send it
// (RFC 9110, section 10.1.1).
func (x *Exchange) invite() {
	if !x.expects() || x.body == nil || x.closing || !x.r.ProtoAtLeast(1, 1) ||
		x.r.Context().Value(http.ServerContextKey) == nil || !x.body.ask() {
		return
	}
	header := x.w.Header()
	later := maps.Clone(header)
	clear(header) // for the head that follows
	x.w.WriteHeader(http.StatusContinue)
	maps.Copy(header, later)
}

// settle decides, before a head leaves whose response is already complete, whether the connection
// can be used again: it can if the request's body was read to its end, or soon is. If not, the head
// says so.
func (x *Exchange) settle() {
	if x.body == nil || x.closing || x.r.ProtoMajor != 1 || x.body.Ended() {
		return
	}
	if x.expects() || x.r.ContentLength-x.body.Count() > maxDiscard {
		x.close()
		return
	}
	switch x.discard(x.config.grace()/4, maxDiscard) {
	case discardEnded, discardUnknown:
	default:
		x.close()
	}
}

// maxDiscard is how many bytes of a request's body are read and thrown away so that the connection
// can be used again. It is what net/http reads.
const maxDiscard = 256 << 10

// The results of discard.
type discarded int

const (
	discardEnded   discarded = iota // the body is at its end
	discardFailed                   // it did not end in time, or it is broken
	discardMore                     // there is more
	discardUnknown                  // the writer is not net/http's
)

// discard reads the request's body for a while, limit bytes at most.
func (x *Exchange) discard(wait time.Duration, limit int64) discarded {
	if x.control.SetReadDeadline(time.Now().Add(wait)) != nil {
		return discardUnknown
	}
	switch _, err := io.CopyN(io.Discard, x.body, limit); err {
	case io.EOF:
		if x.control.SetReadDeadline(time.Time{}) != nil {
			return discardFailed
		}
		return discardEnded
	case nil:
		return discardMore
	}
	return discardFailed
}

// finishBody reads what the program left of the request's body, so that the connection can be used
// again. It reports whether net/http may end the response.
//
// net/http would read it after the handler, but in full-duplex mode it then takes the end of the
// body for the sign to watch the connection in the background, and panics when it reads the next
// request itself.
func (x *Exchange) finishBody() bool {
	if x.body == nil || x.body.Ended() || x.r.ProtoMajor != 1 {
		return true
	}
	if x.closing || x.expects() {
		// net/http closes the connection. A client that still sends may do so for a moment: if the
		// connection were closed on it now, it might never read the response.
		if x.conn != nil {
			x.conn.CloseAfterResponse()
			return true
		}
		_ = x.control.SetReadDeadline(time.Now().Add(x.config.grace()))
		return true
	}
	// The head has left without a word about the connection.
	if err := x.control.Flush(); err != nil {
		// A writer that cannot flush is not net/http's, which then has the body to itself.
		return errors.Is(err, http.ErrNotSupported)
	}
	switch x.discard(x.config.grace(), maxDiscard) {
	case discardEnded, discardUnknown:
		return true
	}
	if x.conn == nil {
		// Nor can it be said any more, but a client that still sends gets the time to read.
		x.discard(x.config.grace(), math.MaxInt64)
		return false
	}
	x.conn.CloseAfterResponse()
	return true
}

// reserved reports whether a response cannot set a header.
func (c *Config) reserved(name string) bool {
	return isConnectionHeader(name) || slices.Contains(c.Reserved, name)
}
