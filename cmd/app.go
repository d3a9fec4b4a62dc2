package cmd

import (
	"github.com/urfave/cli/v2"

	"github.com/wasihttp/wasihttp/cmd/internal/cmdline"
)

// programName is the name of the program in messages, whatever its file is called.
const programName = "wasihttp"

// commandLine describes the command line. Each run makes a new one, because the library keeps state
// in it.
func commandLine(t *state, d doors) *cli.App {
	return &cli.App{
		Name:        programName,
		HelpName:    programName,
		Usage:       "serve and test WASI HTTP components",
		UsageText:   programName + " COMMAND [flags] [arguments]",
		Description: cmdline.Examples(appExamples),
		Writer:      t.stdout,
		ErrWriter:   t.stderr,
		Reader:      t.in,
		HideVersion: true,
		// A comma is an ordinary character in the values of repeatable flags.
		DisableSliceFlagSeparator: true,
		// By default the library ends the process for some errors.
		ExitErrHandler: func(*cli.Context, error) {},
		Suggest:        true,
		OnUsageError:   cmdline.UsageError,
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "version", Usage: "print the version", DisableDefaultText: true},
		},
		Commands: []*cli.Command{
			newCommand(t),
			serveCommand(t, d),
			runCommand(t),
			testCommand(t, d),
			reviewCommand(t, d),
			benchCommand(t, d),
			mergeCommand(t),
			inspectCommand(t),
			convertCommand(t),
			witCommand(t),
			configCommand(t, d),
			versionCommand(t),
			completionCommand(t),
			asideCommand(t),
			guardCommand(t),
		},
		Action: func(c *cli.Context) error {
			if c.Bool("version") {
				return printVersion(t)
			}
			if name := c.Args().First(); name != "" {
				return cmdline.UnknownCommand(c, name)
			}
			return cli.ShowAppHelp(c)
		},
	}
}

const appExamples = `
wasihttp new --lang js hello   write a new project
wasihttp serve app.wasm        serve a component on http://127.0.0.1:8080/
wasihttp serve                 find the component in this project, and serve it
wasihttp run tool.wasm ARGS…   run a component that is a command
wasihttp inspect app.wasm      show what a component needs, and what can run it
wasihttp serve --help          show all flags and more examples`

// command sets what all commands have in common.
func command(c *cli.Command) *cli.Command {
	c.OnUsageError = cmdline.UsageError
	c.HideHelpCommand = true
	action := c.Action
	c.Action = func(ctx *cli.Context) error {
		if err := cmdline.DistinctOutputs(ctx); err != nil {
			return err
		}
		return action(ctx)
	}
	return c
}
