package host

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/wasihttp/wasihttp/internal/timetest"
)

// observed counts what goes through it.
type observed struct {
	next     Handler
	ids      []string
	statuses []int
	failed   []error
}

func (o *observed) Handle(ctx context.Context, id string, r *http.Request) (*http.Response, error) {
	resp, err := o.next.Handle(ctx, id, r)
	o.ids = append(o.ids, id)
	if err != nil {
		o.failed = append(o.failed, err)
		return nil, err
	}
	o.statuses = append(o.statuses, resp.StatusCode)
	return resp, nil
}

func TestObserveSeesResponsesAndFailures(t *testing.T) {
	var o observed
	described := errors.New("described")
	h := newHost(t, "rust-kitchen", Config{
		Observe:  func(next Handler) Handler { o.next = next; return &o },
		Describe: func(f *Failure) error { return errors.Join(described, f) },
	})
	if body, err := text(h.Handle(t.Context(), "a", request(t, "/counter"))); body != "1\n" ||
		err != nil {
		t.Errorf("got %q, %v", body, err)
	}
	_, err := h.Handle(t.Context(), "b", request(t, "/trap"))
	var f *Failure
	if !errors.Is(err, described) || !errors.As(err, &f) || f.Outcome != Trap {
		t.Errorf("got %v", err)
	}
	if len(o.ids) != 2 || o.ids[0]+o.ids[1] != "ab" || len(o.statuses) != 1 ||
		o.statuses[0] != 200 ||
		len(o.failed) != 1 {
		t.Errorf("seen: %+v", o)
	}
}

func TestTheHeadIsExpectedForTheTimeOfTheConfigOrTheContext(t *testing.T) {
	h := newHost(t, "rust-kitchen", Config{Timeout: 20 * time.Millisecond})
	var f *Failure
	if _, err := h.Handle(t.Context(), "1", request(t, "/sleep?ms=60000")); !errors.As(err, &f) ||
		f.Outcome != Expired ||
		f.Limit != LimitTimeout {
		t.Errorf("the configuration's: %v", err)
	}
	if _, err := text(h.Handle(WithHeadDeadline(t.Context(), time.Time{}), "2", request(t, "/sleep?ms=60"))); err != nil {
		t.Errorf("none: %v", err)
	}
	h = newHost(t, "rust-kitchen", Config{Timeout: -1})
	if _, err := h.Handle(WithHeadDeadline(t.Context(), time.Now()), "3", request(t, "/sleep?ms=60000")); !errors.As(
		err,
		&f,
	) ||
		f.Outcome != Expired {
		t.Errorf("the context's: %v", err)
	}
}

func TestABodyThatTakesTooLongIsCut(t *testing.T) {
	for _, guest := range []string{"rust-kitchen", "rust-kitchen-p3"} {
		timetest.Scaled(t, func(t testing.TB, scale time.Duration) {
			h := newHost(t, guest, Config{BodyTimeout: scale * 50 * time.Millisecond})
			body, err := text(h.Handle(t.Context(), "1", request(t, "/sse?n=0&ms=1")))
			var f *Failure
			if !errors.As(err, &f) || f.Outcome != Expired || f.Limit != LimitBody {
				t.Errorf("%s: %q, %v", guest, body, err)
			}
			if _, err := text(h.Handle(t.Context(), "2", request(t, "/"))); err != nil {
				t.Errorf("%s, the next request: %v", guest, err)
			}
		})
	}
}
