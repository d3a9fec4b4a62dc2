package load

import (
	"context"
	"math"
	"sync"
	"time"
)

// phase is a time in which users may begin requests.
type phase struct {
	record *recorder
	// round is the round that requests of the phase count for; below 0, rounds follow each other
	// within the phase (recorder.roundAt).
	round int
	began time.Time
	until time.Time // when the last request may begin; zero: there is no such time
	left  int64     // how many requests may still begin; below 0: any number
	// rate is how many requests are due in a second; 0: a request is due when there is a user for
	// it.
	rate  float64
	taken int64
}

// takes reports whether another request may begin.
func (p *phase) takes(now time.Time) bool {
	if p.left == 0 || !p.until.IsZero() && !now.Before(p.until) {
		return false
	}
	return p.rate == 0 || p.until.IsZero() || p.taken < p.all()
}

// all returns how many requests are due in a phase with a rate that ends.
func (p *phase) all() int64 {
	// A rounding error is no request.
	return int64(math.Ceil(p.until.Sub(p.began).Seconds()*p.rate - 1e-6))
}

// due returns when the n-th request is due, from 0, of a phase with a rate.
func (p *phase) due(n int64) time.Time {
	return p.began.Add(time.Duration(float64(n) / p.rate * float64(time.Second)))
}

// unsent returns how many requests were due and never sent, those after the first taken ones. It is
// called after the phase.
func (p *phase) unsent() int64 {
	if p.rate == 0 || p.until.IsZero() {
		return 0
	}
	return max(0, p.all()-p.taken)
}

// ticket is the permission to send a request.
type ticket struct {
	phase *phase
	due   time.Time // zero: now
}

// pacer lets users begin requests when they are due, as long as there is a phase. It is safe for
// concurrent use.
type pacer struct {
	users int
	idle  chan struct{} // has an element when all users wait for another phase

	mu      sync.Mutex
	phase   *phase
	changed chan struct{} // closed when a phase begins
	waiting int           // users that wait for that
}

func newPacer(users int) *pacer {
	return &pacer{users: users, idle: make(chan struct{}, 1), changed: make(chan struct{})}
}

// run has users begin requests for a phase, and waits until all of them have ended or ctx has.
func (p *pacer) run(ctx context.Context, ph *phase) error {
	p.mu.Lock()
	select {
	case <-p.idle: // of the users that waited for this phase
	default:
	}
	p.phase, p.waiting = ph, 0
	close(p.changed)
	p.changed = make(chan struct{})
	p.mu.Unlock()
	select {
	case <-p.idle:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// take waits until a request is due. The error is the cause of the end of ctx.
func (p *pacer) take(ctx context.Context) (ticket, error) {
	for {
		p.mu.Lock()
		ph := p.phase
		if ph != nil && ph.takes(time.Now()) {
			t := ticket{phase: ph}
			if ph.rate > 0 {
				t.due = ph.due(ph.taken)
			}
			ph.taken++
			ph.left--
			p.mu.Unlock()
			err := t.wait(ctx)
			return t, err
		}
		if p.waiting++; p.waiting == p.users {
			p.idle <- struct{}{}
		}
		changed := p.changed
		p.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return ticket{}, context.Cause(ctx)
		}
	}
}

// giveBack lets another request be sent in place of one that does not count.
func (p *pacer) giveBack(t ticket) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if t.phase == p.phase && t.phase.left >= 0 {
		t.phase.left++
	}
}

// timerSlack is how late the timers of a system are, at most: with Go's on Linux, a millisecond.
const timerSlack = 2 * time.Millisecond

// wait waits until the request is due. What a timer is late, whose user had nothing else to do, is
// no part of its latency: the request is due when the timer fires.
func (t *ticket) wait(ctx context.Context) error {
	d := time.Until(t.due)
	if t.due.IsZero() || d <= 0 {
		return context.Cause(ctx)
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		if now := time.Now(); now.Sub(t.due) <= timerSlack {
			t.due = now
		}
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
