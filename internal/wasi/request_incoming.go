package wasi

import (
	"context"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"unicode/utf8"

	"github.com/wasihttp/wasihttp/internal/timeline"
)

// Request is an HTTP request for a guest.
type Request struct {
	// Method is a token, in its own case.
	Method string
	// Scheme is "HTTP", "HTTPS", another one in its own case, or "" if it is not known.
	Scheme string
	// Authority is host and port as the client named them; "" if it is unknown.
	Authority string
	// PathWithQuery is the target's path and query exactly as they were sent; "" if the target
	// has none (CONNECT).
	PathWithQuery string
	// Header is frozen.
	Header *Fields
	// Body is nil for an empty body. One goroutine reads it; Close must make a blocked Read return.
	Body io.ReadCloser
	// Trailer returns the trailers, frozen, once Body has returned io.EOF; nil, or returning nil,
	// when there are none.
	Trailer func() *Fields
	// Timeline learns what becomes of the request; nil for nobody.
	Timeline *timeline.Trace
}

// Interrupter is an io.Reader whose blocked Read can be made to return with an error. An HTTP
// server whose bodies have it can end their reads before the handler has returned.
type Interrupter interface {
	// Interrupt makes Read return, now and forever. It may be called from any goroutine and does
	// not block.
	Interrupt()
}

// RequestFromHTTP returns what a guest sees of r, which may come from a server or have been made
// for one. The fields follow rules (nil for the defaults). The error is an *ErrorCode: the request
// has no authority, or its target is no text.
//
// Trailers that the client did not announce are found when r is the server's own, not a copy. A
// server's body blocks its goroutine in Read until the server's handler returns, unless it is an
// Interrupter.
func RequestFromHTTP(r *http.Request, rules *FieldRules) (*Request, error) {
	return new(RequestRoom).FromHTTP(r, rules)
}

// RequestRoom is room for a Request, as a part of something larger.
type RequestRoom struct {
	request Request
	header  Fields
}

// FromHTTP is RequestFromHTTP, but the Request is in the room, which must be zero.
func (m *RequestRoom) FromHTTP(r *http.Request, rules *FieldRules) (*Request, error) {
	q := &m.request
	q.Method, q.Scheme, q.Authority = r.Method, "HTTP", r.Host
	q.Header = m.header.fromHTTP(rules, incomingHeader(r))
	if q.Method == "" {
		q.Method = "GET"
	}
	if r.TLS != nil ||
		r.URL != nil && r.RequestURI == "" && strings.EqualFold(r.URL.Scheme, "https") {
		q.Scheme = "HTTPS"
	}
	target := r.RequestURI
	if target == "" && r.URL != nil {
		target = r.URL.RequestURI()
		if q.Authority == "" {
			q.Authority = r.URL.Host
		}
	}
	if !utf8.ValidString(target) || !validToken(q.Method) {
		return nil, NewErrorCode(HTTPRequestURIInvalid, nil)
	}
	q.target(target)
	if q.Authority == "" {
		if a, ok := r.Context().Value(http.LocalAddrContextKey).(interface{ String() string }); ok {
			q.Authority = a.String() // HTTP/1.0 without Host
		}
	}
	if !utf8.ValidString(q.Authority) || q.Authority == "" {
		return nil, NewErrorCode(HTTPRequestURIInvalid, nil)
	}
	if r.Body != nil && r.Body != http.NoBody {
		q.Body = requestBody(r)
		q.Trailer = func() *Fields { return FieldsFromHTTP(rules, r.Trailer) }
	}
	return q, nil
}

// target takes the request target apart (RFC 9112, 3.2).
func (q *Request) target(target string) {
	scheme, rest, absolute := strings.Cut(target, "://")
	switch {
	case strings.HasPrefix(target, "/") || target == "*":
		q.PathWithQuery = target
	case absolute && validScheme(scheme):
		q.Scheme = CanonicalScheme(scheme)
		end := strings.IndexAny(rest, "/?#")
		if end < 0 {
			end = len(rest)
		}
		q.Authority, q.PathWithQuery = rest[:end], rest[end:]
		if !strings.HasPrefix(q.PathWithQuery, "/") {
			q.PathWithQuery = "/" + q.PathWithQuery
		}
	case q.Method == http.MethodConnect:
		q.Authority = target
	default:
		q.PathWithQuery = target
	}
}

// incomingHeader returns the fields of r, those included that net/http keeps elsewhere.
func incomingHeader(r *http.Request) http.Header {
	_, has := r.Header["Content-Length"]
	length := r.ContentLength > 0 && !has
	if !length && len(r.Trailer) == 0 {
		return r.Header
	}
	h := r.Header.Clone()
	if h == nil {
		h = http.Header{}
	}
	if length {
		h.Set("Content-Length", strconv.FormatInt(r.ContentLength, 10))
	}
	if _, has := h["Trailer"]; !has {
		for name := range r.Trailer {
			h.Add("Trailer", strings.ToLower(name))
		}
	}
	return h
}

func requestBody(r *http.Request) io.ReadCloser {
	if i, ok := r.Body.(Interrupter); ok {
		return interruptBody{r.Body, i}
	}
	if r.Context().Value(http.ServerContextKey) != nil {
		return &serverBody{r: r.Body}
	}
	return r.Body
}

// interruptBody leaves closing to the server, which may want to read on.
type interruptBody struct {
	io.Reader
	i Interrupter
}

func (b interruptBody) Close() error {
	b.i.Interrupt()
	return nil
}

// serverBody leaves closing to the server: net/http's Close waits for a blocked Read. Once closed
// it returns no more bytes: the server may read the rest itself, and a guest that reads beside it
// would take the rest for the whole.
type serverBody struct {
	r      io.Reader
	closed atomic.Bool
	now    sync.Mutex // held by ReadNow, so that it does not read what the server takes
}

func (b *serverBody) Read(p []byte) (int, error) {
	if b.closed.Load() {
		return 0, NewErrorCode(ConnectionTerminated, nil)
	}
	return b.r.Read(p)
}

func (b *serverBody) Close() error {
	b.now.Lock()
	defer b.now.Unlock()
	b.closed.Store(true)
	return nil
}

func (*serverBody) detached() {}

// AwaitReadable implements readable, if the server knows.
func (b *serverBody) AwaitReadable(ctx context.Context) (bool, error) {
	if r, ok := b.r.(readable); ok {
		return r.AwaitReadable(ctx)
	}
	return false, nil
}

// ReadNow implements promptReader, if the server knows.
func (b *serverBody) ReadNow(p []byte) (n int, known bool, err error) {
	r, ok := b.r.(promptReader)
	if !ok {
		return 0, false, nil
	}
	b.now.Lock()
	defer b.now.Unlock()
	if b.closed.Load() {
		n, err = b.Read(p)
		return n, true, err
	}
	return r.ReadNow(p)
}

// RequestBody returns the body of r for the guest of this state, which closes it.
func (s *State) RequestBody(r *Request) *IncomingBody {
	b := s.newIncomingBody(r.Body, r.Trailer, requestError)
	if s.cfg.Steady {
		b.fetchWhole()
	}
	return b
}
