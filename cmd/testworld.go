package cmd

import (
	"slices"
	"strconv"

	"github.com/wasihttp/wasihttp/cmd/internal/exit"
	"github.com/wasihttp/wasihttp/internal/fixture/hurl"
	"github.com/wasihttp/wasihttp/testrunner"
)

// world sets the clock and the random numbers of components from flags.
func (f *testFlags) world(w *testrunner.World) (err error) {
	if f.clock != "" {
		if w.Clock, err = hurl.ParseClock(f.clock); err != nil {
			return exit.Usagef("write a time of RFC 3339, for example --clock 2026-01-02T03:04:05Z",
				"--clock %q is not a time", f.clock)
		}
	}
	if f.randomSeed != "" {
		if w.Seed, err = strconv.ParseUint(f.randomSeed, 10, 64); err != nil {
			return exit.Usagef("for example --random-seed 1",
				"--random-seed %q is not a whole number", f.randomSeed)
		}
		w.Seeded = true
	}
	return nil
}

// recording checks the flags for recording upstreams.
func (f *testFlags) recording(t *state, s *testSettings) error {
	mode := f.upstreamMode.Value
	switch {
	case !s.suite.Options.UpstreamMode.Records():
	case s.ci:
		return exit.Usagef("run it on your machine and commit the files",
			"--upstream-mode %s is refused because CI is set", mode)
	case f.watch:
		return exit.Usagef("record once without --watch",
			"--upstream-mode %s and --watch cannot be combined", mode)
	case slices.Contains(s.suite.Paths, testrunner.Stdin):
		return exit.Usagef("name files", "--upstream-mode %s cannot write beside standard input",
			mode)
	}
	if s.suite.Options.UpstreamMode.Records() {
		s.load.NoteSockets(func(line string) { t.note("%s", line) })
	}
	return nil
}
