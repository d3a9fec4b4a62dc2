package serve

import (
	"slices"

	"github.com/wasihttp/wasihttp/internal/term"
)

// Stale is why a newer build than the current one is not served.
type Stale struct {
	// Reason says it in a few words; "" if the current build is the newest.
	Reason string
	// Output has the last lines of what was to make the build, with the escape sequences for
	// colours; nil if nothing was run.
	Output []string

	header []string // for StaleHeader
	number uint64   // of the reason, for pages that reload themselves
}

// Lines returns the output for a page: the spans of each line.
func (s *Stale) Lines() [][]term.Span {
	lines := make([][]term.Span, len(s.Output))
	for i, line := range s.Output {
		lines[i] = term.Spans(line)
	}
	return lines
}

// SetStale makes responses say in StaleHeader, and pages about failures in full, why a newer build
// than the current one is not served. With live reload, pages show it, too.
func (s *Server) SetStale(stale Stale) {
	before := s.stale.Load()
	if stale.Reason == "" {
		if before != nil {
			s.stale.Store(nil)
			s.announceStale(nil)
		}
		return
	}
	if before != nil && before.Reason == stale.Reason &&
		slices.Equal(before.Output, stale.Output) {
		return
	}
	stale.header = []string{headerText(stale.Reason)}
	stale.number = s.staleTimes.Add(1)
	s.stale.Store(&stale)
	s.announceStale(&stale)
}

func (s *Server) announceStale(stale *Stale) {
	if s.live != nil {
		s.live.announce(s.current.Load().page, stale)
	}
}
