package serve

import (
	"bytes"
	"context"
	"net/http"
	"net/textproto"
	"net/url"
	"strings"

	"github.com/wasihttp/wasihttp/internal/exchange"
)

// plainHead is the head of a plain request.
type plainHead struct {
	method, target, host string
	url                  *url.URL
	header               http.Header
	room                 *plainRoom
	close                bool // the client wants no other response on the connection
}

// plainRoom is what a plain request is made of, allocated at once.
type plainRoom struct {
	request http.Request
	url     url.URL
	ctx     exchange.Context
	values  [6]string
}

// parsePlain returns the head of a request that is plain: GET or HEAD for a path, in HTTP/1.1, with
// one Host and no body, without most fields that concern the connection; it is all that is in p.
// Whatever is not beyond doubt is not plain: net/http decides about that. limit is that of the
// request line in bytes.
func parsePlain(p []byte, limit int) (h plainHead, ok bool) {
	if len(p) < len("GET / HTTP/1.1\r\n\r\n") || p[0] != 'G' && p[0] != 'H' ||
		bytes.Index(p, []byte("\r\n\r\n")) != len(p)-len("\r\n\r\n") {
		return h, false
	}
	text := string(p[:len(p)-len("\r\n")])
	line, text, _ := strings.Cut(text, "\r\n")
	switch {
	case len(line) > limit:
		return h, false
	case strings.HasPrefix(line, "GET /"):
		h.method, line = http.MethodGet, line[len("GET "):]
	case strings.HasPrefix(line, "HEAD /"):
		h.method, line = http.MethodHead, line[len("HEAD "):]
	default:
		return h, false
	}
	if h.target, ok = strings.CutSuffix(line, " HTTP/1.1"); !ok || !h.parseTarget() {
		return h, false
	}
	h.header = make(http.Header, 8)
	values := h.room.values[:] // one array for all fields
	if n := strings.Count(text, "\n"); n > len(values) {
		values = make([]string, n)
	}
	for text != "" {
		line, text, _ = strings.Cut(text, "\r\n")
		name, value, ok := strings.Cut(line, ":")
		if !ok || !plainName(name) || !plainValue(value) {
			return h, false
		}
		value = textproto.TrimString(value)
		switch name = exchange.CanonicalName(name); name {
		case "Host":
			if h.host != "" || value == "" || !validHost(value) {
				return h, false
			}
			h.host = value
			continue
		case "Connection":
			if h.close = isClose(value); !h.close && !strings.EqualFold(value, "keep-alive") {
				return h, false
			}
		case "Content-Length", "Transfer-Encoding", "Trailer", "Expect", "Upgrade",
			"Pragma", // to net/http it may be a Cache-Control, too
			"Http2-Settings":
			return h, false
		}
		if all, repeated := h.header[name]; repeated {
			h.header[name] = append(all, value)
			continue
		}
		values[0] = value
		h.header[name], values = values[:1:1], values[1:]
	}
	return h, h.host != ""
}

// parseTarget sets the URL. It reports whether the target is plain.
func (h *plainHead) parseTarget() bool {
	h.room = &plainRoom{}
	path, query, marked := strings.Cut(h.target, "?")
	if !pathBytes.has(path) || marked && query == "" {
		return h.parseURL()
	}
	for i := range len(query) {
		if c := query[i]; c <= ' ' || c >= 0x7f || c == '#' {
			return h.parseURL()
		}
	}
	h.url = &h.room.url
	h.url.Path, h.url.RawQuery = path, query
	return true
}

// parseURL is parseTarget for any target.
func (h *plainHead) parseURL() bool {
	if strings.ContainsAny(h.target, " #") {
		return false
	}
	u, err := url.ParseRequestURI(h.target)
	h.url = u
	return err == nil
}

const alphanumeric = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// byteSet says for each byte whether it is in a set.
type byteSet [256]bool

func bytesOf(all string) (s byteSet) {
	for i := range len(all) {
		s[all[i]] = true
	}
	return s
}

// has reports whether the set has all bytes of a text.
func (s *byteSet) has(text string) bool {
	for i := range len(text) {
		if !s[text[i]] {
			return false
		}
	}
	return true
}

var (
	tokenBytes = bytesOf(alphanumeric + "!#$%&'*+-.^_`|~")  // RFC 9110, section 5.6.2
	hostBytes  = bytesOf(alphanumeric + "-._~!$&'()*+,;=%") // RFC 3986, section 3.2.2
	pathBytes  = bytesOf(alphanumeric + "/-._~")            // what stands for itself in a path
)

// plainName reports whether the name of a field is a token.
func plainName(name string) bool { return name != "" && tokenBytes.has(name) }

// plainValue reports whether the value of a field has no control characters but tabs (RFC 9110,
// section 5.5).
func plainValue(value string) bool {
	for i := range len(value) {
		if c := value[i]; c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}

// request returns the request as net/http makes it.
func (h *plainHead) request(ctx context.Context, remote string) *http.Request {
	r := &h.room.request
	*r = *r.WithContext(ctx) // a copy that is not kept
	r.Method, r.URL, r.RequestURI, r.Host = h.method, h.url, h.target, h.host
	r.Proto, r.ProtoMajor, r.ProtoMinor = "HTTP/1.1", 1, 1
	r.Header, r.Body, r.RemoteAddr, r.Close = h.header, http.NoBody, remote, h.close
	return r
}
