package cmd

import (
	"github.com/urfave/cli/v2"

	"github.com/wasihttp/wasihttp/cmd/internal/capabilities"
	"github.com/wasihttp/wasihttp/cmd/internal/cmdline"
	"github.com/wasihttp/wasihttp/cmd/internal/config"
	"github.com/wasihttp/wasihttp/cmd/internal/covering"
	"github.com/wasihttp/wasihttp/cmd/internal/exit"
	"github.com/wasihttp/wasihttp/cmd/internal/profiling"
)

// reviewCommand describes "wasihttp review".
func reviewCommand(st *state, d doors) *cli.Command {
	flags := newTestFlags()
	var kept []cli.Flag
	for _, f := range flags.all() {
		switch f.Names()[0] {
		case "update", "watch", "list", "json",
			"report-junit", "report-tap", "report-json", "report-html",
			covering.Flag, covering.HTMLFlag, covering.MinFlag,
			profiling.Flag, profiling.HTMLFlag, capabilities.Flag,
			"quiet", "repeat", "shuffle", "seed", "shard-times", "detect-leaks",
			"chaos", "against", "all-methods":
		default:
			kept = append(kept, f)
		}
	}
	return config.Attach(command(&cli.Command{
		Name:      "review",
		Usage:     "replay fixtures and decide about each difference",
		UsageText: programName + " review [flags] [PATH…]",
		Description: "Runs fixtures as " + programName +
			" test does, then shows each difference and asks what to do. The keys (followed\n" +
			"by Enter if standard input is not a terminal):\n" +
			"  a  accept: the fixture expects the current response from now on\n" +
			"  i  ignore: the fixture does not compare that part of the response from now on\n" +
			"  r  reject: the fixture stays, and the response counts as wrong\n" +
			"  s  skip: decide later\n" +
			"  A  accept this difference and all that follow\n" +
			"  R  reject this difference and all that follow\n" +
			"  q  quit; what was accepted is written\n" +
			"Exits as " + programName + " test does, for the differences that were not " +
			"accepted.\n\n" +
			cmdline.Examples(`
wasihttp review fixtures/                        review every difference
wasihttp review fixtures/ --component app.wasm   against this component`),
		Flags: kept,
		Action: func(c *cli.Context) error {
			s, err := flags.settings(st, c)
			if err != nil {
				return err
			}
			if s.ci {
				return exit.Usagef("run it on your machine and commit the change",
					"review is refused because CI is set: it changes fixtures")
			}
			st.orderly.Store(true)
			if err := s.buildFirst(c.Context, st, d); err != nil {
				return err
			}
			s.suite.Host, s.suite.Options.All = s.host(st, d), true
			defer st.closeKeys()
			return exit.Verdict(s.suite.Review(c.Context, st.openKeys))
		},
	}), "test", st.dir)
}
