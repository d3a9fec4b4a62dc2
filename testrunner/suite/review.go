package suite

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/wasihttp/wasihttp/internal/term"
	"github.com/wasihttp/wasihttp/testrunner"
)

// Review runs the fixtures, shows each difference and asks whether the fixture
// should expect the response. Options.All must be set. openKeys begins to read
// the keys of a terminal, and returns nil if there is none: then lines of In are
// read. The verdict is that of the differences that were not accepted; the error
// is as that of Run, or says which fixtures could not be written.
func (s *Suite) Review(
	ctx context.Context, openKeys func() *term.Keys,
) (testrunner.Verdict, error) {
	paths, err := s.find()
	if err != nil {
		return 0, err
	}
	s.asks = true
	r := &reviewer{Suite: s, lines: bufio.NewReader(s.In)}
	run, err := s.once(ctx, paths)
	if err != nil {
		return 0, err
	}
	run.accepted = true
	r.keys = openKeys()
	for _, f := range run.Files {
		r.total += len(testrunner.Updates(f))
	}
	var errs []error
	for _, f := range run.Files {
		run.left += testrunner.Unacceptable(f)
		if err := r.file(ctx, f); err != nil {
			errs = append(errs, err) // the others are written nevertheless
		}
	}
	run.left += r.rejected + r.left
	fmt.Fprintf(s.Out, "%d accepted, %d rejected, %d left\n", r.accepted, r.rejected, r.left)
	switch {
	case ctx.Err() != nil:
		return 0, context.Cause(ctx)
	case len(errs) > 0:
		err := errors.Join(errs...)
		return 0, &Error{
			Message: term.Sprintf("not written: %v", err), Hint: "run review again for the rest",
			Err: err,
		}
	}
	return run.verdict(), nil
}

// reviewer asks about differences.
type reviewer struct {
	*Suite
	keys                     *term.Keys // nil without a terminal: lines are read instead
	lines                    *bufio.Reader
	all                      byte // 'A', 'R' or 'q' once the user has chosen it
	total, asked             int
	accepted, rejected, left int
}

// file asks about the differences in a file, and changes it.
func (r *reviewer) file(ctx context.Context, f *testrunner.FileResult) error {
	updates := testrunner.Updates(f)
	if !f.Writable() {
		r.asked += len(updates)
		r.left += len(updates)
		return nil
	}
	var accepted []testrunner.Update
	for _, u := range updates {
		r.asked++
		switch r.decide(ctx, u) {
		case 'a':
			accepted = append(accepted, u)
		case 'i':
			if ignoring, ok := u.Ignoring(f.File.Source); ok {
				accepted = append(accepted, ignoring)
			} else {
				fmt.Fprintln(r.Out, "this difference cannot be ignored: left")
				r.left++
			}
		case 'r':
			r.rejected++
		default:
			r.left++
		}
	}
	if len(accepted) == 0 {
		return nil
	}
	if _, err := testrunner.Apply(f.Path, f.File.Source, accepted); err != nil {
		r.left += len(accepted)
		return err
	}
	r.accepted += len(accepted)
	return nil
}

// decide returns 'a', 'r' or 's'.
func (r *reviewer) decide(ctx context.Context, u testrunner.Update) byte {
	if r.all == 0 {
		r.ask(ctx, u)
	}
	answer := r.all
	switch r.all {
	case 'a', 'i', 'r', 's':
		r.all = 0
	}
	return map[byte]byte{
		'a': 'a', 'i': 'i', 'A': 'a', 'r': 'r', 'R': 'r', 's': 's', 'q': 's',
	}[answer]
}

// ask shows a difference and waits for the user's choice. It stores a choice for all in all.
func (r *reviewer) ask(ctx context.Context, u testrunner.Update) {
	_, _ = io.WriteString(r.Out, "\n"+r.pretty().Update(u))
	question := fmt.Sprintf(
		"%d of %d: a accept, i ignore, r reject, s skip, A accept all, R reject all, q quit: ",
		r.asked, r.total)
	for r.all == 0 {
		_, _ = io.WriteString(r.Out, r.Out.Strong(question))
		key := r.key(ctx)
		if strings.IndexByte("airsARq", key) >= 0 {
			r.all = key
		}
	}
}

// key returns a key; 'q' at the end of the input.
func (r *reviewer) key(ctx context.Context) byte {
	if r.keys == nil {
		read := make(chan byte, 1)
		if !r.await(ctx, func() { read <- r.line() }) {
			return 'q'
		}
		return <-read
	}
	select {
	case key, ok := <-r.keys.Presses():
		if !ok {
			return 'q'
		}
		// Keys are not shown by the terminal.
		_, _ = io.WriteString(r.Out, term.Clean(string(rune(key)))+"\n")
		return key
	case <-ctx.Done():
		_, _ = io.WriteString(r.Out, "\n")
		return 'q'
	}
}

// line reads a line and returns its key.
func (r *reviewer) line() byte {
	line, err := r.lines.ReadString('\n')
	switch key := strings.TrimSpace(line); {
	case len(key) == 1:
		return key[0]
	case err != nil:
		return 'q'
	}
	return '?'
}
