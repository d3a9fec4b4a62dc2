package cmd

import (
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
	asJSON, wit := false, false
	flags := &cmdline.Flags{}
	flags.Toggle("wit", &wit, "also print the world of the component in full, as WIT")
	jsonFlag(flags, &asJSON)
	composeFlags(flags, &plugs, &chain)
	maxComponentFlag(flags, &limit)
	return command(&cli.Command{
		Name:      "inspect",
		Usage:     "show what a component is and needs, and what can run it",
		UsageText: programName + " inspect [flags] COMPONENT",
		Description: "Prints which command can run the component, here and with wasmtime; what " +
			"it exports; what it\nimports, grouped by what that means; and the tools that made " +
			"it. Exits with 0 if a command\ncan run the component. With --plug and --chain it " +
			"reports on the components together; for\nmiddleware by itself it prints how to use " +
			"it.\n\n" +
			cmdline.Examples(`
wasihttp inspect app.wasm                   as text
wasihttp inspect --wit app.wasm             with the whole world of the component
wasihttp inspect --json app.wasm            as JSON
wasihttp inspect app.wasm --plug db.wasm    with another component`),
		Flags: flags.All(),
		Action: func(c *cli.Context) error {
			if c.NArg() != 1 {
				return exit.Usagef("try: "+programName+" inspect app.wasm",
					"inspect takes exactly one COMPONENT, not %d", c.NArg())
			}
			parts := inspect.Parts{Plugs: plugs.Value(), Chain: chain.Value()}
			f := parts.Open(c.Args().First(), int64(limit), host.NewLinker()).CheckCode(c.Context)
			return writeReport(f, asJSON, wit, t.stdout)
		},
	})
}

// writeReport writes the report about a file. The error says why no command can run it; the report
// is written in that case as well.
func writeReport(f *inspect.File, asJSON, wit bool, out *term.Output) error {
	r := inspect.NewReport(f)
	var err error
	if asJSON {
		err = r.JSON(out)
	} else if f.Data != nil {
		err = r.Text(out, wit)
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
