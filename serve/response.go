package serve

import (
	"net/http"
	"net/textproto"
	"strconv"
)

// isConnectionHeader reports whether a header belongs to one connection and is
// net/http's to write (RFC 9110, section 7.6.1). name is in canonical form.
func isConnectionHeader(name string) bool {
	switch name {
	case "Connection", "Keep-Alive", "Proxy-Connection", "Transfer-Encoding", "Trailer", "Upgrade":
		return true
	}
	return false
}

// bodyAllowed reports whether an answer can have a body (RFC 9110, sections
// 9.3.2 and 15).
func bodyAllowed(method string, status int) bool {
	return method != http.MethodHead && status != http.StatusNoContent && status != http.StatusNotModified
}

// declaredLength returns the length of the body that the head promises, or -1.
// A value that is no length is removed: net/http would refuse it later.
func declaredLength(h http.Header) int64 {
	value := h.Get("Content-Length")
	if value == "" {
		return -1
	}
	n, err := strconv.ParseInt(value, 10, 64)
	if err != nil || n < 0 {
		h.Del("Content-Length")
		return -1
	}
	return n
}

// minRead is the least room that is left for a Read, in bytes.
const minRead = 4 << 10

// commit hands the head to net/http, once. From then on a failure can only cut
// the connection.
func (x *exchange) commit(resp *http.Response) {
	if x.committed {
		return
	}
	x.committed = true
	header := x.w.Header()
	for name, values := range resp.Header {
		name = textproto.CanonicalMIMEHeaderKey(name)
		if isConnectionHeader(name) || len(values) == 0 || name == BuildHeader || name == StaleHeader {
			continue
		}
		header[name] = values
	}
	if _, set := header["Content-Type"]; !set {
		// Present but empty: net/http then does not guess one.
		header["Content-Type"] = nil
	}
	if resp.StatusCode == http.StatusNoContent {
		delete(header, "Content-Length")
	}
	x.w.WriteHeader(resp.StatusCode)
}

// write hands bytes of the body to net/http, after the head.
func (x *exchange) write(resp *http.Response, p []byte) error {
	x.commit(resp)
	if len(p) == 0 {
		return nil
	}
	n, err := x.w.Write(p)
	x.record.Bytes += int64(n)
	if err != nil {
		return errClient{err}
	}
	return nil
}

// flush sends p and all that was written before, the head at least.
func (x *exchange) flush(resp *http.Response, p []byte) error {
	if x.committed && len(p) == 0 {
		return nil
	}
	if err := x.write(resp, p); err != nil {
		return err
	}
	if err := x.control.Flush(); err != nil {
		return errClient{err}
	}
	return nil
}

// ending completes the head or sets the trailers of an answer whose body has
// ended, with got bytes, but is not yet written to its end. Trailers need a
// chunked body: one with a declared length has no room for them.
func (x *exchange) ending(resp *http.Response, declared, got int64) {
	if declared >= 0 {
		return
	}
	header := x.w.Header()
	trailers := false
	for name, values := range resp.Trailer {
		name = textproto.CanonicalMIMEHeaderKey(name)
		if isConnectionHeader(name) || name == "Content-Length" || len(values) == 0 {
			continue
		}
		header[http.TrailerPrefix+name] = values
		trailers = true
	}
	if !x.committed && !trailers {
		header["Content-Length"] = []string{strconv.FormatInt(got, 10)}
	}
}
