package cmd

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/wasihttp/wasihttp/cmd/internal/cmdline"
	"github.com/wasihttp/wasihttp/internal/term"
	"github.com/wasihttp/wasihttp/testrunner"
)

// reviewCommand describes "wasihttp review".
func reviewCommand(st *state, d doors) *cli.Command {
	flags := newTestFlags()
	var kept []cli.Flag
	for _, f := range flags.all() {
		switch f.Names()[0] {
		case "update", "watch", "list", "report-junit", "report-tap", "report-json", "report-html", "quiet", "repeat", "shuffle", "seed":
		default:
			kept = append(kept, f)
		}
	}
	return command(&cli.Command{
		Name:      "review",
		Usage:     "replay fixtures and decide about each difference",
		UsageText: programName + " review [flags] PATH…",
		Description: "Runs fixtures as " + programName + " test does, then shows each difference and asks. Keys (with Enter, where\n" +
			"standard input is no terminal): a accept: the fixture expects from now on what came; r reject: the fixture\n" +
			"stays, and the answer counts as wrong; s skip: decide later; A accept all that are left; R reject all that\n" +
			"are left; q end. What was accepted before the end is written.\n" +
			"Exits as test does, for what was not accepted.\n\n" +
			cmdline.Examples(`
wasihttp review fixtures/                        one difference after the other
wasihttp review fixtures/ --component app.wasm   against this component`),
		Flags: kept,
		Action: func(c *cli.Context) error {
			s, err := flags.settings(st, c)
			if err != nil {
				return err
			}
			if s.ci {
				return usagef("run it on your machine and commit the change", "review changes fixtures, which is not done when CI is set")
			}
			s.options.All, s.review = true, true
			return (&tester{st, d}).review(c.Context, s)
		},
	})
}

// review runs "wasihttp review".
func (t *tester) review(ctx context.Context, s *testSettings) error {
	t.orderly.Store(true)
	paths, err := s.find()
	if err != nil {
		return err
	}
	run, err := t.runOnce(ctx, s, paths)
	if err != nil {
		return err
	}
	r := &reviewer{tester: t, settings: s, keys: t.openKeys(), lines: bufio.NewReader(t.in)}
	defer t.closeKeys()
	for _, f := range run.Files {
		r.total += len(testrunner.Updates(f))
	}
	for _, f := range run.Files {
		if err := r.file(ctx, f); err != nil {
			return err
		}
	}
	fmt.Fprintf(s.out, "%d accepted, %d rejected, %d left\n", r.accepted, r.rejected, r.left)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return r.verdict(run.Summary)
}

// reviewer asks about differences.
type reviewer struct {
	*tester
	settings                 *testSettings
	keys                     *term.Keys // nil where there is no terminal; then lines are read
	lines                    *bufio.Reader
	all                      byte // 'A', 'R' or 'q' once that was the answer
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
		return loadError(err, "", "%v", err)
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
	case 'a', 'r', 's':
		r.all = 0
	}
	return map[byte]byte{'a': 'a', 'A': 'a', 'r': 'r', 'R': 'r', 's': 's', 'q': 's'}[answer]
}

// ask shows a difference and waits for an answer, which it leaves in all.
func (r *reviewer) ask(ctx context.Context, u testrunner.Update) {
	out := r.settings.out
	one := *u.Result
	one.Problems = []testrunner.Problem{*u.Problem}
	_, _ = io.WriteString(out, "\n"+r.settings.pretty().Entry(u.Path, &one))
	question := fmt.Sprintf("%d of %d: a accept, r reject, s skip, A all, R none, q end: ", r.asked, r.total)
	for r.all == 0 {
		_, _ = io.WriteString(out, out.Strong(question))
		key := r.key(ctx)
		if strings.IndexByte("arsARq", key) >= 0 {
			r.all = key
		}
	}
}

// key returns a key; 'q' when nobody answers any more.
func (r *reviewer) key(ctx context.Context) byte {
	if r.keys == nil {
		key, ok := awaited(ctx, r.state, r.line)
		if !ok {
			return 'q'
		}
		return key
	}
	select {
	case key, ok := <-r.keys.Presses():
		if !ok {
			return 'q'
		}
		_, _ = io.WriteString(r.settings.out, term.Clean(string(rune(key)))+"\n") // keys are not shown by the terminal
		return key
	case <-ctx.Done():
		_, _ = io.WriteString(r.settings.out, "\n")
		return 'q'
	}
}

// line reads a line that stands for a key.
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

// verdict is that of the run without what was accepted.
func (r *reviewer) verdict(s *testrunner.Summary) error {
	v := s.Verdict()
	if v == testrunner.Mismatches && r.rejected+r.left == 0 {
		return nil
	}
	return verdictError(v)
}
