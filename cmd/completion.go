package cmd

import (
	_ "embed"
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/wasihttp/wasihttp/cmd/internal/cmdline"
	"github.com/wasihttp/wasihttp/cmd/internal/exit"
)

//go:embed completion/bash.sh
var bashCompletion string

//go:embed completion/zsh.sh
var zshCompletion string

//go:embed completion/powershell.ps1
var powershellCompletion string

// completionCommand describes "wasihttp completion".
func completionCommand(t *state) *cli.Command {
	script := func(shell, text string) *cli.Command {
		return command(&cli.Command{
			Name:      shell,
			Usage:     "print the script for " + shell,
			UsageText: programName + " completion " + shell,
			Action: func(c *cli.Context) error {
				if err := cmdline.NoArguments(c); err != nil {
					return err
				}
				_, err := fmt.Fprint(t.stdout, text)
				return err
			},
		})
	}
	fish := script("fish", "")
	fish.Action = func(c *cli.Context) error {
		if err := cmdline.NoArguments(c); err != nil {
			return err
		}
		text, err := c.App.ToFishCompletion()
		if err != nil {
			return err
		}
		// The library shows the marks around the names of values.
		_, err = fmt.Fprint(t.stdout, strings.ReplaceAll(text, "`", ""))
		return err
	}
	return command(&cli.Command{
		Name:      "completion",
		Usage:     "print a script that completes commands and flags in your shell",
		UsageText: programName + " completion bash|zsh|fish|powershell",
		Description: cmdline.Examples(`
source <(wasihttp completion bash)                                      in ~/.bashrc
source <(wasihttp completion zsh)                                       in ~/.zshrc, after compinit
wasihttp completion fish > ~/.config/fish/completions/wasihttp.fish     once
wasihttp completion powershell | Out-String | Invoke-Expression         in $PROFILE`),
		Subcommands: []*cli.Command{
			script("bash", bashCompletion),
			script("zsh", zshCompletion),
			fish,
			script("powershell", powershellCompletion),
		},
		Action: func(c *cli.Context) error {
			if name := c.Args().First(); name != "" {
				return exit.Usagef("the shells are bash, zsh, fish and powershell", "there is no completion for %q", name)
			}
			return exit.Usagef("try: "+programName+" completion bash", "completion needs the name of a shell")
		},
	})
}
