package wasi

import (
	"io"
	"maps"
	"slices"
)

// track keeps c among what Close has to end. It returns false if the state is closed already.
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

// goWork runs f on a goroutine that Close awaits. It returns false if the state is closed already.
// Something tracked must be able to stop f.
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
	parts := slices.Collect(maps.Values(s.parts))
	s.mu.Unlock()
	for c := range open {
		c.Close()
	}
	for _, p := range parts {
		_ = p.Close() // no way to report it
	}
	s.work.Wait()
}

// Part returns what a package on top of this one keeps for the store under that key, which must be
// of a type of its own; open makes it for the first call. Close closes it.
func (s *State) Part(key any, open func() io.Closer) io.Closer {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, ok := s.parts[key]
	if !ok {
		p = open()
		if s.parts == nil {
			s.parts = map[any]io.Closer{}
		}
		s.parts[key] = p
		if s.closed {
			_ = p.Close() // it is as if Close came after it
		}
	}
	return p
}
