package testrunner

import (
	"context"
	"fmt"
)

// session gives entries the instances that they run against. It belongs to one
// goroutine.
type session struct {
	host  Host
	slots map[Spec]*slot
}

// slot holds the instance that is in use for a spec.
type slot struct {
	spec   Spec
	target Target // nil: none yet, or lost
	used   int    // requests that the target has had
	// single says that instances cannot be used again, and are not: each request
	// has its own, also within an entry that follows redirects.
	single bool
	// note is to be told with the next entry.
	note string
}

func newSession(host Host) *session {
	return &session{host: host, slots: make(map[Spec]*slot)}
}

func (s *session) slot(spec Spec) *slot {
	if s.slots[spec] == nil {
		s.slots[spec] = &slot{spec: spec}
	}
	return s.slots[spec]
}

// fresh lets the next request of each spec have a new instance.
func (s *session) fresh() {
	for _, slot := range s.slots {
		slot.drop()
	}
}

func (s *slot) drop() {
	if s.target != nil {
		s.target.Close()
	}
	s.target, s.used = nil, 0
}

// exchange is a request with what came of it.
type exchange struct {
	answer *Answer
	// reused says that the answer came from a second try, because the instance
	// failed when it was used again.
	reused *Answer // the first answer; nil if there was no second try
	notes  []string
}

// send sends a request to the instance of a slot. wanted tells whether a
// failure is what the fixture expects.
func (s *session) send(ctx context.Context, slot *slot, r *Request, wanted func(*Failure) bool) (x exchange, err error) {
	if slot.single {
		slot.drop()
	}
	if slot.note != "" {
		x.notes, slot.note = append(x.notes, slot.note), ""
	}
	before := slot.used
	if x.answer, err = s.once(ctx, slot, r); err != nil {
		return x, err
	}
	f := x.answer.Failure
	if f != nil && before > 0 && (f.Outcome == Trap || f.Outcome == NoResponse) && !wanted(f) {
		if err := s.again(ctx, slot, r, &x); err != nil {
			return x, err
		}
	}
	x.notes = append(x.notes, x.answer.Notes...)
	if f := x.answer.Failure; f != nil && x.answer.Lost {
		slot.note = fmt.Sprintf("a new instance, because the one before ended with %s", f.Outcome)
	}
	return x, nil
}

// again tries a request that failed on an instance used before on a new one.
func (s *session) again(ctx context.Context, slot *slot, r *Request, x *exchange) error {
	slot.drop()
	second, err := s.once(ctx, slot, r)
	if err != nil {
		return err
	}
	if second.Failure != nil {
		if !x.answer.Lost {
			slot.drop()
		}
		return nil // the request fails anywhere
	}
	if slot.target != nil && slot.target.Reusable() {
		x.reused, x.answer = x.answer, second
		return nil
	}
	x.answer = second
	if !slot.single {
		slot.single = true
		x.notes = append(x.notes, "the component cannot be reused: an instance per entry from here on")
	}
	return nil
}

// once sends a request to the slot's target, which is opened if there is none.
func (s *session) once(ctx context.Context, slot *slot, r *Request) (*Answer, error) {
	if slot.target == nil {
		target, err := s.host.Open(ctx, slot.spec)
		if err != nil {
			return nil, &OpenError{Spec: slot.spec, Err: err}
		}
		slot.target, slot.used = target, 0
	}
	answer, err := slot.target.Do(ctx, r)
	if err != nil {
		return nil, err
	}
	slot.used++
	if answer.Lost {
		slot.drop()
	}
	return answer, nil
}

// OpenError says that a component cannot be run at all.
type OpenError struct {
	Spec Spec
	Err  error
}

// Error is that of the cause.
func (e *OpenError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *OpenError) Unwrap() error { return e.Err }
