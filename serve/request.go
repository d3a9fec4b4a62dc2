package serve

import (
	"cmp"
	"sync"
)

// maxCrashBody is how much is remembered for Options.Crashed, in bytes.
const maxCrashBody = 256 << 10

// maxSample is how much of a request's body is remembered for the page that
// explains a failure, in bytes.
const maxSample = 4 << 10

// sample is the beginning of a request's body. Its methods are safe for concurrent use.
type sample struct {
	mu   sync.Mutex
	most int // bytes that are remembered; 0 stands for maxSample
	head []byte
	over bool // the body is longer than what is remembered
	end  bool // the body was read to its end
}

// add takes what was read, and whether that was the end.
func (s *sample) add(p []byte, end bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	keep := min(len(p), cmp.Or(s.most, maxSample)-len(s.head))
	s.head = append(s.head, p[:keep]...)
	s.over = s.over || keep < len(p)
	s.end = end
}

// whole returns the body if all of it was read and is remembered.
func (s *sample) whole() ([]byte, bool) {
	if s == nil {
		return nil, false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.head, s.end && !s.over && len(s.head) <= maxSample
}

// read returns what was read of the body if all of that is remembered.
func (s *sample) read() ([]byte, bool) {
	if s == nil {
		return nil, true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.head, !s.over
}
