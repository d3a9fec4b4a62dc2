package serve

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"strings"
	"time"
)

// tlsHandshake is the first byte that a TLS client sends (RFC 8446, section
// 5.1). No request begins with it.
const tlsHandshake = 22

// protocolHTTP2 is the name of HTTP/2 over TLS (RFC 9113, section 3.2).
const protocolHTTP2 = "h2"

// withProtocols returns the configuration for a server that speaks HTTP/2 and HTTP/1.1.
func withProtocols(c *tls.Config) *tls.Config {
	c = c.Clone()
	c.NextProtos = []string{protocolHTTP2, "http/1.1"}
	return c
}

// refuseTLS responds to a client that expects TLS, so that client and user can distinguish this
// from a broken connection.
func (c *conn) refuseTLS() {
	if c.listener.complain != nil {
		c.listener.complain.Printf("%s tried https://, but this server speaks http://",
			c.RemoteAddr())
	}
	c.refuse("400 Bad Request", "this is http://, not https://")
}

// handshake agrees with the client on TLS, if the listener has that, within the time. It reports
// whether there is a connection to serve.
func (c *conn) handshake(within time.Duration) bool {
	t, ok := c.Conn.(*tls.Conn)
	if !ok {
		return true
	}
	if c.below.SetDeadline(time.Now().Add(within)) != nil {
		return false
	}
	if err := t.Handshake(); err != nil {
		c.explain(err)
		return false
	}
	if c.below.SetDeadline(time.Time{}) != nil {
		return false
	}
	state := t.ConnectionState()
	c.state = &state
	return true
}

// explain responds to a client that does not speak TLS, and says why another one failed unless it
// has just left.
func (c *conn) explain(err error) {
	var header tls.RecordHeaderError
	if errors.As(err, &header) && header.Conn != nil && isRequest(header.RecordHeader) {
		c.use()
		if c.listener.complain != nil {
			c.listener.complain.Printf("%s tried http://, but this server speaks https://",
				c.RemoteAddr())
		}
		writeRefusal(c.below, "400 Bad Request", "this is https://, not http://")
		c.over.Store(true) // closing waits until the client has read it
		return
	}
	var timeout net.Error
	if errors.Is(err, io.EOF) || errors.Is(err, net.ErrClosed) ||
		errors.As(err, &timeout) && timeout.Timeout() || c.listener.complain == nil {
		return
	}
	text := err.Error()
	if _, known := c.listener.complaints.LoadOrStore(text, true); known {
		return // browsers try again and again
	}
	if strings.HasPrefix(text, "remote error") && strings.Contains(text, "certificate") {
		text = "it does not trust the certificate (" + text + ")"
	}
	c.listener.complain.Printf("no TLS with %s: %s", c.RemoteAddr(), text)
}

// isRequest reports whether what should be the head of a TLS record begins an HTTP request.
func isRequest(head [5]byte) bool {
	for _, c := range head[:3] {
		if c < 'A' || c > 'Z' {
			return false
		}
	}
	return true
}
