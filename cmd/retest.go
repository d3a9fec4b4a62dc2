package cmd

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/wasihttp/wasihttp/cmd/internal/cmdline"
	"github.com/wasihttp/wasihttp/internal/term"
	"github.com/wasihttp/wasihttp/internal/words"
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

// retester runs fixtures after each swap.
type retester struct {
	*server
	suite   *suite.Suite
	json    bool
	swapped chan struct{}
	presses chan byte
}

// newRetester returns the retester for the fixtures of --test; nil if there are none.
func (t *server) newRetester(path string, s *serveSettings) *retester {
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
	return &retester{
		server: t, suite: test.suite, json: s.jsonLog,
		swapped: make(chan struct{}, 1), presses: make(chan byte, 1),
	}
}

// again has the fixtures run soon.
func (r *retester) again() {
	if r == nil {
		return
	}
	select {
	case r.swapped <- struct{}{}:
	default: // the run that is to come covers this build, too
	}
}

// press passes on a key, and reports whether it is one of the retester's.
func (r *retester) press(key byte) bool {
	if r == nil || key != 'd' && key != 'a' {
		return false
	}
	select {
	case r.presses <- key:
	default: // the fixtures are run, and a key waits for that already
	}
	return true
}

// run runs the fixtures whenever again is called, until ctx ends.
func (r *retester) run(ctx context.Context) {
	var last *suite.Retest
	for {
		select {
		case <-ctx.Done():
			return
		case <-r.swapped:
			last = r.once(ctx)
		case key := <-r.presses:
			switch {
			case last == nil:
				r.note("no fixtures were run yet")
			case key == 'd':
				_, _ = io.WriteString(r.stderr, last.Details())
			default:
				n, err := last.Accept()
				if err != nil {
					r.note("not accepted: %v", err)
				}
				r.note("accepted %s", words.Count(n, "difference", "differences"))
				r.again()
			}
		}
	}
}

// once runs the fixtures and prints the line about them. It returns nil if they could not be run.
func (r *retester) once(ctx context.Context) *suite.Retest {
	began := time.Now()
	result, err := r.suite.Retest(ctx)
	switch {
	case ctx.Err() != nil:
		return nil
	case err != nil:
		r.note("--test: %v", suiteError(err))
		return nil
	case r.json:
		same, changed, failed := result.Counts()
		line, _ := json.Marshal(map[string]any{
			"time": began.UTC().Format(time.RFC3339Nano), "event": "test",
			"same": same, "changed": changed, "failed": failed,
		})
		_, _ = r.stderr.Write(append(line, '\n'))
		return result
	}
	symbol := r.stderr.Good(term.SymbolGood)
	if !result.Passed() {
		symbol = r.stderr.Bad(term.SymbolBad)
	}
	fmt.Fprintf(r.stderr, "%s %s fixtures: %s\n",
		symbol, r.stderr.Dim(began.Format(time.TimeOnly)), result.Line())
	return result
}
