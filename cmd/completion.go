package cmd

import (
	"fmt"

	"github.com/urfave/cli/v2"

	"github.com/wasihttp/wasihttp/cmd/internal/cmdline"
	"github.com/wasihttp/wasihttp/cmd/internal/completion"
	"github.com/wasihttp/wasihttp/cmd/internal/exit"
	"github.com/wasihttp/wasihttp/internal/scaffold"
)

// completed returns the words with which a shell completes a command line, one on each line. It
// returns ok false if these arguments do not ask for them.
func completed(app *cli.App, args []string) (text string, ok bool) {
	l := completion.Line{
		App: app, Runs: runName, Nested: configName, Inner: configured(),
		Values: map[string][]string{
			"LANGUAGE": scaffold.Names(), "VERSION": {"0.2", "0.3"},
		},
	}
	switch last := len(args) - 1; {
	case last > 0 && args[1] == completion.Command:
		return l.Complete(args[2:]), true
	case last > 0 && args[last] == completion.OldFlag:
		return l.Old(args[1:last]), true
	}
	return "", false
}

// completionCommand describes "wasihttp completion".
func completionCommand(t *state) *cli.Command {
	var scripts []*cli.Command
	for _, shell := range completion.Shells() {
		scripts = append(scripts, command(&cli.Command{
			Name:      shell,
			Usage:     "print the script for " + shell,
			UsageText: programName + " completion " + shell,
			Action: func(c *cli.Context) error {
				if err := cmdline.NoArguments(c); err != nil {
					return err
				}
				_, err := fmt.Fprint(t.stdout, completion.Script(shell))
				return err
			},
		}))
	}
	return command(&cli.Command{
		Name:      "completion",
		Usage:     "print a script that completes commands, flags and values in your shell",
		UsageText: programName + " completion bash|zsh|fish|powershell",
		Description: cmdline.Examples(`
source <(wasihttp completion bash)                                      in ~/.bashrc
source <(wasihttp completion zsh)                                       in ~/.zshrc, after compinit
wasihttp completion fish > ~/.config/fish/completions/wasihttp.fish     once
wasihttp completion powershell | Out-String | Invoke-Expression         in $PROFILE`),
		Subcommands: scripts,
		Action: func(c *cli.Context) error {
			if name := c.Args().First(); name != "" {
				return exit.Usagef("use bash, zsh, fish or powershell",
					"there is no completion for %q", name)
			}
			return exit.Usagef("try: "+programName+" completion bash",
				"completion needs the name of a shell")
		},
	})
}
