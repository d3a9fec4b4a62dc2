package cmd

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/wasihttp/wasihttp/term"
	"github.com/wasihttp/wasihttp/testrunner"
)

// reviewCommand describes "wasihttp review".
func (t *tool) reviewCommand() *cli.Command {
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
		Description: "Runs fixtures as " + programName + " test does, then shows each difference and asks. Keys, each with Enter:\n" +
			"a accept: the fixture expects from now on what came; r reject: the fixture stays, and the answer counts as\n" +
			"wrong; s skip: decide later; A accept all that are left; R reject all that are left; q end.\n" +
			"Exits as test does, for what was not accepted.\n\n" +
			examples(`
wasihttp review fixtures/                        one difference after the other
wasihttp review fixtures/ --component app.wasm   against this component`),
		Flags: kept,
		Action: func(c *cli.Context) error {
			s, err := flags.settings(t, c)
			if err != nil {
				return err
			}
			if s.ci {
				return usagef("run it on your machine and commit the change", "review changes fixtures, which is not done when CI is set")
			}
			s.options.All = true
			return t.review(c.Context, s)
		},
	})
}

// review runs "wasihttp review".
func (t *tool) review(ctx context.Context, s *testSettings) error {
	paths, err := testrunner.Find(s.paths)
	if err != nil {
		return usagef("", "%v", err)
	}
	run, err := t.runOnce(ctx, s, paths)
	if err != nil {
		return err
	}
	r := &reviewer{tool: t, settings: s, keys: bufio.NewReader(t.in)}
	for _, f := range run.Files {
		if err := r.file(f); err != nil {
			return err
		}
	}
	fmt.Fprintf(s.out, "%d accepted, %d rejected, %d left\n", r.accepted, r.rejected, r.left)
	return r.verdict(run.Summary)
}

// reviewer asks about differences.
type reviewer struct {
	*tool
	settings                 *testSettings
	keys                     *bufio.Reader
	all                      byte // 'A', 'R' or 'q' once that was the answer
	accepted, rejected, left int
}

// file asks about the differences in a file, and changes it.
func (r *reviewer) file(f *testrunner.FileResult) error {
	updates := testrunner.Updates(f)
	if !f.Writable() {
		r.left += len(updates)
		return nil
	}
	var accepted []testrunner.Update
	for _, u := range updates {
		switch r.decide(u) {
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
func (r *reviewer) decide(u testrunner.Update) byte {
	switch r.all {
	case 'A':
		return 'a'
	case 'R':
		return 'r'
	case 'q':
		return 's'
	}
	out := r.settings.out
	one := *u.Result
	one.Problems = []testrunner.Problem{*u.Problem}
	pretty := r.settings.pretty()
	_, _ = io.WriteString(out, "\n"+pretty.Entry(term.Clean(u.Path), &one))
	for {
		_, _ = io.WriteString(out, out.Strong("a accept, r reject, s skip, A all, R none, q end: "))
		line, err := r.keys.ReadString('\n')
		key := strings.TrimSpace(line)
		switch key {
		case "a", "r", "s":
			return key[0]
		case "A", "R", "q":
			r.all = key[0]
			return map[byte]byte{'A': 'a', 'R': 'r', 'q': 's'}[r.all]
		}
		if err != nil { // nobody answers any more
			r.all = 'q'
			return 's'
		}
	}
}

// verdict is that of the run without what was accepted.
func (r *reviewer) verdict(s *testrunner.Summary) error {
	v := s.Verdict()
	if v == testrunner.Mismatches && r.rejected+r.left == 0 {
		return nil
	}
	return verdictError(v)
}
