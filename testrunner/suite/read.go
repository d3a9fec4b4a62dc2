package suite

import (
	"context"
	"io"

	"github.com/wasihttp/wasihttp/testrunner"
)

// Read finds and reads the fixtures, and completes Options.Selection for them. Those that cannot be
// read or parsed are reported, and the verdict is theirs. The error is an *Error, or the cause of
// the end of ctx.
func (s *Suite) Read(ctx context.Context) ([]*testrunner.Source, testrunner.Verdict, error) {
	paths, err := s.find()
	if err != nil {
		return nil, 0, err
	}
	sources, err := s.read(ctx, paths)
	if err != nil {
		return nil, 0, err
	}
	if s.Options.Selection, err = s.selection(sources); err != nil {
		return nil, 0, err
	}
	var sum testrunner.Summary
	for _, source := range sources {
		f := &testrunner.FileResult{
			Path: source.Path, ParseErrors: source.Errors, Err: source.Err,
		}
		if f.Failed() {
			sum.Count(f)
			_, _ = io.WriteString(s.Out, s.pretty().File(f))
		}
	}
	return sources, sum.Verdict(), nil
}
