package cmd

import (
	"github.com/urfave/cli/v2"

	"github.com/wasihttp/wasihttp/cmd/internal/cmdline"
	"github.com/wasihttp/wasihttp/cmd/internal/exit"
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
				return exit.Usagef("run it on your machine and commit the change", "review changes fixtures, which is not done when CI is set")
			}
			st.orderly.Store(true)
			s.suite.Host, s.suite.Options.All = s.host(st, d), true
			defer st.closeKeys()
			return verdictError(s.suite.Review(c.Context, st.openKeys))
		},
	})
}
