package wasi

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"strings"
	"time"
)

// connect connects to the server within the connect timeout. refused is the reason why the policy
// does not allow that.
func (e *Exchange) connect(
	ctx context.Context,
	c *Client,
	name, address string,
	refused error,
) (net.Conn, *ErrorCode) {
	ctx, cancel := context.WithTimeout(ctx, patience(e.opts.Connect))
	defer cancel()
	dial := func(ctx context.Context) (net.Conn, error) {
		if refused != nil {
			return nil, NewErrorCode(HTTPRequestDenied, refused)
		}
		if e.world != nil && !e.live.Swap(true) {
			e.world.goLive()
		}
		return e.dial(ctx, c, name, address)
	}
	var conn net.Conn
	var err error
	if c.Connect == nil {
		conn, err = dial(ctx)
	} else {
		conn, err = c.Connect(ctx, Destination{
			Sender: e.sender, Method: e.req.Method, Scheme: strings.ToLower(e.req.Scheme),
			Host: e.req.host(), Address: address, Target: e.req.target(),
			Header: e.req.header.HTTP(), Dial: dial, After: e.after,
		})
	}
	if err != nil {
		const late = "no connection within the connect-timeout"
		return nil, dialError(ctx, err).explain(ctx.Err(), late, e.opts.Connect)
	}
	return conn, nil
}

// waited returns the time until the head of the response, or until the exchange failed. A
// connection that is recorded knows it better.
func (e *Exchange) waited(code *ErrorCode) time.Duration {
	if code != nil && code.Case == ConnectionReadTimeout {
		return timeout(e.opts.FirstByte)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if w, ok := e.conn.(waiter); ok {
		return w.Waited()
	}
	var w waiter
	if code != nil && errors.As(code.Cause, &w) {
		return w.Waited()
	}
	return time.Since(e.start)
}

// waiter is a connection, or an error of one, that knows how long the exchange waited.
type waiter interface{ Waited() time.Duration }

// after returns a channel that is closed when d has passed in the guest's time, and a function that
// ends the wait. It waits no longer than the guest waits for the head of a response.
func (e *Exchange) after(d time.Duration) (<-chan struct{}, func()) {
	if e.world == nil {
		passed := make(chan struct{})
		timer := time.AfterFunc(d, func() { close(passed) })
		return passed, func() { timer.Stop() }
	}
	if limit := timeout(e.opts.FirstByte); d > limit {
		e.late.Store(true)
		d = limit
	}
	return e.world.after(d)
}

// dial connects and, for https, performs the TLS handshake, whose error is an *ErrorCode.
func (e *Exchange) dial(ctx context.Context, c *Client, name, address string) (net.Conn, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	if e.req.Scheme != "HTTPS" {
		e.http2.Store(c.H2C != nil && c.H2C(address))
		return conn, nil
	}
	cfg := &tls.Config{}
	if c.TLS != nil {
		cfg = c.TLS.Clone()
	}
	if cfg.ServerName == "" {
		cfg.ServerName = name
	}
	cfg.NextProtos = []string{protocolHTTP2, "http/1.1"}
	t := tls.Client(conn, cfg)
	if err := t.HandshakeContext(ctx); err != nil {
		conn.Close()
		return nil, tlsError(ctx, err)
	}
	e.http2.Store(t.ConnectionState().NegotiatedProtocol == protocolHTTP2)
	return t, nil
}
