package upstream

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/wasihttp/wasihttp/internal/fixture"
	"github.com/wasihttp/wasihttp/internal/fixture/coding"
	"github.com/wasihttp/wasihttp/internal/fixture/hurl"
)

// server responds to one request over one connection.
type server struct {
	view       *View
	conn       net.Conn
	request    Request
	candidates []int
	body       requestBody
	reset      atomic.Bool // the connection ends as if the peer had reset it
}

// client is the guest's end of a connection.
type client struct {
	net.Conn
	server *server
}

// Read reads what the server sends.
func (c *client) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if errors.Is(err, io.EOF) && c.server.reset.Load() {
		err = networkError("read", syscall.ECONNRESET)
	}
	return n, err
}

// SetReadDeadline sets the deadline. A connection that the server has closed is read to its end.
func (c *client) SetReadDeadline(t time.Time) error {
	if err := c.Conn.SetReadDeadline(t); err != nil && !errors.Is(err, io.ErrClosedPipe) {
		return err
	}
	return nil
}

// SetDeadline sets the deadline, as SetReadDeadline does.
func (c *client) SetDeadline(t time.Time) error {
	if err := c.Conn.SetDeadline(t); err != nil && !errors.Is(err, io.ErrClosedPipe) {
		return err
	}
	return nil
}

// decided reports whether the heads alone determine the exchange.
func (s *server) decided() bool {
	first := &s.view.exchanges[s.candidates[0]].Want
	return !slices.ContainsFunc(s.candidates, func(i int) bool {
		w := &s.view.exchanges[i].Want
		return w.HasBody != first.HasBody || w.JSON != first.JSON ||
			!bytes.Equal(w.Body, first.Body)
	})
}

// serve reads the request and responds.
func (s *server) serve() {
	in := bufio.NewReader(s.conn)
	request, err := http.ReadRequest(in)
	if err != nil { // the guest has given up
		s.conn.Close()
		return
	}
	s.body = requestBody{ended: make(chan struct{}), gone: make(chan struct{})}
	var reading sync.WaitGroup
	reading.Go(func() { s.body.read(request.Body, in) })
	s.exchange()
	s.conn.Close()
	reading.Wait()
}

// exchange responds to the request whose body is being read.
func (s *server) exchange() {
	if s.decided() {
		x := &s.view.exchanges[s.candidates[0]]
		// A guest may have all of the response, and be gone, before its last bytes are read.
		if s.respond(x); x.Fail == "" {
			<-s.body.ended
		}
		if x.Want.HasBody && !(s.body.complete() && x.Want.sameBody(s.body.data.Bytes())) {
			s.view.miss(s.bodyMiss(x))
		}
		return
	}
	<-s.body.ended
	for _, i := range s.candidates {
		x := &s.view.exchanges[i]
		if s.body.complete() && x.Want.sameBody(s.body.data.Bytes()) && s.view.take(i) {
			s.respond(x)
			return
		}
	}
	s.view.miss(s.bodyMiss(&s.view.exchanges[s.candidates[0]]))
	s.reset.Store(true)
}

// bodyMiss describes a body that matches none of the candidates, of which x is the first.
func (s *server) bodyMiss(x *Exchange) Miss {
	m := Miss{Request: s.request.String(), Nearest: x.Place}
	switch {
	case s.body.complete():
		m.Differences = []string{fmt.Sprintf("body: expected %s, got %s", excerpt(x.Want.Body),
			excerpt(s.body.data.Bytes()))}
	case s.decided():
		m.Differences = []string{"body: the guest did not send all of it"}
	default:
		m.Differences = []string{"body: only bodies tell the recorded requests apart, but the " +
			"guest did not complete its body before it wanted the response"}
	}
	return m
}

// excerpt quotes the beginning of a body.
func excerpt(body []byte) string {
	const longest = 200
	if len(body) <= longest {
		return strconv.Quote(string(body))
	}
	return fmt.Sprintf("%q… (%d bytes)", body[:longest], len(body))
}

// requestBody is the body that the guest has sent.
type requestBody struct {
	ended chan struct{} // closed at the end of the body
	gone  chan struct{} // closed when the guest has closed the connection
	data  bytes.Buffer  // may be read once ended is closed
	err   error
}

// read reads the body, and then waits for the end of the connection.
func (b *requestBody) read(body, conn io.Reader) {
	_, b.err = b.data.ReadFrom(body)
	close(b.ended)
	// An error means that the connection has ended.
	_, _ = io.Copy(io.Discard, conn)
	close(b.gone)
}

// complete reports whether the whole body has arrived.
func (b *requestBody) complete() bool {
	select {
	case <-b.ended:
		return b.err == nil
	default:
		return false
	}
}

// respond sends a response, and reports whether the guest received all of it.
func (s *server) respond(x *Exchange) bool {
	if !s.wait(x.Delay) {
		return false
	}
	if x.Fail == hurl.FailReset {
		s.reset.Store(true)
		return true
	}
	head, body := x.message(s.request.Method)
	if x.Drip > 0 {
		_, err := s.conn.Write(head)
		return err == nil && s.drip(body, x.Pieces, x.Drip)
	}
	rest := append(head, body...)
	if x.Want.HasBody {
		// A guest that has all of a response may end before its own body has left, which would then
		// be another one now and then.
		last := len(rest) - 1
		if _, err := s.conn.Write(rest[:last]); err != nil {
			return false
		}
		s.awaitBody()
		rest = rest[last:]
	}
	_, err := s.conn.Write(rest)
	return err == nil
}

// patience is how long the end of a response waits for the end of a body that is to be compared. A
// guest may end its body after the response.
const patience = time.Second

// awaitBody waits until the guest has sent its body, has gone, or has taken its time.
func (s *server) awaitBody() {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-s.body.ended:
	case <-timer.C:
	}
}

// drip sends a body in pieces, each some time after the one before.
func (s *server) drip(body []byte, pieces int, pause time.Duration) bool {
	size := max(1, (len(body)+pieces-1)/pieces)
	for len(body) > 0 {
		if !s.wait(pause) {
			return false
		}
		n := min(size, len(body))
		if _, err := s.conn.Write(body[:n]); err != nil {
			return false
		}
		body = body[n:]
	}
	return true
}

// wait waits for a time, and reports whether the guest has kept the connection open.
func (s *server) wait(d time.Duration) bool {
	if d == 0 {
		return true
	}
	passed, stop := s.request.After(d)
	defer stop()
	select {
	case <-passed:
		return true
	case <-s.body.gone:
		return false
	}
}

// message returns the response as it is sent (RFC 9112).
func (x *Exchange) message(method string) (head, body []byte) {
	var b bytes.Buffer
	fmt.Fprintf(&b, "HTTP/1.1 %d %s\r\n", x.Status, http.StatusText(x.Status))
	none := method == http.MethodHead || x.Status < 200 || x.Status == http.StatusNoContent ||
		x.Status == http.StatusNotModified
	body = x.encoded()
	for _, h := range x.Headers {
		switch strings.ToLower(h.Name) {
		case "connection", "keep-alive", "transfer-encoding", "trailer":
			continue
		case "content-length":
			if !none {
				continue
			}
		}
		writeField(&b, h)
	}
	b.WriteString("Connection: close\r\n")
	if none {
		b.WriteString("\r\n")
		return b.Bytes(), nil
	}
	sent := body
	if x.Fail == hurl.FailCut {
		sent = body[:min(x.FailN, len(body))]
		if len(sent) == len(body) { // there would be more
			body = append(body[:len(body):len(body)], 0)
		}
	}
	if len(x.Trailers) == 0 {
		b.WriteString("Content-Length: " + strconv.Itoa(len(body)) + "\r\n\r\n")
		return b.Bytes(), sent
	}
	b.WriteString("Transfer-Encoding: chunked\r\n")
	for _, t := range x.Trailers {
		writeField(&b, fixture.Field{Name: "Trailer", Value: t.Name})
	}
	b.WriteString("\r\n")
	return b.Bytes(), chunked(body, sent, x.Trailers)
}

// chunked returns a body as one chunk with trailers. sent is the part of the body that is sent: a
// beginning, or all of it.
func chunked(body, sent []byte, trailers fixture.Fields) []byte {
	var b bytes.Buffer
	if len(body) > 0 {
		fmt.Fprintf(&b, "%x\r\n%s", len(body), sent)
		if len(sent) < len(body) {
			return b.Bytes()
		}
		b.WriteString("\r\n")
	}
	b.WriteString("0\r\n")
	for _, t := range trailers {
		writeField(&b, t)
	}
	b.WriteString("\r\n")
	return b.Bytes()
}

// encoded returns the body with its content codings. A body with an unsupported coding was recorded
// as it was sent.
func (x *Exchange) encoded() []byte {
	var codings []string
	for _, h := range x.Headers {
		if strings.EqualFold(h.Name, "content-encoding") {
			codings = append(codings, h.Value)
		}
	}
	if body, ok := coding.Encode(x.Body, strings.Join(codings, ",")); ok {
		return body
	}
	return x.Body
}

func writeField(b *bytes.Buffer, f fixture.Field) {
	b.WriteString(f.Name + ": " + f.Value + "\r\n")
}
