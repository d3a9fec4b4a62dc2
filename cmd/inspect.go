package cmd

import (
	"context"
	"fmt"

	"github.com/urfave/cli/v2"

	"github.com/wasihttp/wasihttp/cmd/internal/cmdline"
	"github.com/wasihttp/wasihttp/cmd/internal/exit"
	"github.com/wasihttp/wasihttp/host"
	"github.com/wasihttp/wasihttp/internal/inspect"
	"github.com/wasihttp/wasihttp/internal/regular"
	"github.com/wasihttp/wasihttp/internal/term"
)

// inspectCommand describes "wasihttp inspect".
func inspectCommand(t *state) *cli.Command {
	limit := cmdline.Size(regular.MaxFile)
	var plugs, chain cli.StringSlice
	asJSON := false
	flags := &cmdline.Flags{}
	flags.Toggle("json", &asJSON, "print JSON")
	composeFlags(flags, &plugs, &chain)
	maxComponentFlag(flags, &limit)
	return command(&cli.Command{
		Name:      "inspect",
		Usage:     "show what a component is and needs, and what can run it",
		UsageText: programName + " inspect [flags] COMPONENT",
		Description: "Prints the size and digest of the file, the tools that made it, its world " +
			"as WIT, whether\neach import is provided, and which command can run it. Exits with " +
			"0 if a command can run the\ncomponent. With --plug and --chain it reports on the " +
			"components together; for middleware by\nitself it prints how to use it.\n\n" +
			cmdline.Examples(`
wasihttp inspect app.wasm                   as text
wasihttp inspect --json app.wasm            as JSON
wasihttp inspect app.wasm --plug db.wasm    with another component`),
		Flags: flags.All(),
		Action: func(c *cli.Context) error {
			if c.NArg() != 1 {
				return exit.Usagef("try: "+programName+" inspect app.wasm",
					"inspect takes exactly one COMPONENT, not %d", c.NArg())
			}
			parts := inspect.Parts{Plugs: plugs.Value(), Chain: chain.Value()}
			return inspectFile(c.Context, c.Args().First(), parts, int64(limit), asJSON, t.stdout)
		},
	})
}

// inspectFile writes the report about the file at path, put together with its parts; each file may
// have limit bytes. The error says why no command can run the component; the report is written in
// that case as well.
func inspectFile(ctx context.Context, path string, parts inspect.Parts, limit int64,
	asJSON bool, out *term.Output) error {
	f := parts.Open(path, limit, host.NewLinker()).CheckCode(ctx)
	r := inspect.NewReport(f)
	var err error
	if asJSON {
		err = r.JSON(out)
	} else if f.Data != nil {
		err = r.Text(out)
	}
	if err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	return exit.Problem(f.Problem)
}

// discover returns the one component below the current folder that can be served, of limit bytes at
// most; purpose and how are those of inspect.Find.
func (d doors) discover(purpose, how string, limit int64) (string, error) {
	path, problem := inspect.Find(purpose, how, func(path string) (bool, string) {
		return d.servable(path, limit)
	})
	if problem != nil {
		return "", exit.New(exit.Usage, problem, problem.Hint, problem.Message)
	}
	return path, nil
}
