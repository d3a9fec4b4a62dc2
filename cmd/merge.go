package cmd

import (
	"io"

	"github.com/urfave/cli/v2"

	"github.com/wasihttp/wasihttp/cmd/internal/cmdline"
	"github.com/wasihttp/wasihttp/cmd/internal/exit"
	"github.com/wasihttp/wasihttp/internal/term"
	"github.com/wasihttp/wasihttp/testrunner/suite"
)

// mergeCommand describes "wasihttp merge-reports".
func mergeCommand(t *state) *cli.Command {
	var reports suite.Reports
	full := false
	b := &cmdline.Flags{}
	reportFlags(b, &reports)
	b.Toggle("full", &full, "show differences in full, however long")
	asJSON := false
	jsonFlag(b, &asJSON)
	return command(&cli.Command{
		Name:      "merge-reports",
		Usage:     "make one report of those of several test runs",
		UsageText: programName + " merge-reports [flags] REPORT…",
		Description: "Reads JSON reports of " + programName +
			" test (--report-json), such as those of the jobs of a CI\n" +
			"matrix, prints what failed in any of them, and writes reports of all together. " +
			"Exits as a\n" +
			"single run of " + programName + " test would, with 1 if a report cannot be read.\n\n" +
			cmdline.Examples(`
wasihttp merge-reports shard-*.json --report-html report     one page
wasihttp merge-reports shard-*.json --report-junit all.xml   one file for CI`),
		Flags: b.All(),
		Action: func(c *cli.Context) error {
			if c.NArg() == 0 {
				return exit.Usagef(
					"try: "+programName+" merge-reports shard-*.json --report-html report",
					"merge-reports needs a REPORT")
			}
			s := &suite.Suite{
				Program: programName, Paths: c.Args().Slice(), Out: t.stdout, Err: t.stderr,
				Full: full, Reports: reports,
				StepSummary: cmdline.Lookup(t.environ, "GITHUB_STEP_SUMMARY"),
			}
			if asJSON {
				printJSON(s)
			}
			return exit.Verdict(s.Merge())
		},
	})
}

// jsonFlag adds --json.
func jsonFlag(b *cmdline.Flags, into *bool) { b.Toggle("json", into, "print JSON") }

// printJSON has a suite print its results as JSON in place of text.
func printJSON(s *suite.Suite) {
	s.JSON, s.Out, s.GitHub = s.Out, term.New(io.Discard, nil), false
}

// reportFlags adds the flags that name the reports to write.
func reportFlags(b *cmdline.Flags, r *suite.Reports) {
	b.Output("report-junit", &r.JUnit, "write a JUnit XML report to `FILE`")
	b.Output("report-tap", &r.TAP, "write a TAP report to `FILE`")
	b.Output("report-json", &r.JSON, "write a JSON report to `FILE`")
	b.Output("report-html", &r.HTML, "write an HTML report into `FOLDER`")
}
