package serve

import (
	"crypto/tls"
	"log"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// listener remembers the connections on which nothing has arrived yet. Browsers
// open such connections in advance, and net/http waits five seconds for each of
// them when it drains.
type listener struct {
	net.Listener
	complain *log.Logger   // set before the first Accept; nil says nothing
	grace    time.Duration // for clients that send while their connection is closed; set likewise
	maxLine  int           // the longest request line, in bytes; set likewise
	stopping atomic.Bool   // requests that have only begun to arrive are not waited for
	hurry    atomic.Bool   // connections are closed without the grace
	mu       sync.Mutex
	unused   map[*conn]struct{}

	tls        *tls.Config // nil without TLS; set like complain
	complaints sync.Map    // reasons why there was no TLS, each of which is reported once
}

// wrapListener returns l as a listener.
func wrapListener(l net.Listener) *listener {
	if l, ok := l.(*listener); ok {
		return l
	}
	return &listener{Listener: l, unused: make(map[*conn]struct{})}
}

// Accept waits for the next connection.
func (l *listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	switch c.(type) {
	case *net.TCPConn, *net.UnixConn:
	default:
		if l.tls != nil {
			return tls.Server(c, l.tls), nil
		}
		return c, nil
	}
	wrapped := &conn{Conn: c, below: c, listener: l}
	if l.tls != nil {
		wrapped.Conn = tls.Server(c, l.tls)
	}
	wrapped.wire = newWire(wrapped.Conn)
	wrapped.framer.limit = l.maxLine
	l.mu.Lock()
	l.unused[wrapped] = struct{}{}
	l.mu.Unlock()
	return wrapped, nil
}

// closeUnused closes the connections on which no request has begun.
func (l *listener) closeUnused() {
	l.mu.Lock()
	unused := make([]*conn, 0, len(l.unused))
	for c := range l.unused {
		unused = append(unused, c)
	}
	l.mu.Unlock()
	for _, c := range unused {
		// Nothing was received on it, so no client waits for a response.
		_ = c.Close()
	}
}
