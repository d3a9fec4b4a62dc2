package serve

import (
	"bytes"
	"compress/gzip"
	"html"
	"io"
	"mime"
	"net/http"
	"strings"

	"github.com/wasihttp/wasihttp/internal/exchange"
)

// wantsPage reports whether the browser may show the response as a page.
// Responses to scripts stay as they are, as far as browsers say which those are
// (Fetch Metadata, which browsers send only to this machine).
func wantsPage(r *http.Request) bool {
	switch r.Header.Get("Sec-Fetch-Dest") {
	case "document", "iframe", "frame":
		return true
	case "":
		return !strings.HasPrefix(r.UserAgent(), "Mozilla/") ||
			negotiate(r.Header.Values("Accept")) == formatHTML
	}
	return false
}

// makeLive puts the script into a response that is a page. It leaves responses
// unchanged that it does not understand: encodings other than gzip, charsets
// that do not extend ASCII, and parts of pages.
func (q *request) makeLive(g *generation, resp *http.Response) {
	if !wantsPage(q.r) || resp.StatusCode == http.StatusPartialContent || !isPage(resp.Header) {
		return
	}
	h := make(http.Header, len(resp.Header))
	for name, values := range resp.Header {
		h[http.CanonicalHeaderKey(name)] = values
	}
	zipped := false
	switch strings.ToLower(strings.TrimSpace(strings.Join(h["Content-Encoding"], ","))) {
	case "", "identity":
	case "gzip", "x-gzip":
		zipped = true
	default:
		return
	}
	// Length and checksums no longer hold; a validator still distinguishes
	// versions of the page, but not byte by byte (RFC 9110, section 8.8.1).
	for _, name := range []string{
		"Content-Length", "Content-Md5", "Content-Digest", "Repr-Digest", "Digest", "Accept-Ranges",
	} {
		delete(h, name)
	}
	if tag := h.Get("Etag"); tag != "" && !strings.HasPrefix(tag, "W/") {
		h.Set("Etag", "W/"+tag)
	}
	resp.Header = h
	if !exchange.BodyAllowed(q.r.Method, resp.StatusCode) {
		return
	}
	body := resp.Body
	if zipped {
		delete(h, "Content-Encoding")
		body = &unzipped{body: resp.Body}
	}
	script := `<script src="` + html.EscapeString(scriptURL(g.page)) + `" async></script>`
	resp.Body = &livePage{body: body, script: script}
}

// isPage reports whether the headers are those of HTML in a charset that has
// ASCII's bytes.
func isPage(h http.Header) bool {
	value := ""
	for name, values := range h {
		if strings.EqualFold(name, "Content-Type") && len(values) == 1 {
			value = values[0]
		}
	}
	media, params, err := mime.ParseMediaType(value)
	return err == nil && media == "text/html" &&
		!strings.HasPrefix(strings.ToLower(params["charset"]), "utf-16")
}

// livePage is a page with the script right after the document type: there the
// script takes effect before the rest of the page has arrived, does not change
// how the page is shown, and precedes a policy in the page itself. livePage
// holds back only as much of the page as it needs to find that place.
type livePage struct {
	body   io.ReadCloser
	script string
	held   []byte // of the page, from its beginning
	out    []byte // to be given
	placed bool
	err    error // what the body ended with, once held back
}

// maxPreamble is how far the end of the document type is looked for, in bytes.
const maxPreamble = 4 << 10

// Read reads the page.
func (p *livePage) Read(b []byte) (int, error) {
	for !p.placed {
		n, err := p.body.Read(b)
		p.held = append(p.held, b[:n]...)
		at, known := scriptPlace(p.held)
		if !known && err == nil && len(p.held) < maxPreamble {
			continue
		}
		p.placed, p.err = true, err
		switch {
		case err != nil && err != io.EOF, at < 0, !known && err == nil:
			p.out = p.held
		default:
			p.out = append(append(append([]byte{}, p.held[:at]...), p.script...), p.held[at:]...)
		}
	}
	if len(p.out) > 0 {
		n := copy(b, p.out)
		p.out = p.out[n:]
		return n, nil
	}
	if p.err != nil {
		return 0, p.err
	}
	return p.body.Read(b)
}

// Ready is Readier's.
func (p *livePage) Ready() bool {
	if len(p.out) > 0 || p.err != nil {
		return true
	}
	return exchange.Ready(p.body)
}

// Close closes the response's body.
func (p *livePage) Close() error { return p.body.Close() }

// scriptPlace finds where the script goes in a page that begins with head: after
// byte order mark, white space, comments and the document type. If the rest of
// the page may move that place, known is false and at is the place if there is no
// rest. at is -1 if the page must stay unchanged.
func scriptPlace(head []byte) (at int, known bool) {
	if bytes.HasPrefix(head, []byte{0xfe, 0xff}) || bytes.HasPrefix(head, []byte{0xff, 0xfe}) {
		return -1, true // UTF-16
	}
	mark := []byte("\ufeff")
	if len(head) < len(mark) && bytes.HasPrefix(mark, head) {
		return 0, false
	}
	rest := bytes.TrimPrefix(head, mark)
	for {
		rest = bytes.TrimLeft(rest, " \t\r\n\f")
		at = len(head) - len(rest)
		switch {
		case beginsWith(rest, "<!--"):
			if len(rest) < 4 {
				return at, false
			}
			end := bytes.Index(rest, []byte("-->"))
			if end < 0 {
				return at, false
			}
			rest = rest[end+3:]
		case beginsWith(rest, "<!doctype"):
			end := bytes.IndexByte(rest, '>')
			if end < 0 {
				return at, false
			}
			return at + end + 1, true
		default:
			return at, true
		}
	}
}

// beginsWith reports whether text begins with what, or might once there is more
// of it.
func beginsWith(text []byte, what string) bool {
	n := min(len(text), len(what))
	return strings.EqualFold(string(text[:n]), what[:n])
}

// unzipped is a body without its gzip encoding. Read returns what the
// compressor has flushed so far.
type unzipped struct {
	body   io.ReadCloser
	reader *gzip.Reader
}

// Read reads from the body.
func (u *unzipped) Read(p []byte) (int, error) {
	if u.reader == nil {
		reader, err := gzip.NewReader(u.body)
		if err == io.EOF {
			return 0, io.EOF // an empty body: compressors write nothing if they get nothing
		}
		if err != nil {
			return 0, unzipFailure(err)
		}
		u.reader = reader
	}
	n, err := u.reader.Read(p)
	if err != nil && err != io.EOF {
		err = unzipFailure(err)
	}
	return n, err
}

// unzipFailure returns the failure of a body that is not gzip although its head
// says so. It returns failures of the program unchanged.
func unzipFailure(err error) error {
	if err == gzip.ErrHeader || err == gzip.ErrChecksum || err == io.ErrUnexpectedEOF {
		return &Failure{
			Outcome: ErrorCode, ErrorCode: "HTTP-response-content-coding",
			Cause: "the body is not gzip, although its content-encoding says so",
		}
	}
	return err
}

// Close closes the response's body.
func (u *unzipped) Close() error { return u.body.Close() }
