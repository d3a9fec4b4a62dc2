package suite

import (
	"fmt"
	"os"

	"github.com/wasihttp/wasihttp/internal/term"
	"github.com/wasihttp/wasihttp/internal/words"
	"github.com/wasihttp/wasihttp/testrunner"
)

// settle says of each fixture of a crash whether it is fixed, and removes those that are.
func (s *Suite) settle(files []*testrunner.FileResult) {
	fixed := 0
	for _, f := range files {
		path, failed := term.Clean(f.Path), ""
		if f.Err != nil || len(f.ParseErrors) > 0 || len(f.Results) == 0 {
			continue // the report says why it did not run
		}
		for _, r := range f.Results {
			if r.Outcome != testrunner.Pass && failed == "" {
				failed = string(r.Outcome)
			}
		}
		if failed != "" {
			fmt.Fprintf(s.Out, "%s %s (%s)\n", s.Out.Bad("still failing"), path, failed)
			continue
		}
		if err := os.Remove(f.Path); err != nil {
			s.note("cannot remove %s: %v", path, err)
			continue
		}
		fixed++
		fmt.Fprintf(s.Out, "%s %s (removed)\n", s.Out.Good("FIXED"), path)
	}
	if len(files) > 0 {
		fmt.Fprintf(s.Out, "%d of %s fixed\n", fixed,
			words.Count(len(files), "crash", "crashes"))
	}
}
