package serve

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/textproto"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/wasihttp/wasihttp/internal/exchange"
)

// plainWriter writes the response to a plain request as net/http does: a body that is short and
// ends before it is flushed has its length in the head, and any other without one has chunks.
type plainWriter struct {
	p      *plainConn
	cancel context.CancelCauseFunc // of the request
	start  time.Time               // when the request came

	header http.Header // used again
	taken  []exchange.Field
	head   []byte // what WriteHeader has made of it
	body   []byte // that waits for more
	out    net.Buffers
	vec    [6][]byte // of out
	flat   []byte    // out in one piece
	size   [20]byte  // line before a chunk

	isHead  bool // the request is a HEAD
	close   bool // the client wants the connection to end
	status  int  // 0 before WriteHeader
	length  int64
	written int64 // bytes of the body
	typed   bool  // the head has a type or cannot have one
	chunked bool
	sent    bool // the head has left
	last    bool // the connection ends with the response
	err     error
}

// maxHeld is how many bytes of a body wait for more, at most.
const maxHeld = 2 << 10

var lineEnd = []byte("\r\n")

func (w *plainWriter) begin(r *http.Request, cancel context.CancelCauseFunc, now time.Time) {
	clear(w.header)
	*w = plainWriter{
		p: w.p, cancel: cancel, start: now, header: w.header, head: w.head[:0], body: w.body[:0],
		flat: w.flat, isHead: r.Method == http.MethodHead, close: r.Close, length: -1,
	}
	if w.header == nil {
		w.header = http.Header{}
	}
}

// Header implements [http.ResponseWriter].
func (w *plainWriter) Header() http.Header { return w.header }

// TakeFields implements [exchange.FieldTaker].
func (w *plainWriter) TakeFields(fields []exchange.Field) { w.taken = fields }

// WriteHeader implements [http.ResponseWriter].
func (w *plainWriter) WriteHeader(status int) {
	if w.status != 0 || status < 200 {
		return
	}
	w.status = status
	w.head = append(w.head, "HTTP/1.1 "...)
	w.head = strconv.AppendInt(w.head, int64(status), 10)
	w.head = append(w.head, ' ')
	if text := http.StatusText(status); text != "" {
		w.head = append(w.head, text...)
	} else {
		w.head = strconv.AppendInt(append(w.head, "status code "...), int64(status), 10)
	}
	w.head = append(w.head, "\r\n"...)
	bodiless := !w.hasBody()
	var room [8]exchange.Field
	fields := append(room[:0], w.taken...)
	w.taken = nil
	for name, values := range w.header {
		fields = append(fields, exchange.Field{Name: name, Values: values})
	}
	sortFields(fields)
	w.typed = bodiless
	dated := false
	for _, f := range fields {
		name, values := f.Name, f.Values
		switch name {
		case "Content-Length":
			if bodiless || len(values) == 0 {
				continue
			}
			n, err := strconv.ParseUint(textproto.TrimString(values[0]), 10, 63)
			if err != nil {
				continue
			}
			w.length = int64(n)
		case "Content-Type":
			if w.typed = true; status == http.StatusNotModified {
				continue
			}
		case "Content-Encoding":
			w.typed = true
		case "Transfer-Encoding":
			continue // what comes is not encoded
		case "Connection":
			w.last = w.last || slices.ContainsFunc(values, isClose)
		case "Date":
			dated = true
		default:
			if strings.HasPrefix(name, http.TrailerPrefix) {
				w.chunked = true
				continue
			}
			if !plainName(name) {
				continue
			}
		}
		w.head = appendField(w.head, name, values)
	}
	if !dated {
		now := w.start
		if w.p.aged.Load() {
			now = time.Now()
		}
		w.head = appendDate(append(w.head, "Date: "...), now)
		w.head = append(w.head, "\r\n"...)
	}
	if (w.close || w.p.f.stopping.Load()) && !w.last {
		w.last = true
		w.head = append(w.head, "Connection: close\r\n"...)
	}
}

func isClose(value string) bool { return strings.EqualFold(textproto.TrimString(value), "close") }

// hasBody reports whether a response with the status can have a body, if the request is not a HEAD.
func (w *plainWriter) hasBody() bool {
	return w.status != http.StatusNoContent && w.status != http.StatusNotModified
}

// sortFields sorts fields by name. A head has few of them, nearly always.
func sortFields(fields []exchange.Field) {
	if len(fields) > 16 {
		slices.SortFunc(fields, func(a, b exchange.Field) int {
			return strings.Compare(a.Name, b.Name)
		})
		return
	}
	for i := 1; i < len(fields); i++ {
		for j := i; j > 0 && fields[j].Name < fields[j-1].Name; j-- {
			fields[j], fields[j-1] = fields[j-1], fields[j]
		}
	}
}

// appendField appends the lines of a field.
func appendField(b []byte, name string, values []string) []byte {
	for _, value := range values {
		b = append(append(b, name...), ": "...)
		at := len(b)
		b = append(b, textproto.TrimString(value)...)
		for i, c := range b[at:] {
			if c == '\r' || c == '\n' {
				b[at+i] = ' '
			}
		}
		b = append(b, "\r\n"...)
	}
	return b
}

// date is the current one as the head of a response has it.
type date struct {
	second int64
	text   string
}

var lastDate atomic.Pointer[date]

// appendDate appends the date (RFC 9110, section 6.6.1) that it is now.
func appendDate(b []byte, now time.Time) []byte {
	d := lastDate.Load()
	if d == nil || d.second != now.Unix() {
		d = &date{now.Unix(), now.UTC().Format(http.TimeFormat)}
		lastDate.Store(d)
	}
	return append(b, d.text...)
}

// Write implements [http.ResponseWriter].
func (w *plainWriter) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	if len(p) == 0 || w.err != nil {
		return 0, w.err
	}
	if !w.hasBody() {
		return 0, http.ErrBodyNotAllowed
	}
	if w.length >= 0 && w.written+int64(len(p)) > w.length {
		return 0, http.ErrContentLength
	}
	w.written += int64(len(p))
	if len(w.body)+len(p) <= maxHeld {
		w.body = append(w.body, p...)
		return len(p), nil
	}
	if err := w.send(p, false); err != nil {
		return 0, err
	}
	return len(p), nil
}

// WriteString implements [io.StringWriter].
func (w *plainWriter) WriteString(s string) (int, error) { return w.Write([]byte(s)) }

// Flush implements [http.Flusher].
func (w *plainWriter) Flush() { _ = w.FlushError() }

// FlushError is the method that an [http.ResponseController] looks for.
func (w *plainWriter) FlushError() error {
	w.WriteHeader(http.StatusOK)
	return w.send(nil, false)
}

// send writes the head, unless it has left, the part of the body that waits, and p behind it; with
// end, the end of the body, too.
func (w *plainWriter) send(p []byte, end bool) error {
	if w.err != nil {
		return w.err
	}
	first := w.body
	if len(first) == 0 {
		first, p = p, nil
	}
	w.out = w.vec[:0]
	if !w.sent {
		w.sent = true
		w.endHead(first, end)
		w.out = append(w.out, w.head)
	}
	size := len(first) + len(p)
	switch {
	case w.isHead:
	case w.chunked:
		if size > 0 {
			line := append(strconv.AppendUint(w.size[:0], uint64(size), 16), "\r\n"...)
			w.out = append(w.out, line, first, p, lineEnd)
		}
		if end {
			w.out = append(w.out, w.trailers())
		}
	case size > 0:
		w.out = append(w.out, first, p)
	}
	if err := w.write(end); err != nil {
		w.err = err
		w.cancel(nil)
	}
	clear(w.vec[:]) // the buffers of bodies are others' from now on
	w.body = w.body[:0]
	return w.err
}

// write writes out. What is short goes in one piece, which costs less than several; with end, that
// may leave later.
func (w *plainWriter) write(end bool) error {
	size := 0
	for _, b := range w.out {
		size += len(b)
	}
	if size == 0 {
		return nil
	}
	if size <= plainSize {
		w.flat = w.flat[:0]
		for _, b := range w.out {
			w.flat = append(w.flat, b...)
		}
		if end && w.more() && w.p.late.hold(w.flat) {
			return nil
		}
	}
	h := &w.p.c.half
	h.begin()
	defer h.writing.Unlock()
	if size > plainSize {
		_, err := w.out.WriteTo(w.p.c.Conn)
		return err
	}
	_, err := w.p.c.wire.Write(w.flat)
	return err
}

// endHead adds what depends on the body, which begins with first and ends there with end.
func (w *plainWriter) endHead(first []byte, end bool) {
	if !w.typed && len(first) > 0 {
		kind := http.DetectContentType(first)
		w.head = append(append(append(w.head, "Content-Type: "...), kind...), "\r\n"...)
	}
	switch {
	case w.length >= 0 || !w.hasBody():
		w.chunked = false
	case end && !w.chunked && (!w.isHead || len(first) > 0):
		w.head = strconv.AppendInt(append(w.head, "Content-Length: "...), int64(len(first)), 10)
		w.head = append(w.head, "\r\n"...)
	case w.isHead:
		w.chunked = false
	default:
		w.chunked = true
		w.head = append(w.head, "Transfer-Encoding: chunked\r\n"...)
	}
	w.head = append(w.head, "\r\n"...)
}

// trailers returns the end of a chunked body.
func (w *plainWriter) trailers() []byte {
	end := []byte("0\r\n")
	var names []string
	for name := range w.header {
		if strings.HasPrefix(name, http.TrailerPrefix) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		if short := name[len(http.TrailerPrefix):]; plainName(short) {
			end = appendField(end, short, w.header[name])
		}
	}
	return append(end, "\r\n"...)
}

// finish ends the response. It reports whether the connection can be used for another one.
func (w *plainWriter) finish() bool {
	w.WriteHeader(http.StatusOK)
	if w.send(nil, true) != nil {
		return false
	}
	return w.more()
}

// more reports whether the connection can be used again after the response, which has ended.
func (w *plainWriter) more() bool {
	short := w.length >= 0 && w.written < w.length && w.hasBody() && !w.isHead
	return !w.last && !short
}

var (
	_ http.Flusher        = (*plainWriter)(nil)
	_ io.StringWriter     = (*plainWriter)(nil)
	_ exchange.FieldTaker = (*plainWriter)(nil)
)
