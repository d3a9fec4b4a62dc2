package load

import (
	"context"
	"errors"
	"time"

	"github.com/wasihttp/wasihttp/internal/timeline"
	"github.com/wasihttp/wasihttp/testrunner"
)

// user is what a virtual user of a side sends, and what comes of it. It belongs to one goroutine.
type user struct {
	side *side
	host testrunner.Host
	// next, if it has a phase, is the ticket of a request that no instance has taken.
	next    ticket
	last    ticket
	sending *testrunner.Request // that of last
	samples []sample            // of the entry that runs
	sent    int64
}

// maxSamples bounds what an entry that is tried again and again may collect.
const maxSamples = 1000

// Open implements testrunner.Host.
func (u *user) Open(ctx context.Context, spec testrunner.Spec) (testrunner.Target, error) {
	t, err := u.host.Open(ctx, spec)
	if err != nil {
		return nil, err
	}
	return &target{t, u}, nil
}

// target sends the requests of a user when they are due.
type target struct {
	testrunner.Target
	user *user
}

// Do implements testrunner.Target.
func (t *target) Do(
	ctx context.Context, r *testrunner.Request,
) (*testrunner.Response, error) {
	u := t.user
	switch {
	case u.next.phase != nil:
	case r == u.sending:
		// It failed and is tried on another instance: it counts once, with what both took if it was
		// due at a time.
		u.next, u.samples = u.last, u.samples[:max(0, len(u.samples)-1)]
	default:
		var err error
		if u.next, err = u.side.pacer.take(ctx); err != nil {
			return nil, err
		}
	}
	began := time.Now()
	line, followed := timeline.New(began), *r
	followed.Responded = func() {
		line.End() // the guest may go on working
		if r.Responded != nil {
			r.Responded()
		}
	}
	response, err := t.Target.Do(timeline.With(ctx, line), &followed)
	line.End()
	var gone *testrunner.GoneError
	if errors.As(err, &gone) {
		return nil, err // another instance gets it
	}
	s := sample{ticket: u.next}
	u.last, u.next, u.sending = u.next, ticket{}, r
	if err != nil {
		return nil, err
	}
	s.service, s.latency = response.Duration, response.Duration
	if !s.ticket.due.IsZero() {
		s.latency += began.Sub(s.ticket.due)
	}
	s.spent = line.Totals()
	s.spent[timeline.Waiting] += s.latency - s.service
	s.ended = began.Add(response.Duration)
	s.memory = response.Memory
	if response.Failure != nil {
		s.failed = response.Failure.Outcome
	}
	if u.sent++; len(u.samples) < maxSamples {
		u.samples = append(u.samples, s)
	}
	return response, nil
}

// ended counts an entry.
func (u *user) ended(path string, r *testrunner.Result) {
	defer func() { u.samples, u.sending = u.samples[:0], nil }()
	if p := u.last.phase; p != nil {
		p.record.endedEntry(path, r, u.samples)
		for i := range len(u.samples) - 1 {
			if s := &u.samples[i]; !s.counts() {
				u.side.pacer.giveBack(s.ticket) // it was sent again
			}
		}
	} else {
		u.side.warm.endedEntry(path, r, nil)
	}
}

// ErrNothingSent is the error for fixtures that send no request.
var ErrNothingSent = errors.New("no entry of the fixtures sends a request")

// play plays the fixtures until ctx ends, and returns its cause, or why no more can be played.
func (u *user) play(ctx context.Context, first int) error {
	played := u.side.load.User(first, func(h testrunner.Host) testrunner.Host {
		u.host = h
		return u
	}, u.ended)
	defer played.Close()
	files := len(u.side.load.Files())
	for n, before := 1, u.sent; ; n++ {
		f, err := played.Play(ctx)
		switch {
		case err != nil:
			return err
		case f.Failed():
			u.side.fault(f)
			return errFault
		}
		if n%files == 0 {
			if u.sent == before {
				return ErrNothingSent
			}
			before = u.sent
		}
	}
}
