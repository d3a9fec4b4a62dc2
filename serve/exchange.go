package serve

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"runtime/debug"
	"time"

	wire "github.com/wasihttp/wasihttp/internal/exchange"
)

// exchange is one request on its way through the server. Everything in it
// belongs to the goroutine that net/http gave the request, except while that
// goroutine is inside Handle: then the watchdog may claim it.
type exchange struct {
	server  *Server
	w       http.ResponseWriter
	r       *http.Request
	control http.ResponseController
	body    *requestBody // nil if the request has none, or was not taken on
	dog     watchdog

	committed bool // the head was handed to net/http
	abort     bool // the connection must be cut
	// answeredLate says that the watchdog gave the answer and the connection
	// will be closed.
	answeredLate bool
	record       Record
}

// run serves the request and logs it.
func (x *exchange) run() {
	ctx, cancel := context.WithCancelCause(x.r.Context())
	defer cancel(nil)
	deadline := x.deadline()
	if !x.server.limit.enter(ctx, deadline) {
		x.server.mark(x.w.Header(), x.server.current.Load())
		x.fail(x.notEntered(ctx))
		x.log()
		return
	}
	defer x.server.limit.leave()
	g := x.server.acquire()
	defer g.release()
	x.server.mark(x.w.Header(), g)

	x.prepare()
	if !deadline.IsZero() {
		x.dog.arm(deadline.Add(x.server.options.Grace), func() { x.giveUp(g, cancel) })
	}
	resp, err := x.handle(wire.WithHeadDeadline(ctx, deadline), g)
	if !x.dog.disarm() {
		x.answeredLate = true
		if resp != nil {
			// The answer came too late for anybody to hear how its end went.
			_ = resp.Body.Close()
		}
		return
	}
	if err == nil {
		if x.server.live != nil {
			x.makeLive(g, resp)
		}
		err = x.answer(ctx, cancel, resp)
	}
	if err != nil {
		x.failIn(g, asFailure(ctx, err))
	}
	x.log()
}

// mark says in an answer's head which build gives it. It comes first, before
// anybody else can write to the head.
func (s *Server) mark(header http.Header, g *generation) {
	if g.header != nil {
		header[BuildHeader] = g.header
	}
	if stale := s.stale.Load(); stale != nil {
		header[StaleHeader] = *stale
	}
}

// deadline returns when the head has to be there; zero if there is no limit.
func (x *exchange) deadline() time.Time {
	if x.server.options.Timeout <= 0 {
		return time.Time{}
	}
	return x.record.Start.Add(x.server.options.Timeout)
}

// notEntered explains why there was no slot.
func (x *exchange) notEntered(ctx context.Context) *Failure {
	if ctx.Err() != nil {
		return asFailure(ctx, ctx.Err())
	}
	return &Failure{
		Outcome: Full,
		Cause:   fmt.Sprintf("%d requests are running and none ended within %s", x.server.options.MaxConcurrent, x.server.options.Timeout),
		Hint:    "raise --max-concurrent-requests, or find out what the running requests wait for",
	}
}

// prepare makes the request what Handler promises.
func (x *exchange) prepare() {
	normalize(x.r)
	if x.r.Method == http.MethodConnect {
		// After an answer that grants it, the client takes the connection for a
		// tunnel: what comes next are no requests (RFC 9110, section 9.3.6).
		x.w.Header().Set("Connection", "close")
	}
	if x.server.live != nil && wantsPage(x.r) {
		// A page that is not compressed can take the script in.
		delete(x.r.Header, "Accept-Encoding")
	}
	if x.r.Body == nil || x.r.Body == http.NoBody {
		return
	}
	// Without this net/http closes the request's body at the first byte of the
	// answer, and a program that echoes would hang. It fails only on writers
	// that are not net/http's, where there is nothing to switch on.
	_ = x.control.EnableFullDuplex()
	x.body = &requestBody{ReadCloser: x.r.Body, remember: x.server.detailed.Load()}
	if x.r.Trailer == nil && x.r.ContentLength < 0 {
		// net/http puts trailers that were not announced into its own request:
		// the map has to be there before the request is copied.
		x.r.Trailer = http.Header{}
	}
	// A copy, because net/http looks at the type of the body that it made.
	r := *x.r
	r.Body = x.body
	x.r = &r
}

// completeSample reads the rest of a short request body that the program left,
// so that the command which sends the request again has it. It does not wait
// long for a client that has not sent it yet.
func (x *exchange) completeSample() {
	if x.body == nil || x.r.ContentLength <= 0 || x.r.ContentLength > maxSample || x.body.ended() || x.r.Header.Get("Expect") != "" {
		return
	}
	if x.control.SetReadDeadline(time.Now().Add(x.server.options.Grace/4)) != nil {
		return
	}
	// Without the rest the command names a file in its place.
	_, _ = io.Copy(io.Discard, x.body)
	_ = x.control.SetReadDeadline(time.Time{})
}

// finishBody sends the answer and reads what the program left of the request's
// body, so that the connection can be used again. It reports whether it can.
//
// net/http would do the same after the handler, but in full-duplex mode it then
// takes the end of the body for the sign to watch the connection in the
// background, and panics when it reads the next request itself. A request that
// expects 100-continue is left to it: it closes the connection after those.
func (x *exchange) finishBody() bool {
	if x.body == nil || x.body.ended() {
		return true
	}
	if x.r.Header.Get("Expect") != "" {
		// A client that still waits to be told to go on must not hold the
		// connection.
		return x.control.SetReadDeadline(time.Now().Add(x.server.options.Grace)) == nil
	}
	// A client that still sends may do so for a moment after its answer: if the
	// connection were closed on it now, it might never read the answer.
	if x.control.Flush() != nil || x.control.SetReadDeadline(time.Now().Add(x.server.options.Grace)) != nil {
		return false
	}
	switch _, err := io.CopyN(io.Discard, x.body, maxDiscard); err {
	case io.EOF:
		return x.control.SetReadDeadline(time.Time{}) == nil
	case nil:
		if c, ok := x.r.Context().Value(connKey{}).(*conn); ok && c.CloseWrite() == nil {
			// It ends when the client or its time does; either is fine.
			_, _ = io.Copy(io.Discard, x.body)
		}
	}
	return false
}

// maxDiscard is how much of a request's body is read for nobody so that the
// connection can be used again, in bytes. It is what net/http reads.
const maxDiscard = 256 << 10

// handle calls the handler; a panic is the host's fault and no reason to lose
// the other requests.
func (x *exchange) handle(ctx context.Context, g *generation) (resp *http.Response, err error) {
	defer func() {
		p := recover()
		if p == nil {
			return
		}
		if p == http.ErrAbortHandler {
			panic(p)
		}
		log.New(x.server.options.ErrorLog, "", 0).Printf("panic while serving request %s: %v\n%s", x.record.ID, p, debug.Stack())
		resp, err = nil, &Failure{Outcome: Internal, Cause: fmt.Sprintf("the host panicked: %v", p)}
	}()
	resp, err = g.build.Handler.Handle(ctx, x.record.ID, x.r)
	if err == nil && resp == nil {
		err = &Failure{Outcome: NoResponse, Cause: "the handler returned neither a response nor an error"}
	}
	if err == nil && resp.Body == nil {
		resp.Body = http.NoBody
	}
	return resp, err
}

// giveUp answers for a handler that did not keep the deadline. It runs on the
// watchdog's goroutine, while the handler's is still inside Handle: the client
// has its answer then, but the connection cannot be used again.
func (x *exchange) giveUp(g *generation, cancel context.CancelCauseFunc) {
	cancel(errExpired)
	x.w.Header().Set("Connection", "close")
	x.failIn(g, &Failure{
		Outcome: Expired,
		Cause:   fmt.Sprintf("no response within %s, and the program did not react to being stopped", x.server.options.Timeout),
	})
	// A client that has gone meanwhile is told nothing.
	_ = x.control.Flush()
	x.log()
}

// fail gives the answer for a failure that no build was part of.
func (x *exchange) fail(f *Failure) { x.failIn(nil, f) }

// failIn answers a failure: with a page as long as nothing has been sent, and
// else by cutting the connection.
func (x *exchange) failIn(g *generation, f *Failure) {
	x.record.Outcome, x.record.Failure = f.Outcome, f
	if x.committed || f.Outcome.unheard() {
		x.abort = true
		x.record.Aborted = x.committed
		return
	}
	report := report{
		Failure:   f,
		RequestID: x.record.ID,
		Method:    x.r.Method,
		Target:    x.record.Target,
		Time:      x.record.Start,
		detailed:  x.server.detailed.Load(),
	}
	if g != nil {
		report.Digest = g.build.Digest
	}
	if x.server.live != nil {
		page := x.server.current.Load().page
		if g != nil {
			page = g.page
		}
		report.Script = scriptURL(page)
	}
	if report.detailed {
		x.completeSample()
		report.Curl, report.CurlNote = curlCommand(x.r, x.body)
	}
	x.committed = true
	x.record.Status = f.Outcome.Status()
	n, err := report.write(x.w, x.r)
	x.record.Bytes = int64(n)
	if err != nil {
		// The client went away while it was told; the connection is of no
		// more use, the failure stays what it was.
		x.abort, x.record.Aborted = true, true
	}
}

// log ends the record and passes it on.
func (x *exchange) log() {
	x.record.Duration = time.Since(x.record.Start)
	x.server.options.Log(x.record)
}

// cut makes sure that the client notices that the answer is not whole: before
// HTTP/1.1 the end of the connection is a regular end of the body, so it has to
// be reset.
func (x *exchange) cut() {
	if x.r.ProtoAtLeast(1, 1) {
		return
	}
	if c, ok := x.r.Context().Value(connKey{}).(*conn); ok {
		// If it cannot be set the connection is broken already.
		_ = c.SetLinger(0)
	}
}

// errClient marks an error of writing to the client.
type errClient struct{ error }

func (e errClient) Unwrap() error { return e.error }

// answer passes resp on. It closes resp.Body.
func (x *exchange) answer(ctx context.Context, cancel context.CancelCauseFunc, resp *http.Response) (err error) {
	defer func() {
		// What there is to know about the body, Read has told.
		_ = resp.Body.Close()
	}()
	if resp.StatusCode < 200 || resp.StatusCode > 999 {
		return &Failure{
			Outcome: NoResponse,
			Cause:   fmt.Sprintf("the program answered with status %d, which is not a final status", resp.StatusCode),
			Hint:    "informational answers (1xx) come before the answer and need the API made for them",
		}
	}
	x.record.Status = resp.StatusCode
	if bodyAllowed(x.r.Method, resp.StatusCode) {
		err = x.stream(resp)
	} else {
		err = x.discard(ctx, cancel, resp)
	}
	if client := (errClient{}); errors.As(err, &client) {
		return unheard(ctx, client.error)
	}
	return err
}

// stream passes head, body and trailers on. It holds back what is joined by
// more bytes without a wait, so that a short answer leaves in one piece; and as
// long as nothing has left, a failure still gets its page.
func (x *exchange) stream(resp *http.Response) error {
	declared, got := declaredLength(resp.Header), int64(0)
	pooled := x.server.buffers.Get().(*[]byte)
	defer x.server.buffers.Put(pooled)
	buffer, held := *pooled, 0
	for {
		if !ready(resp.Body) {
			if err := x.flush(resp, buffer[:held]); err != nil {
				return err
			}
			held = 0
		}
		if len(buffer)-held < minRead {
			if err := x.write(resp, buffer[:held]); err != nil {
				return err
			}
			held = 0
		}
		n, err := resp.Body.Read(buffer[held:])
		held, got = held+n, got+int64(n)
		end := err == io.EOF
		if err != nil && !end {
			return err
		}
		if declared >= 0 && (got > declared || end && got < declared) {
			return bodySizeFailure(declared, got, end)
		}
		if end {
			x.ending(resp, declared, got)
			return x.write(resp, buffer[:held])
		}
	}
}

// ready reports whether the next Read of body does not wait.
func ready(body io.ReadCloser) bool {
	if body == http.NoBody {
		return true
	}
	readier, ok := body.(Readier)
	return ok && readier.Ready()
}

// bodySizeFailure says that the body was not as long as its head said.
func bodySizeFailure(declared, got int64, end bool) *Failure {
	cause := fmt.Sprintf("the body is longer than its content-length of %d bytes", declared)
	if end && got < declared {
		cause = fmt.Sprintf("the body ended after %d of the %d bytes its content-length promised", got, declared)
	}
	return &Failure{Outcome: ErrorCode, ErrorCode: "HTTP-response-body-size", Cause: cause}
}

// discard answers requests whose answer has no body. What the program writes is
// thrown away without an error, for a while: an endless body would otherwise
// hold the connection for as long as the client does.
func (x *exchange) discard(ctx context.Context, cancel context.CancelCauseFunc, resp *http.Response) error {
	if !ready(resp.Body) {
		if err := x.flush(resp, nil); err != nil {
			return err
		}
	}
	timer := time.AfterFunc(x.server.options.Grace, func() { cancel(errEnough) })
	defer timer.Stop()
	_, err := io.Copy(io.Discard, resp.Body)
	if err != nil && !x.committed {
		return err
	}
	x.commit(resp)
	if err != nil && context.Cause(ctx) != errEnough {
		// The answer is complete for its reader; that the program failed
		// afterwards is still worth a line.
		if failure := asFailure(ctx, err); !failure.Outcome.unheard() {
			x.record.Outcome, x.record.Failure = failure.Outcome, failure
		}
	}
	return nil
}

// errEnough ends a body that nobody will read.
var errEnough = errors.New("the answer has no body")
