package wasi

import "io"

// track keeps c among what Close has to end; false when the state is closed already.
func (s *State) track(c io.Closer) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	if s.open == nil {
		s.open = map[io.Closer]struct{}{}
	}
	s.open[c] = struct{}{}
	return true
}

func (s *State) untrack(c io.Closer) {
	s.mu.Lock()
	delete(s.open, c)
	s.mu.Unlock()
}

// goWork runs f on a goroutine that Close awaits; false when the state is closed already. Something
// tracked must be able to stop f.
func (s *State) goWork(f func()) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.work.Go(f)
	return true
}

// Close ends every exchange and body that is still open and returns when their goroutines have
// ended. It may be called more than once.
func (s *State) Close() {
	s.mu.Lock()
	s.closed = true
	open := s.open
	s.open = nil
	s.mu.Unlock()
	for c := range open {
		c.Close()
	}
	s.work.Wait()
}
