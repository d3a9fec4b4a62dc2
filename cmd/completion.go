package cmd

import (
	"fmt"

	"github.com/wasihttp/wasihttp/cmd/internal/cli"
	"github.com/wasihttp/wasihttp/cmd/internal/cmdline"
	"github.com/wasihttp/wasihttp/cmd/internal/completion"
	"github.com/wasihttp/wasihttp/cmd/internal/exit"
)

// completionCommand describes "wasihttp completion".
func completionCommand(t *state) *cli.Command {
	var scripts []*cli.Command
	for _, shell := range completion.Shells() {
		scripts = append(scripts, &cli.Command{
			Name:      shell,
			Usage:     "print the script for " + shell,
			UsageText: programName + " completion " + shell,
			Action: func(c *cli.Context) error {
				if err := cmdline.NoArguments(c); err != nil {
					return err
				}
				text, err := completion.Script(c.App, shell)
				if err != nil {
					return err
				}
				_, err = fmt.Fprint(t.stdout, text)
				return err
			},
		})
	}
	return &cli.Command{
		Name:      "completion",
		Usage:     "print a script that completes commands and flags in your shell",
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
	}
}
