package serve

import (
	"io"
	"net"
	"net/http"
	"net/textproto"
	"net/url"
	"strings"
	"sync"
)

// normalize puts right what net/http leaves to its users: headers of the
// connection are taken out (RFC 9110, section 7.6.1), a CONNECT in absolute form
// gets its host, and a request of HTTP/1.0 without a host gets the address it
// came to.
func normalize(r *http.Request) {
	for _, line := range r.Header["Connection"] {
		for name := range strings.SplitSeq(line, ",") {
			delete(r.Header, textproto.CanonicalMIMEHeaderKey(textproto.TrimString(name)))
		}
	}
	for _, name := range []string{"Connection", "Keep-Alive", "Proxy-Connection", "Upgrade"} {
		delete(r.Header, name)
	}
	if r.Method == http.MethodConnect && strings.Contains(r.RequestURI, "://") {
		// net/http takes the scheme for a host here.
		if u, err := url.Parse(r.RequestURI); err == nil && u.Host != "" {
			r.URL, r.Host = u, u.Host
		}
	}
	if r.Host == "" {
		if addr, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr); ok {
			r.Host = addr.String()
		}
	}
}

// maxSample is how much of a request's body is remembered for the page that
// explains a failure, in bytes.
const maxSample = 4 << 10

// requestBody is a request's body as the handler reads it: it knows whether its
// end was reached, and may remember its beginning. Its methods are safe for
// concurrent use as far as those of the body below are.
type requestBody struct {
	io.ReadCloser
	remember bool

	mu   sync.Mutex
	head []byte
	over bool // the body is longer than what is remembered
	end  bool // the body was read to its end
}

// Read reads from the body.
func (b *requestBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.remember {
		keep := min(n, maxSample-len(b.head))
		b.head = append(b.head, p[:keep]...)
		b.over = b.over || keep < n
	}
	b.end = b.end || err == io.EOF
	return n, err
}

// ended reports whether the body was read to its end.
func (b *requestBody) ended() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.end
}

// whole returns the body if all of it was read and is remembered.
func (b *requestBody) whole() ([]byte, bool) {
	if b == nil {
		return nil, false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.head, b.remember && b.end && !b.over
}
