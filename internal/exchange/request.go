package exchange

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/textproto"
	"net/url"
	"strings"
	"sync"

	"github.com/wasihttp/wasihttp/internal/timeline"
)

// normalize corrects what net/http leaves to its users: it removes the headers of the connection
// (RFC 9110, section 7.6.1) and the fragment of the target (section 7.1), sets the host of a
// CONNECT in absolute form, and sets the host of an HTTP/1.0 request without one to the address
// that the request came to.
func normalize(r *http.Request) {
	for _, line := range r.Header["Connection"] {
		for name := range strings.SplitSeq(line, ",") {
			delete(r.Header, textproto.CanonicalMIMEHeaderKey(textproto.TrimString(name)))
		}
	}
	for _, name := range []string{"Connection", "Keep-Alive", "Proxy-Connection", "Upgrade"} {
		delete(r.Header, name)
	}
	if at := strings.IndexByte(r.RequestURI, '#'); at >= 0 {
		// A fragment is the client's own business; some send it. To net/http it is part of the
		// path.
		if u, err := url.ParseRequestURI(r.RequestURI[:at]); err == nil {
			r.URL, r.RequestURI = u, r.RequestURI[:at]
		}
	}
	if r.Method == http.MethodConnect && strings.Contains(r.RequestURI, "://") {
		// net/http takes the scheme for a host here.
		if u, err := url.Parse(r.RequestURI); err == nil && u.Host != "" {
			r.URL, r.Host = u, u.Host
		}
	}
	if r.Host == "" {
		if addr, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr); ok {
			r.Host = hostOf(addr)
		}
	}
}

// hostOf returns an address as a host. A socket of the file system has none.
func hostOf(addr net.Addr) string {
	if addr.Network() == "unix" {
		return "localhost"
	}
	return addr.String()
}

// Body is the body of a request that knows how far it was read. Its methods are safe for concurrent
// use as far as those of the body below are.
type Body struct {
	io.ReadCloser
	// Observe takes what each Read returns, and whether that was the end; nil takes nothing. It
	// must be set before the first Read, and must not keep p. Calls do not overlap.
	Observe func(p []byte, end bool)

	line   *timeline.Trace
	conn   Conn  // for AwaitReadable; nil if that cannot tell
	length int64 // with conn

	mu    sync.Mutex
	asked bool  // Read was called, at which net/http sends 100 Continue to a client that waits
	count int64 // bytes that were read
	end   bool  // it was read to its end
}

// Read reads from the body.
func (b *Body) Read(p []byte) (int, error) {
	b.ask()
	n, err := b.ReadCloser.Read(p)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.count += int64(n)
	b.end = b.end || err == io.EOF
	if b.Observe != nil {
		b.Observe(p[:n], b.end)
	}
	if b.line != nil {
		b.line.Write(timeline.RequestBody, p[:n])
		if b.end {
			b.line.Ended(timeline.RequestBody)
		}
	}
	return n, err
}

// AwaitReadable waits until Read returns at once, which it reports, or until the context ends,
// whose cause it then returns; after that, nobody but the server reads. It returns false and no
// error if it cannot tell.
func (b *Body) AwaitReadable(ctx context.Context) (bool, error) {
	if b.conn == nil {
		return false, nil
	}
	return b.conn.AwaitReadable(ctx, b.length-b.Count())
}

// ReadNow is Read of what has come, without a wait: no bytes and no error mean nothing yet. It does
// nothing if it cannot tell, which known says.
func (b *Body) ReadNow(p []byte) (n int, known bool, err error) {
	if b.conn == nil {
		return 0, false, nil
	}
	readable, known := b.conn.Readable(b.length - b.Count())
	if readable && known {
		n, err = b.Read(p)
	}
	return n, known, err
}

// ask records that the body is asked for, and reports whether it was not before.
func (b *Body) ask() (first bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	first, b.asked = !b.asked, true
	return first
}

// Ended reports whether the body was read to its end.
func (b *Body) Ended() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.end
}

// Count returns how many bytes were read.
func (b *Body) Count() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.count
}
