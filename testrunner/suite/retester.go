package suite

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/wasihttp/wasihttp/internal/term"
	"github.com/wasihttp/wasihttp/internal/words"
)

// Retester runs fixtures again and again, and says in a line how each run has ended. Its methods
// may be called from many goroutines, Run from one.
type Retester struct {
	suite *Suite
	json  bool
	due   chan struct{}
	keys  chan byte
}

// NewRetester returns the retester of a suite, which writes to the Err of the suite, as JSON if
// json is set. Options.All must be set.
func NewRetester(s *Suite, json bool) *Retester {
	return &Retester{suite: s, json: json, due: make(chan struct{}, 1), keys: make(chan byte, 1)}
}

// Again has the fixtures run soon. It does not block, and may be called on nil.
func (r *Retester) Again() {
	if r == nil {
		return
	}
	select {
	case r.due <- struct{}{}:
	default: // the run that is to come covers this build, too
	}
}

// Press passes on a key, and reports whether it is one of r's: d shows the differences of the last
// run, a accepts them. It does not block; nil has no keys.
func (r *Retester) Press(key byte) bool {
	if r == nil || key != 'd' && key != 'a' {
		return false
	}
	select {
	case r.keys <- key:
	default: // the fixtures are run, and a key waits for that already
	}
	return true
}

// Run runs the fixtures whenever Again is called, and acts on keys, until ctx ends.
func (r *Retester) Run(ctx context.Context) {
	var last *Retest
	for {
		select {
		case <-ctx.Done():
			return
		case <-r.due:
			last = r.once(ctx)
		case key := <-r.keys:
			switch {
			case last == nil:
				r.suite.note("no fixtures were run yet")
			case key == 'd':
				_, _ = io.WriteString(r.suite.Err, last.Details())
			default:
				n, err := last.Accept()
				if err != nil {
					r.suite.note("not accepted: %v", err)
				}
				r.suite.note("accepted %s", words.Count(n, "difference", "differences"))
				r.Again()
			}
		}
	}
}

// once runs the fixtures and prints the line about them. It returns nil if they could not be run.
func (r *Retester) once(ctx context.Context) *Retest {
	began := time.Now()
	result, err := r.suite.Retest(ctx)
	switch {
	case ctx.Err() != nil:
		return nil
	case err != nil:
		r.suite.note("--test: %v", err)
		return nil
	case r.json:
		same, changed, failed := result.Counts()
		line, _ := json.Marshal(map[string]any{
			"time": began.UTC().Format(time.RFC3339Nano), "event": "test",
			"same": same, "changed": changed, "failed": failed,
		})
		_, _ = r.suite.Err.Write(append(line, '\n'))
		return result
	}
	symbol := r.suite.Err.Good(term.SymbolGood)
	if !result.Passed() {
		symbol = r.suite.Err.Bad(term.SymbolBad)
	}
	fmt.Fprintf(r.suite.Err, "%s %s fixtures: %s\n",
		symbol, r.suite.Err.Dim(began.Format(time.TimeOnly)), result.Line())
	return result
}
