package cmd

import (
	"github.com/urfave/cli/v2"

	"github.com/wasihttp/wasihttp/cmd/internal/capabilities"
	"github.com/wasihttp/wasihttp/cmd/internal/cmdline"
	"github.com/wasihttp/wasihttp/cmd/internal/config"
	"github.com/wasihttp/wasihttp/cmd/internal/exit"
	"github.com/wasihttp/wasihttp/cmd/internal/profiling"
	"github.com/wasihttp/wasihttp/cmd/internal/program"
)

// runName is the command that runs a program. What follows its component on the command line is the
// program's.
const runName = "run"

// runCommand describes "wasihttp run".
func runCommand(t *state) *cli.Command {
	flags := newServeFlags()
	flags.timeout = 0
	return config.Attach(command(&cli.Command{
		Name:      runName,
		Usage:     "run a component that is a command",
		UsageText: programName + " run [flags] COMPONENT [ARGUMENTS…]",
		Description: "Runs the wasi:cli/run export of COMPONENT with the standard streams of " +
			programName + ", and exits with the\ncomponent's exit code: 1 if it returned an " +
			"error, 134 if it trapped. Flags come before COMPONENT; what\nfollows it is passed " +
			"on.\n\n" +
			cmdline.Examples(runExamples),
		Flags: runFlags(flags),
		Action: func(c *cli.Context) error {
			path := config.Of(c).Component(c.Args().First())
			if path == "" && c.NArg() == 0 {
				return exit.Usagef("try: "+programName+" run tool.wasm", "run needs a COMPONENT")
			}
			settings, err := flags.settings(t)
			if err != nil {
				return err
			}
			// What was asked for is written after a signal, too.
			t.orderly.Store(settings.profile != nil || settings.used != nil)
			settings.load.Args = c.Args().Tail()
			// The guest is to notice that the reader of its output has gone.
			defer t.surviveReaders()()
			return settings.reported(program.Run(c.Context, path, settings.load, program.Process{
				Name: programName, In: t.in, Out: t.stdout, Err: t.stderr, Quiet: settings.quiet,
				Notice: func(line string) { t.note("%s", line) },
			}))
		},
	}), runName, t.dir)
}

const runExamples = `
wasihttp run tool.wasm                      without arguments
wasihttp run tool.wasm --verbose in.txt     with arguments for the component
wasihttp run --env DEBUG=1 tool.wasm        with an environment variable
wasihttp run --dir .::/ tool.wasm           with the current folder as its root
wasihttp run --timeout 5s tool.wasm         stop after 5 seconds`

// runFlags are those of serve's flags that make sense for a program.
func runFlags(f *serveFlags) []cli.Flag {
	b := &cmdline.Flags{}
	b.Pick(f.all(), "plug", "chain", "env", "env-file", "inherit-env", "config-var", "keyvalue",
		"dir", "cwd", "timeout", "max-memory", "max-component-size", "allow-outbound",
		"outbound-h2c", "no-outbound", "ca-file", "inherit-network", "allow-net",
		profiling.Flag, profiling.HTMLFlag, capabilities.Flag,
		"cache-dir", "no-cache", "quiet")
	b.Describe("timeout", "stop the component after `TIME`; 0 means no limit")
	b.Describe("quiet", "do not log outbound requests")
	return b.All()
}
