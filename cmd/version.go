package cmd

import (
	"encoding/json"
	"fmt"

	"github.com/urfave/cli/v2"

	"github.com/wasihttp/wasihttp/cmd/internal/cmdline"
	"github.com/wasihttp/wasihttp/cmd/internal/version"
)

// versionCommand describes "wasihttp version".
func versionCommand(t *state) *cli.Command {
	asJSON := false
	b := &cmdline.Flags{}
	jsonFlag(b, &asJSON)
	return command(&cli.Command{
		Name:      "version",
		Usage:     "print the versions of the program, of Go and of the engine",
		UsageText: programName + " version [--json]",
		Description: cmdline.Examples(`
wasihttp version          lines for a bug report
wasihttp version --json   for a program`),
		Flags: b.All(),
		Action: func(c *cli.Context) error {
			if err := cmdline.NoArguments(c); err != nil {
				return err
			}
			if !asJSON {
				return printVersion(t)
			}
			enc := json.NewEncoder(t.stdout)
			enc.SetIndent("", "  ")
			return enc.Encode(version.Of(programName, version.Build()))
		},
	})
}

// printVersion writes one line each for the program, Go and the engine.
func printVersion(t *state) error {
	_, err := fmt.Fprint(t.stdout, version.Of(programName, version.Build()).Text())
	return err
}
