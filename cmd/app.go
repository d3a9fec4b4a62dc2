package cmd

import (
	"io"

	"github.com/wasihttp/wasihttp/cmd/internal/cli"
	"github.com/wasihttp/wasihttp/cmd/internal/cmdline"
)

// programName is the name of the program in messages, whatever its file is called.
const programName = "wasihttp"

// commandLine describes the command line. Each run makes a new one, which keeps what was parsed.
func commandLine(t *state, d doors) *cli.App {
	return &cli.App{
		Name:         programName,
		HelpName:     programName,
		Usage:        "serve and test WASI HTTP components",
		UsageText:    programName + " COMMAND [flags] [arguments]",
		Description:  cmdline.Examples(appExamples),
		Writer:       t.stdout,
		OnUsageError: cmdline.UsageError,
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "version", Usage: "print the version"},
		},
		Commands: []*cli.Command{
			newCommand(t),
			serveCommand(t, d),
			runCommand(t),
			testCommand(t, d),
			reviewCommand(t, d),
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
			_, err := io.WriteString(t.stdout, c.App.Help)
			return err
		},
	}
}

const appExamples = `
wasihttp new --lang rust hello write a new project
wasihttp serve app.wasm        serve a component on http://127.0.0.1:8080/
wasihttp serve                 find the component in this project, and serve it
wasihttp run tool.wasm ARGS…   run a component that is a command
wasihttp inspect app.wasm      show what a component needs, and what can run it
wasihttp serve --help          show all flags and more examples`
