package wasi

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"math"
	"net"
	"net/http"
	"os"
	"strings"
	"time"
)

const (
	// DefaultTimeout stands for each timeout that a guest leaves open.
	DefaultTimeout = 600 * time.Second
	// DefaultResponseHeaderBytes is the default of Client.MaxHeaderBytes.
	DefaultResponseHeaderBytes = 1 << 20
)

// Client is an embedder's policy for outgoing HTTP requests. It must not change once in use and may
// be shared by many stores.
//
// Requests go out over HTTP/2 if a server offers that for https or H2C says so, and otherwise over
// HTTP/1.1, each on a connection of its own: no redirects, cookies, proxies, compression or added
// fields but those that frame the message.
type Client struct {
	// Allow decides on every request before anything is sent; authority is host:port, the port
	// always there. An error makes it HTTP-request-denied. nil allows all. It is called from any
	// goroutine.
	Allow func(authority string) error
	// Log is called for every request when the head of its response has come or it has failed; nil
	// for no log. It is called by any goroutine, before the guest gets the result: it should not
	// take long.
	Log func(Outbound)
	// TLS is the configuration for https; nil for the system's roots. It is cloned for each
	// connection.
	TLS *tls.Config
	// H2C reports whether the server at host:port is spoken to in HTTP/2 over http, which it has to
	// understand; nil for none. It is called from any goroutine.
	H2C func(address string) bool
	// Connect makes the connection for a request, for https with TLS done; nil for the network. It
	// also gets requests that Allow refuses. ctx ends with the guest's connect-timeout.
	Connect func(ctx context.Context, r Destination) (net.Conn, error)
	// Sender, unless nil, returns the id of the request that the guest works for. The guest's
	// goroutine calls it.
	Sender func() string
	// MaxHeaderBytes limits the head of a response, in bytes; 0 means DefaultResponseHeaderBytes.
	MaxHeaderBytes int
	// DefaultScheme is for requests that name none; "" means HTTPS.
	DefaultScheme string
}

// maxHeaderBytes returns the limit of the head of a response.
func (c *Client) maxHeaderBytes() int64 {
	if c.MaxHeaderBytes > 0 {
		return int64(c.MaxHeaderBytes)
	}
	return DefaultResponseHeaderBytes
}

// Destination is where a request goes, with the head of that request.
type Destination struct {
	// Sender is what Client.Sender returned when the guest sent the request.
	Sender string
	Method string
	Scheme string // "http" or "https"
	// Host is the authority without userinfo, and Address the same with a port in any case.
	Host, Address string
	// Target is path and query.
	Target string
	// Header may be kept.
	Header http.Header
	// Dial connects to the server over the network, with TLS for https, unless Client.Allow refuses
	// the request. A connection that speaks HTTP/2 can be replaced only by one that passes its
	// bytes on; see Observer.
	Dial func(ctx context.Context) (net.Conn, error)
	// After returns a channel that is closed when a time has passed for the guest, before which
	// there is to be no response, and a function to be called in the end in any case.
	After func(d time.Duration) (passed <-chan struct{}, stop func())
}

// Outbound describes an outgoing request that has ended.
type Outbound struct {
	// Sender is what Client.Sender returned when the guest sent the request.
	Sender      string
	Method, URL string
	// Status is that of the response, 0 if Err is set.
	Status int
	Err    *ErrorCode
	// Duration is the time until the head of the response, or the failure.
	Duration time.Duration
	// Userinfo reports whether the request's authority had a user name or a password, which are not
	// sent (RFC 9110, 4.2.4).
	Userinfo bool
}

// RequestOptions are a guest's timeouts for one request, in nanoseconds; nil means DefaultTimeout.
type RequestOptions struct {
	// Connect is for the connection and TLS.
	Connect *uint64
	// FirstByte is for the head of the response, from when the request begins to be sent.
	FirstByte *uint64
	// BetweenBytes is for any gap in the response's body while the guest wants bytes.
	BetweenBytes *uint64
}

// patience is how long the client waits for what a guest has set a timeout for.
func patience(ns *uint64) time.Duration { return max(timeout(ns), leastTimeout) }

// leastTimeout is the shortest timeout that is kept. What the system does without a wait, such as
// to connect to a server on the same machine, is in time for any timeout, 0 too, as in hosts that
// try before they look at the clock. On a busy machine even that takes a moment.
const leastTimeout = 20 * time.Millisecond

// timeout returns a guest's timeout as a duration; very long ones never come.
func timeout(ns *uint64) time.Duration {
	const forever = 100 * 365 * 24 * time.Hour
	switch {
	case ns == nil:
		return DefaultTimeout
	case *ns > uint64(forever):
		return forever
	}
	return time.Duration(*ns)
}

// timeoutError reports which of a guest's timeouts has passed, in place of the network's error.
type timeoutError struct {
	what string  // what did not come, and the name of the timeout
	ns   *uint64 // as the guest set it
	err  error
}

// Error names the timeout and its length.
func (e *timeoutError) Error() string {
	length := DefaultTimeout
	if e.ns != nil {
		length = time.Duration(min(*e.ns, math.MaxInt64))
	}
	return fmt.Sprintf("%s of %s", e.what, length)
}

// Unwrap returns the network's error.
func (e *timeoutError) Unwrap() error { return e.err }

// explain names the timeout in a code if that is why err came.
func (code *ErrorCode) explain(err error, what string, ns *uint64) *ErrorCode {
	if errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded) {
		code.Cause = &timeoutError{what, ns, err}
	}
	return code
}

// Send starts a request, which the exchange then owns. Only a request that could never be sent
// fails at once; everything else is the exchange's result. The exchange outlives ctx, whose values
// it keeps; it ends with the state.
func (s *State) Send(
	ctx context.Context,
	req *OutgoingRequest,
	opts RequestOptions,
) (*Exchange, *ErrorCode) {
	if code := req.check(s.cfg.Client); code != nil {
		req.Drop()
		return nil, code
	}
	e := newExchange(s, req, opts)
	var code *ErrorCode
	if e.frame, code = e.framing(); code != nil {
		req.Drop()
		return nil, code
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	e.cancel = cancel
	if s.world != nil {
		e.world = s.world.begin()
	}
	if !s.track(e) || !s.goWork(func() { e.run(ctx) }) {
		e.Close()
		if e.world != nil {
			e.world.end(func() bool { return false })
		}
		return nil, NewErrorCode(ConnectionTerminated, nil)
	}
	return e, nil
}

// check finds what is wrong with a request regardless of the network.
func (r *OutgoingRequest) check(c *Client) *ErrorCode {
	if r.Scheme == "" {
		r.Scheme = "HTTPS"
		if c != nil && c.DefaultScheme != "" {
			r.Scheme = CanonicalScheme(c.DefaultScheme)
		}
	}
	switch {
	case r.Scheme != "HTTP" && r.Scheme != "HTTPS":
		return NewErrorCode(HTTPProtocolError, nil)
	case !validToken(r.Method):
		return NewErrorCode(HTTPRequestMethodInvalid, nil)
	case r.Authority == "", r.PathWithQuery == "" && r.Method != "CONNECT":
		return NewErrorCode(HTTPRequestURIInvalid, nil)
	}
	return nil
}

// Drop drops a request that was not sent.
func (r *OutgoingRequest) Drop() {
	if r.body != nil {
		r.body.pipe.closeRead()
	}
}

// host returns the authority without userinfo, as it stands in Host.
func (r *OutgoingRequest) host() string {
	return r.Authority[strings.LastIndexByte(r.Authority, '@')+1:]
}

// address returns the host's name and the address to connect to.
func (r *OutgoingRequest) address() (name, address string) {
	host, port := r.host(), ""
	if i := strings.LastIndexByte(host, ':'); i >= 0 && !strings.HasSuffix(host, "]") {
		host, port = host[:i], host[i+1:]
	}
	if port == "" {
		port = "80"
		if r.Scheme == "HTTPS" {
			port = "443"
		}
	}
	name = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	return name, net.JoinHostPort(name, port)
}

// target returns what goes into the request line (RFC 9112, 3.2.1).
func (r *OutgoingRequest) target() string {
	if strings.HasPrefix(r.PathWithQuery, "/") || r.PathWithQuery == "*" && r.Method == "OPTIONS" {
		return r.PathWithQuery
	}
	return "/" + r.PathWithQuery
}

func (r *OutgoingRequest) url() string {
	return strings.ToLower(r.Scheme) + "://" + r.host() + r.target()
}
