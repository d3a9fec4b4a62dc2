package serve

import (
	"context"
	"errors"
	"fmt"
	"log"
	"maps"
	"net/http"
	"runtime/debug"
	"slices"
	"time"

	"github.com/wasihttp/wasihttp/internal/exchange"
	"github.com/wasihttp/wasihttp/internal/timeline"
)

// request is one request on its way through the server. Everything in it belongs to the goroutine
// that net/http gave the request, except while that goroutine is inside Handle: then the watchdog
// may claim it.
type request struct {
	server *Server
	w      http.ResponseWriter
	r      *http.Request // as the handler sees it
	x      exchange.Exchange
	sample *sample // of the request's body; &own, or nil if it is not needed
	own    sample
	dog    watchdog
	build  *generation // for giveUp
	// follower and its timeline are nil if nobody follows the request.
	follower Follower
	line     *timeline.Trace
	cancel   context.CancelCauseFunc
	record   Record
	// detailed reports whether a page about a failure has all details.
	detailed bool
	// live says that pages take in the script that makes them reload themselves.
	live bool
}

// roomFor returns the room for a request, and when it came. That of a plain request is its
// connection's, which has one at a time.
func roomFor(w http.ResponseWriter) (*request, time.Time) {
	plain, ok := w.(*plainWriter)
	if !ok {
		return &request{}, time.Now()
	}
	q := &plain.p.q
	*q = request{}
	return q, plain.start
}

// run serves the request and logs it.
func (q *request) run() {
	ctx, cancel := q.context()
	defer cancel(nil)
	deadline := q.deadline()
	if !q.server.limit.Enter(ctx, deadline) {
		q.server.mark(q.w.Header(), q.server.current.Load())
		q.fail(q.notEntered(ctx))
		q.log()
		return
	}
	defer q.server.limit.Leave()
	g := q.server.acquire()
	defer g.release()
	q.server.mark(q.w.Header(), g)
	if q.follower != nil {
		q.follower.Taken(g.number)
	}

	q.prepare()
	if !deadline.IsZero() {
		s := q.server
		q.build, q.cancel = g, cancel
		s.dogs.arm(&q.dog, deadline.Add(s.options.Grace), q)
	}
	resp, err := q.handle(exchange.WithHeadDeadline(timeline.With(ctx, q.line), deadline), g)
	if !q.dog.disarm() {
		if resp != nil {
			// The response came too late for its end to matter.
			_ = resp.Body.Close()
		}
		return
	}
	if err == nil {
		said := sayer(resp)
		if q.live {
			q.makeLive(g, resp)
		}
		if q.follower != nil {
			q.follower.Responded(resp)
		}
		err = q.respond(ctx, cancel, resp)
		if said != nil {
			q.record.Message = said.Message()
		}
	}
	if err != nil {
		q.failIn(g, asFailure(ctx, err))
	}
	q.log()
}

// sayer returns what knows why the program has made a response that is a server error; nil for
// other responses.
func sayer(resp *http.Response) Sayer {
	if resp.StatusCode < http.StatusInternalServerError {
		return nil
	}
	said, _ := resp.Body.(Sayer)
	return said
}

// context returns the context of the request and what ends it.
func (q *request) context() (context.Context, context.CancelCauseFunc) {
	if plain, ok := q.w.(*plainWriter); ok {
		return q.r.Context(), plain.cancel
	}
	return context.WithCancelCause(q.r.Context())
}

// mark names the build in the head of a response. It runs before anything else writes to the head.
func (s *Server) mark(header http.Header, g *generation) {
	if g.header != nil {
		header[BuildHeader] = g.header
	}
	if stale := s.stale.Load(); stale != nil {
		header[StaleHeader] = stale.header
	}
}

// deadline returns when the head has to be there; zero if there is no limit.
func (q *request) deadline() time.Time {
	if q.server.options.Timeout <= 0 {
		return time.Time{}
	}
	return q.record.Start.Add(q.server.options.Timeout)
}

// notEntered explains why there was no slot.
func (q *request) notEntered(ctx context.Context) *Failure {
	if ctx.Err() != nil {
		return asFailure(ctx, ctx.Err())
	}
	return &Failure{
		Outcome: Full,
		Cause: fmt.Sprintf("%d requests are running and none finished within %s",
			q.server.options.MaxConcurrent, q.server.options.Timeout),
		Hint: "raise --max-concurrent-requests, or find out what the running requests wait for",
	}
}

// prepare changes the request to the form that Handler documents.
func (q *request) prepare() {
	if q.live && wantsPage(q.r) {
		// A page that is not compressed can take the script in.
		q.r.Header = maps.Clone(q.r.Header) // what it was may be looked at
		delete(q.r.Header, "Accept-Encoding")
	}
	if body := q.x.Body(); body != nil && (q.detailed || q.server.options.Crashed != nil) {
		q.sample = &q.own
		if q.server.options.Crashed != nil {
			q.sample.most = maxCrashBody
		}
		body.Observe = q.sample.add
	}
}

// handle calls the handler. A panic is a fault of the host that must not end
// other requests.
func (q *request) handle(ctx context.Context, g *generation) (resp *http.Response, err error) {
	defer func() {
		p := recover()
		if p == nil {
			return
		}
		if p == http.ErrAbortHandler {
			panic(p)
		}
		log.New(q.server.options.ErrorLog, "", 0).Printf("panic while serving request %s: %v\n%s",
			q.record.ID, p, debug.Stack())
		resp, err = nil, &Failure{Outcome: Internal, Cause: fmt.Sprintf("the host panicked: %v", p)}
	}()
	resp, err = g.build.Handler.Handle(ctx, q.record.ID, q.r)
	if err == nil && resp == nil {
		err = &Failure{Outcome: NoResponse,
			Cause: "the handler returned neither a response nor an error"}
	}
	if err == nil && resp.Body == nil {
		resp.Body = http.NoBody
	}
	return resp, err
}

// giveUp responds for a handler that did not keep the deadline. It runs on the
// watchdog's goroutine, while the handler's is still inside Handle: the client
// has its response then, but the connection cannot be used again.
func (q *request) giveUp() {
	q.cancel(errExpired)
	q.x.CloseConnection()
	q.failIn(q.build, &Failure{
		Outcome: Expired,
		Cause: fmt.Sprintf(
			"no response within %s, and the program did not stop when its time was up",
			q.server.options.Timeout),
	})
	// It fails for a client that has gone meanwhile.
	_ = q.x.Flush()
	q.log()
}

// fail responds to a request that failed before it was given to a build.
func (q *request) fail(f *Failure) { q.failIn(nil, f) }

// failIn responds to a failure: with a page as long as nothing has been sent, and
// else by cutting the connection.
func (q *request) failIn(g *generation, f *Failure) {
	q.record.Outcome, q.record.Failure = f.Outcome, f
	if q.x.Committed() || f.Outcome.unheard() {
		q.x.Abort()
		q.record.Aborted = q.x.Committed()
		return
	}
	report := report{
		Failure:   f,
		RequestID: q.record.ID,
		Method:    q.r.Method,
		Target:    q.record.Target,
		Time:      q.record.Start,
		detailed:  q.detailed,
		Stale:     q.server.stale.Load(),
	}
	if g != nil {
		report.Digest = g.build.Digest
	}
	if q.live {
		page := q.server.current.Load().page
		if g != nil {
			page = g.page
		}
		report.Script = scriptURL(page)
	}
	if report.detailed {
		if q.sample != nil && q.r.ContentLength > 0 && q.r.ContentLength <= maxSample {
			// So that the command which sends the request again has the body.
			q.x.ReadRest(q.server.options.Grace / 4)
		}
		report.Curl, report.CurlNote = curlCommand(q.r, q.sample)
	}
	q.record.Status = f.Outcome.Status()
	err := q.x.Respond(func(w http.ResponseWriter) error {
		n, err := report.write(w, q.r)
		q.record.Bytes = int64(n)
		return err
	})
	if err != nil {
		// The client left while it received the page. The connection is of no
		// more use; the failure stays what it was.
		q.x.Abort()
		q.record.Aborted = true
	}
}

// log ends the record and passes it on.
func (q *request) log() {
	q.record.Duration = time.Since(q.record.Start)
	if q.follower != nil {
		q.follower.End(&q.record)
	}
	q.server.options.Log(q.record)
	if o := q.record.Outcome; o != Trap && o != Expired || q.server.options.Crashed == nil {
		return
	}
	body, all := q.sample.read()
	q.server.options.Crashed(Recorded{
		ID: q.record.ID, Start: q.record.Start, Duration: q.record.Duration, Method: q.r.Method,
		Host: q.r.Host, Target: q.record.Target, Header: q.r.Header.Clone(),
		Body: slices.Clone(body), Failure: q.record.Failure, Cut: !all,
	})
}

// respond passes resp on. It closes resp.Body.
func (q *request) respond(
	ctx context.Context, cancel context.CancelCauseFunc, resp *http.Response,
) error {
	err := q.x.Write(resp, cancel)
	if err != nil {
		err = q.explain(ctx, err)
	}
	if err == nil || q.x.Committed() {
		q.record.Status, q.record.Bytes = resp.StatusCode, q.x.Written()
	}
	return err
}

// explain turns an error of passing a response on into a *Failure, unless the program caused it. It
// returns nil for an error that does not concern the client.
func (q *request) explain(ctx context.Context, err error) error {
	var (
		client *exchange.ClientError
		bad    *exchange.ResponseError
		late   *exchange.LateError
	)
	switch {
	case errors.As(err, &client):
		return unheard(ctx, client.Err)
	case errors.As(err, &bad) && bad.Code == "":
		return &Failure{Outcome: NoResponse, Cause: bad.Cause, Hint: bad.Hint}
	case errors.As(err, &bad):
		return &Failure{Outcome: ErrorCode, ErrorCode: bad.Code, Cause: bad.Cause, Hint: bad.Hint}
	case errors.As(err, &late):
		// That the program failed after its response is still worth a line.
		if failure := asFailure(ctx, late.Err); !failure.Outcome.unheard() {
			q.record.Outcome, q.record.Failure = failure.Outcome, failure
		}
		return nil
	}
	return err
}
