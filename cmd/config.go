package cmd

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/wasihttp/wasihttp/cmd/internal/cmdline"
	"github.com/wasihttp/wasihttp/cmd/internal/config"
	"github.com/wasihttp/wasihttp/cmd/internal/exit"
)

// configName is the command that shows settings. Arguments after the name of a command belong to
// that command.
const configName = "config"

// configured are the commands that have settings.
func configured() []string { return []string{"serve", "test", "run", "review"} }

// configCommand describes "wasihttp config".
func configCommand(t *state, d doors) *cli.Command {
	return command(&cli.Command{
		Name:      configName,
		Usage:     "show which settings are in force, and where they come from",
		UsageText: programName + " config [flags] [COMMAND [ARGUMENTS…]]",
		Description: "Prints the value of each flag of COMMAND, and whether it is the default, " +
			"stands in wasihttp.toml\n(with its line), or was given on the command line. COMMAND " +
			"is serve, test, run or review; without one\nall but review are shown. Values of " +
			"variables are not printed.\n\n" +
			cmdline.Examples(`
wasihttp config                            all settings
wasihttp config serve app.wasm --addr :0   what serve would take from these arguments
wasihttp config --json test                for a program
wasihttp config --schema                   the JSON schema of wasihttp.toml, for editors`),
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "json", Usage: "print JSON", DisableDefaultText: true},
			&cli.BoolFlag{
				Name: "schema", DisableDefaultText: true,
				Usage: "print the JSON schema of wasihttp.toml",
			},
			&cli.StringFlag{Name: config.FlagName, Usage: "read settings from `FILE`"},
		},
		Action: func(c *cli.Context) error {
			if c.Bool("schema") {
				schema, err := config.Schema(c.App)
				if err == nil {
					_, err = t.stdout.Write(schema)
				}
				return err
			}
			names, args := configured()[:3], c.Args().Slice()
			if len(args) > 0 {
				if names = args[:1]; !slices.Contains(configured(), names[0]) {
					return exit.Usagef("name one of them: "+strings.Join(configured(), ", "),
						"%s has no settings: %q is no command that takes them", programName,
						names[0])
				}
				args = args[1:]
			}
			asJSON := c.Bool("json")
			if i := slices.Index(args, "--json"); i >= 0 {
				args, asJSON = slices.Delete(slices.Clone(args), i, i+1), true
			}
			if file := c.String(config.FlagName); c.IsSet(config.FlagName) {
				args = append([]string{"--" + config.FlagName + "=" + file}, args...)
			}
			var reports []*config.Report
			for _, name := range names {
				r, err := t.inForce(c.Context, d, append([]string{programName, name}, args...))
				if err != nil || r == nil {
					return err
				}
				reports = append(reports, r)
			}
			return writeReports(t, reports, asJSON)
		},
	})
}

// inForce returns what would be in force for a command with these arguments, without running it. It
// returns nil if the arguments ask for something else, such as help.
func (t *state) inForce(ctx context.Context, d doors, args []string) (*config.Report, error) {
	app := commandLine(t, d)
	cmdline.WriteHelp(app, 0)
	var r *config.Report
	app.Command(args[1]).Action = func(c *cli.Context) (err error) {
		r, err = config.NewReport(c)
		return err
	}
	args, err := cmdline.First(app, args, runName)
	if err == nil {
		err = app.RunContext(ctx, args)
	}
	return r, err
}

// writeReports writes reports for people or for programs.
func writeReports(t *state, reports []*config.Report, asJSON bool) error {
	if asJSON {
		enc := json.NewEncoder(t.stdout)
		enc.SetEscapeHTML(false)
		enc.SetIndent("", "  ")
		return enc.Encode(map[string]any{"commands": reports})
	}
	var texts []string
	for _, r := range reports {
		texts = append(texts, r.Text())
	}
	_, err := t.stdout.Write([]byte(strings.Join(texts, "\n")))
	return err
}
