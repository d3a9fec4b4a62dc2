package wasi

import (
	"io"
	"net/http"
	"strconv"
)

// Response is the HTTP response of a guest, which may still write the body.
type Response struct {
	// Status is 100 to 999 as the guest set it; a server has to refuse those that cannot end an
	// exchange.
	Status int
	// Header is frozen.
	Header *Fields
	// Body is never nil. The owner of the Response closes it.
	Body *BodyReader

	body *OutgoingBody
}

// Trailer returns the trailers, frozen, or nil; it is known once Body has returned io.EOF.
func (r *Response) Trailer() *Fields { return r.Body.Trailer() }

// Abort cuts a body that has not ended, with the reason that Body.Read then returns after what was
// written before. It reports whether the reader gets the reason: the body has not ended before, and
// its reader has not left. It may be called from any goroutine.
func (r *Response) Abort(cause error) (heard bool) { return r.body.Abort(cause) }

// BodyWatcher learns how a body goes on.
type BodyWatcher interface {
	// Progress is called once, on the guest's goroutine, without locks.
	Progress()
}

// Notify makes the body call w when the guest has written n bytes. It returns false, and w is not
// called, if it has already. The guest's goroutine calls it.
func (r *Response) Notify(w BodyWatcher, n int) bool {
	b := r.body
	if b.written >= uint64(n) {
		return false
	}
	b.watcher, b.watchAt = w, uint64(n)
	return true
}

// Stuck reports whether the body has not ended and only the guest could continue it. The guest's
// goroutine calls it.
func (r *Response) Stuck() bool {
	return !r.Body.Ended() && (r.body.without == nil || !r.body.without.WithoutGuest())
}

// Abandon ends a body that the guest has left unfinished for good: with ErrBodyDropped, so that its
// receiver does not take a part for the whole. A response with a status of 5xx ends as it is, as on
// other hosts: StarlingMonkey finishes none of those, and they say more than an error here would.
// The guest's goroutine calls it.
func (r *Response) Abandon() {
	if r.Status >= http.StatusInternalServerError {
		_ = r.body.Finish(nil) // the receiver hears of a size that is not the declared one
		return
	}
	r.Abort(ErrBodyDropped)
}

// HTTP returns the response for a server. Its Content-Type is present but nil if the guest set
// none, so that none is guessed; its Trailer is filled when Body returns io.EOF; Body is the
// BodyReader with its additional methods reachable through it. ContentLength is -1 if the guest
// neither declared a length nor has ended the body yet; or it has trailers, which need a body of no
// declared length. A length that is known stands in Header, too, as far as RFC 9110, 8.6, allows
// it.
func (r *Response) HTTP() *http.Response {
	made := &struct {
		http.Response
		httpBody
		length [1]string
		values [3]string
	}{Response: http.Response{
		Status: statusLine(r.Status), StatusCode: r.Status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		ContentLength: -1,
	}}
	h := r.Header.http(made.values[:])
	if r.Status == http.StatusNoContent {
		delete(h, "Content-Length")
	}
	if _, ok := h["Content-Type"]; !ok {
		h["Content-Type"] = nil
	}
	made.Header = h
	res := &made.Response
	n, ended := r.body.pipe.buffered()
	trailer := r.Body.Trailer()
	if length, ok := r.Header.ContentLength(); ok && length < 1<<63 {
		res.ContentLength = int64(length)
	} else if trailer == nil && (r.body.empty || ended && r.body.Finished()) {
		res.ContentLength = int64(n)
		if !r.body.mayBeEmpty { // what stands there would be the length of another response's body
			made.length[0] = strconv.Itoa(n)
			h["Content-Length"] = made.length[:]
		}
	}
	made.httpBody = httpBody{BodyReader: r.Body, res: res}
	res.Body = &made.httpBody
	return res
}

// statusLine returns a status with its text.
func statusLine(status int) string {
	if status == http.StatusOK {
		return "200 OK" // nearly always, and made anew for each response otherwise
	}
	return strconv.Itoa(status) + " " + http.StatusText(status)
}

// httpBody fills the trailers of its response.
type httpBody struct {
	*BodyReader
	res *http.Response
}

func (b *httpBody) Read(p []byte) (int, error) {
	n, err := b.BodyReader.Read(p)
	b.read(err)
	return n, err
}

// Next is the Next of the BodyReader.
func (b *httpBody) Next() ([]byte, error) {
	p, err := b.BodyReader.Next()
	b.read(err)
	return p, err
}

// read takes the error of a read.
func (b *httpBody) read(err error) {
	if err != io.EOF {
		return
	}
	if t := b.BodyReader.Trailer(); t != nil && b.res.Trailer == nil {
		b.res.Trailer = t.HTTP()
	}
}
