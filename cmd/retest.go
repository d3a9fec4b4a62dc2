package cmd

import (
	"github.com/urfave/cli/v2"

	"github.com/wasihttp/wasihttp/cmd/internal/cmdline"
	"github.com/wasihttp/wasihttp/testrunner"
	"github.com/wasihttp/wasihttp/testrunner/suite"
)

// retestFlags returns the flag --test of serve, which sets paths.
func retestFlags(paths *cli.StringSlice) []cli.Flag {
	b := &cmdline.Flags{}
	b.Group("Fixtures")
	b.List("test", paths,
		"run the fixtures at `PATH` with each build, and say in a line how many responses are the "+
			"same; then the key d shows the differences, and a accepts them (repeatable)")
	return b.All()
}

// newRetester returns the retester for the fixtures of --test; nil if there are none.
func (t *server) newRetester(path string, s *serveSettings) *suite.Retester {
	if len(s.fixtures) == 0 {
		return nil
	}
	test := &testSettings{guest: s, load: s.load, component: path}
	test.load.Outbound = nil
	test.suite = &suite.Suite{
		Program: programName, Paths: s.fixtures, Dir: t.dir, Out: t.stderr, Err: t.stderr,
		Options: testrunner.Options{
			Isolate: testrunner.IsolateNone, Timeout: s.load.Timeout, MaxBody: defaultMaxBody,
			All: true, Component: path,
		},
	}
	test.suite.Host = test.host(t.state, t.doors)
	return suite.NewRetester(test.suite, s.jsonLog)
}
