package load

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/wasihttp/wasihttp/testrunner"
)

// Config says how fixtures are put under load.
type Config struct {
	// Users is how many virtual users there are: as many requests are on their way at once.
	Users int
	// For is how long each build is measured, if Requests is 0; otherwise that many requests of
	// each are.
	For      time.Duration
	Requests int64
	// Rate is how many requests are due in a second; 0: the next one is due when a user has its
	// response.
	Rate float64
	// WarmUp is how long the fixtures are played before anything is measured.
	WarmUp time.Duration
	// Progress, if not nil, is called now and then with what is going on, and which part of the
	// whole is done. It is called from one goroutine.
	Progress func(what string, part, whole int)
}

// Rounds returns how many rounds a build is measured in: 20, or more if these would last longer
// than a second.
func (c *Config) Rounds() int {
	const least, most = 20, 600
	if c.Requests > 0 {
		return int(min(least, c.Requests))
	}
	return int(min(max(least, c.For/time.Second), most))
}

// side is one of the builds that are measured.
type side struct {
	load         *testrunner.Load
	pacer        *pacer
	warm, record *recorder
	elapsed      time.Duration // of the rounds

	mu    sync.Mutex
	fails []*testrunner.FileResult // files that cannot be played
}

func newSide(load *testrunner.Load, c *Config, rounds int) *side {
	return &side{
		load: load, pacer: newPacer(c.Users), warm: newRecorder(1, c.Rate > 0),
		record: newRecorder(rounds, c.Rate > 0),
	}
}

// fault records that a file cannot be played.
func (s *side) fault(f *testrunner.FileResult) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.fails) == 0 {
		s.fails = append(s.fails, f)
	}
}

// The causes for which users end.
var (
	errDone  = errors.New("the load has ended")
	errFault = errors.New("a fixture cannot be played")
)

// Run puts a build under load and, if old is not nil, another one, in turns with it. The error is
// the cause of the end of ctx, with the results until then, an *testrunner.OpenError, or one that
// says that nothing is sent. Both loads must be of the same fixtures.
func Run(ctx context.Context, c Config, build, old *testrunner.Load) (*Measured, error) {
	r := &run{config: &c, rounds: c.Rounds()}
	r.sides = []*side{newSide(build, &c, r.rounds)}
	if old != nil {
		r.sides = []*side{newSide(old, &c, r.rounds), r.sides[0]}
	}
	users, end := context.WithCancelCause(ctx)
	var running sync.WaitGroup
	for _, s := range r.sides {
		for i := range c.Users {
			running.Go(func() { end((&user{side: s}).play(users, i)) })
		}
	}
	stop := r.watch()
	err := r.phases(users)
	end(errDone)
	running.Wait()
	stop()
	if errors.Is(err, errFault) {
		err = nil
	}
	m := &Measured{New: r.sides[len(r.sides)-1].result()}
	if old != nil {
		m.Old = r.sides[0].result()
	}
	return m, err
}

// run is a run of a load.
type run struct {
	config *Config
	rounds int
	sides  []*side

	mu    sync.Mutex
	began time.Time // when it was measured first; zero: it warms up
}

// phases warms the sides up and measures them in turns.
func (r *run) phases(ctx context.Context) error {
	for _, s := range r.sides {
		if r.config.WarmUp == 0 {
			break
		}
		if err := r.phase(ctx, s, s.warm, 0, r.config.WarmUp, -1); err != nil {
			return err
		}
	}
	r.mu.Lock()
	r.began = time.Now()
	r.mu.Unlock()
	if len(r.sides) == 1 {
		return r.alone(ctx, r.sides[0])
	}
	for n := range r.rounds {
		length, requests := r.config.For/time.Duration(r.rounds), int64(-1)
		if all := r.config.Requests; all > 0 {
			rounds, at := int64(r.rounds), int64(n)
			length, requests = 0, all*(at+1)/rounds-all*at/rounds
		}
		for i := range r.sides {
			// What the one build leaves behind for the other must not always be for the same one.
			s := r.sides[(i+n)%len(r.sides)]
			if err := r.phase(ctx, s, s.record, n, length, requests); err != nil {
				return err
			}
		}
	}
	return nil
}

// alone measures one side without a pause: its rounds follow each other.
func (r *run) alone(ctx context.Context, s *side) error {
	if n := r.config.Requests; n > 0 {
		s.record.each = n / int64(r.rounds)
		return r.phase(ctx, s, s.record, -1, 0, n)
	}
	s.record.length = r.config.For / time.Duration(r.rounds)
	return r.phase(ctx, s, s.record, -1, r.config.For, -1)
}

// phase has a side send requests for some time (0: without an end), or as many as are given (-1:
// any number).
func (r *run) phase(
	ctx context.Context, s *side, into *recorder, round int, length time.Duration, requests int64,
) error {
	p := &phase{
		record: into, round: round, began: time.Now(), left: requests,
		rate: r.config.Rate,
	}
	if length > 0 {
		p.until = p.began.Add(length)
	}
	err := s.pacer.run(ctx, p)
	now := time.Now()
	if err == nil {
		into.end(p, now)
	}
	if into == s.record {
		s.elapsed += now.Sub(p.began)
	}
	return err
}

// watchEvery is how often the progress is reported.
const watchEvery = 250 * time.Millisecond

// watch reports the progress until stop is called.
func (r *run) watch() (stop func()) {
	if r.config.Progress == nil {
		return func() {}
	}
	done := make(chan struct{})
	var watching sync.WaitGroup
	watching.Go(func() {
		ticker := time.NewTicker(watchEvery)
		defer ticker.Stop()
		for {
			r.config.Progress(r.progress())
			select {
			case <-ticker.C:
			case <-done:
				return
			}
		}
	})
	return func() {
		close(done)
		watching.Wait()
	}
}

// progress returns what is going on, and which part of the whole is done.
func (r *run) progress() (what string, part, whole int) {
	r.mu.Lock()
	began := r.began
	r.mu.Unlock()
	if began.IsZero() {
		return "warming up", 0, 0
	}
	var requests int64
	for _, s := range r.sides {
		requests += s.record.requests()
	}
	what = fmt.Sprintf("%s requests", grouped(requests))
	if all := r.config.Requests; all > 0 {
		return what, int(requests), int(all) * len(r.sides)
	}
	if passed := time.Since(began).Seconds(); requests > 0 {
		what += fmt.Sprintf(", %s/s", number(float64(requests)/passed))
	}
	// Steps so small that their part is shown, and not their number.
	const step = 10 * time.Microsecond
	all := r.config.For * time.Duration(len(r.sides))
	return what, int(time.Since(began) / step), int(all / step)
}
