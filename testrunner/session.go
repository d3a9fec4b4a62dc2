package testrunner

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/wasihttp/wasihttp/testrunner/internal/upstream"
)

// session provides the instances that entries run against. It belongs to one
// goroutine, unless entries are run concurrently.
type session struct {
	host Host
	// places bounds how many entries are run at once.
	places chan struct{}

	mu    sync.Mutex
	slots map[Spec]*slot
}

// slot holds the instance that is in use for a spec.
type slot struct {
	session *session
	spec    Spec
	// turn is held by the current request, for instances that take one at a
	// time.
	turn sync.Mutex

	mu       sync.Mutex
	instance *instance // nil: none yet, or lost
	// single reports whether instances cannot be reused: each request then has
	// its own, even within an entry that follows redirects.
	single bool
	told   bool // that instances take one request at a time
	// note is reported with the next entry.
	note string
}

// instance is a target in use. It is closed when it has no requests left and
// gets no more.
type instance struct {
	Target
	used, running int // guarded by the slot
	left          bool
}

func newSession(host Host, concurrent int) *session {
	return &session{host: host, places: make(chan struct{}, concurrent),
		slots: make(map[Spec]*slot)}
}

// concurrent reports whether several entries are run at once.
func (s *session) concurrent() bool { return cap(s.places) > 1 }

func (s *session) slot(spec Spec) *slot {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.slots[spec] == nil {
		s.slots[spec] = &slot{session: s, spec: spec}
	}
	return s.slots[spec]
}

// fresh lets the next request of each spec have a new instance.
func (s *session) fresh() {
	for _, slot := range s.slots {
		slot.mu.Lock()
		slot.drop(slot.instance)
		slot.note = "" // nobody expects the one before
		slot.mu.Unlock()
	}
}

// forget makes the session a new one.
func (s *session) forget() {
	s.fresh()
	clear(s.slots)
}

// leave ends the instances that no other file uses: they have begun in a world of their own file,
// or count instructions.
func (s *session) leave(shared World) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for spec, slot := range s.slots {
		if spec.World == shared && spec.Counted == "" {
			continue
		}
		slot.mu.Lock()
		slot.drop(slot.instance)
		slot.mu.Unlock()
	}
}

// drop retires an instance, which then gets no more requests. The lock is held.
func (s *slot) drop(in *instance) {
	if in == nil || in.left {
		return
	}
	in.left = true
	if s.instance == in {
		s.instance = nil
	}
	if in.running == 0 {
		in.Close()
	}
}

// load opens a target unless there is one.
func (s *slot) load(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, err := s.current(ctx)
	return err
}

// current returns the instance in use, a new one if there is none. The lock is
// held.
func (s *slot) current(ctx context.Context) (*instance, error) {
	if s.instance == nil {
		in, err := s.open(ctx)
		if err != nil {
			return nil, err
		}
		s.instance = in
	}
	return s.instance, nil
}

func (s *slot) open(ctx context.Context) (*instance, error) {
	target, err := s.session.host.Open(ctx, s.spec)
	if err != nil {
		return nil, &OpenError{Spec: s.spec, Err: err}
	}
	return &instance{Target: target}, nil
}

// exchange is a request with its response.
type exchange struct {
	response *Response
	// reused reports whether the response came from a second try, because the
	// instance failed when it was reused.
	reused *Response // the first response; nil if there was no second try
	notes  []string
}

// take returns the instance for a request, a fresh one if that is wanted, and how many requests it
// has had before.
func (s *slot) take(
	ctx context.Context, fresh bool, x *exchange,
) (in *instance, before int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.single || fresh && s.instance != nil && s.instance.used > 0 {
		s.drop(s.instance)
	}
	if s.note != "" && !fresh {
		x.notes = append(x.notes, s.note)
	}
	s.note = ""
	if in, err = s.current(ctx); err != nil {
		return nil, 0, err
	}
	if s.session.concurrent() && !in.Reusable() && !s.told {
		s.told = true
		x.notes = append(x.notes,
			"the component takes one request at a time, so that nothing runs concurrently")
	}
	in.running++
	in.used++
	return in, in.used - 1, nil
}

// release gives an instance back after a request.
func (s *slot) release(in *instance, response *Response) {
	s.mu.Lock()
	defer s.mu.Unlock()
	in.running--
	switch {
	case in.left && in.running == 0:
		in.Close()
	case response == nil: // the run ends
	case response.Lost:
		if s.instance == in {
			s.note = lostNote(response.Failure)
		}
		s.drop(in)
	}
}

func lostNote(f *Failure) string {
	if f == nil {
		return "a new instance, because the one before ended after its response"
	}
	return fmt.Sprintf("a new instance, because the one before ended with %s", f.Outcome)
}

// send sends a request to the instance of a slot, a fresh one if that is wanted. wanted reports
// whether the fixture expects a failure.
func (s *slot) send(
	ctx context.Context, r *Request, fresh bool, wanted func(*Failure) bool,
) (x exchange, err error) {
	if !s.session.concurrent() || !s.reusable(ctx) {
		s.turn.Lock()
		defer s.turn.Unlock()
	}
	view, _ := r.Upstream.(*upstream.View)
	var mark upstream.Mark
	if view != nil {
		mark = view.Mark()
	}
	before := 0
	if x.response, before, err = s.once(ctx, r, fresh, &x); err != nil {
		return x, err
	}
	if r.Seed != nil && !r.played && before > 0 {
		x.notes = append(x.notes, seedNote)
	}
	f := x.response.Failure
	if f != nil && before > 0 && !f.Bystander && (f.Outcome == Trap || f.Outcome == NoResponse) &&
		!wanted(f) {
		if view != nil {
			view.Return(mark)
		}
		if err := s.again(ctx, r, &x); err != nil {
			return x, err
		}
	}
	x.notes = append(x.notes, x.response.Notes...)
	return x, nil
}

// reusable reports whether instances may take several requests at once. If the
// component cannot be opened, the request will report why.
func (s *slot) reusable(ctx context.Context) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	in, err := s.current(ctx)
	return err == nil && in.Reusable()
}

// once sends a request to the instance in use. If that has ended before it got
// the request, once uses a new one.
func (s *slot) once(
	ctx context.Context, r *Request, fresh bool, x *exchange,
) (response *Response, before int, err error) {
	for {
		var in *instance
		if in, before, err = s.take(ctx, fresh, x); err != nil {
			return nil, 0, err
		}
		response, err = in.Do(ctx, r)
		var gone *GoneError
		if errors.As(err, &gone) && before > 0 {
			s.release(in, &Response{Lost: true})
			if gone.Err != nil && !s.session.concurrent() {
				x.notes = append(x.notes, "after the response before: "+gone.Err.Error())
			}
			continue
		}
		s.release(in, response)
		return response, before, err
	}
}

// again tries a request that failed on an instance used before on a new one.
// The new instance stays in use unless there is another one by then.
func (s *slot) again(ctx context.Context, r *Request, x *exchange) error {
	in, err := s.open(ctx)
	if err != nil {
		return err
	}
	in.used = 1
	second, err := in.Do(ctx, r)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil || second.Failure != nil || second.Lost ||
		s.instance != nil && s.session.concurrent() {
		s.drop(in)
	} else {
		s.drop(s.instance)
		s.instance = in
	}
	switch {
	case err != nil:
		return err
	case second.Failure != nil:
		return nil // the request fails anywhere
	}
	s.note = ""
	if in.Reusable() {
		x.reused, x.response = x.response, second
		return nil
	}
	x.response = second
	if !s.single {
		s.single = true
		x.notes = append(x.notes, "the component cannot be reused: an instance per entry from "+
			"here on")
	}
	return nil
}

// OpenError is the error for a component that cannot be run at all.
type OpenError struct {
	Spec Spec
	Err  error
}

// Error returns the text of the cause.
func (e *OpenError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *OpenError) Unwrap() error { return e.Err }
