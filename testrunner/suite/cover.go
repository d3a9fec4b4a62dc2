package suite

import (
	"io"

	"github.com/wasihttp/wasihttp/testrunner/report"
)

// cover adds to a run how much of the code ran, and prints that.
func (s *Suite) cover(r *report.Run) error {
	if s.Coverage == nil {
		return nil
	}
	c, err := s.Coverage()
	if c == nil {
		return err
	}
	r.Coverage = c
	_, _ = io.WriteString(s.Out, s.pretty().Coverage(c, s.Quiet))
	return err
}
