package host

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/wasihttp/wasihttp/handler"
	"github.com/wasihttp/wasihttp/internal/exchange"
)

// ServeHTTP passes the request to a guest, and the response on while the guest produces it: what
// the guest writes leaves as soon as it waits, trailers follow the body, and the guest may read the
// request while it responds. A failure before the head of the response goes to Config.Failed. After
// it the connection is cut, by a panic with http.ErrAbortHandler as net/http wants it, so that no
// client takes half a response for all of it.
func (h *Host) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithCancelCause(r.Context())
	defer cancel(nil)
	s := serving{host: h, r: r, id: strconv.FormatUint(h.requests.Add(1), 10)}
	s.x.Begin(&h.exchange, w, r)
	if err := s.handle(ctx, cancel); err != nil {
		s.fail(ctx, err)
	}
	s.x.End()
}

// serving is one request on its way through ServeHTTP.
type serving struct {
	host *Host
	r    *http.Request
	id   string
	x    exchange.Exchange
}

// errFull is why a request fails for which there was no slot.
var errFull = errors.New("too many requests are running")

// handle passes the request to a guest, unless too many run, and passes the response on.
func (s *serving) handle(ctx context.Context, cancel context.CancelCauseFunc) error {
	head := time.Time{}
	if s.host.cfg.Timeout > 0 {
		head = time.Now().Add(s.host.cfg.Timeout)
	}
	if !s.host.limit.Enter(ctx, head) {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return errFull
	}
	defer s.host.limit.Leave()
	resp, err := s.host.Handle(WithHeadDeadline(ctx, head), s.id, retarget(s.x.Request()))
	if err != nil {
		return err
	}
	return s.x.Write(resp, cancel)
}

// retarget returns the request with the target that its URL has, which middleware such as
// http.StripPrefix changes. What the client sent stays as it was spelled if it means the same.
func retarget(r *http.Request) *http.Request {
	if r.URL == nil || r.RequestURI == r.URL.Path && r.URL.RawPath == "" && r.URL.RawQuery == "" {
		return r
	}
	sent, err := url.ParseRequestURI(r.RequestURI)
	if err != nil ||
		sent.Path == r.URL.Path && sent.RawPath == r.URL.RawPath &&
			sent.RawQuery == r.URL.RawQuery {
		return r
	}
	changed := *r
	changed.RequestURI = r.URL.RequestURI()
	return &changed
}

// fail responds to the client with the failure, if that is still possible.
func (s *serving) fail(ctx context.Context, err error) {
	var late *exchange.LateError
	if errors.As(err, &late) {
		// The client has all that it can get.
		if s.host.cfg.Notice != nil {
			s.host.cfg.Notice("[" + s.id + "] after its response: " + err.Error())
		}
		return
	}
	f := asFailure(ctx, err)
	if f == nil || s.x.Committed() {
		s.x.Abort()
		return
	}
	f.RequestID = s.id
	failed := s.host.cfg.Failed
	if failed == nil {
		failed = Failed
	}
	// If it cannot be written, the client has gone.
	_ = s.x.Respond(func(w http.ResponseWriter) error {
		failed(w, s.r, f)
		return nil
	})
}

// asFailure returns the Failure in err, or makes one; nil if the client has gone.
func asFailure(ctx context.Context, err error) *Failure {
	var (
		client   *exchange.ClientError
		response *exchange.ResponseError
		failure  *Failure
	)
	switch {
	case errors.As(err, &client):
		return nil
	case errors.As(err, &failure):
		copied := *failure
		return &copied
	case errors.As(err, &response):
		f := &Failure{Outcome: NoResponse, Cause: response.Cause, Hint: response.Hint, Err: err}
		if response.Code != "" {
			f.Outcome, f.ErrorCode = ErrorCode, response.Code
		}
		return f
	case err == errFull:
		return &Failure{Outcome: Full, Cause: err.Error(), Err: err}
	case ctx.Err() != nil:
		return nil
	}
	return &Failure{Outcome: Internal, Cause: err.Error(), Err: err}
}

// Status returns the HTTP status for a failure: 504 if the time was over, 503 if the Host takes no
// more requests or has been closed, else 500.
func (f *Failure) Status() int {
	switch {
	case f.Outcome == Expired:
		return http.StatusGatewayTimeout
	case f.Outcome == Full, errors.Is(f.Err, handler.ErrClosed):
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

// Failed is the default of Config.Failed: it responds with the status of the failure and reveals
// nothing else.
func Failed(w http.ResponseWriter, _ *http.Request, f *Failure) {
	if f.Outcome == Full {
		w.Header().Set("Retry-After", "1")
	}
	http.Error(w, http.StatusText(f.Status()), f.Status())
}
