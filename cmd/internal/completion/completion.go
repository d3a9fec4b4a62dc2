// Package completion holds the scripts that complete commands and flags in a shell.
package completion

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"

	"github.com/wasihttp/wasihttp/cmd/internal/cli"
	"github.com/wasihttp/wasihttp/cmd/internal/cmdline"
)

//go:embed bash.sh
var bash string

//go:embed zsh.sh
var zsh string

//go:embed powershell.ps1
var powershell string

// Shells returns the names of the shells that have a script.
func Shells() []string { return []string{"bash", "zsh", "fish", "powershell"} }

// Script returns the script for a shell of Shells, with which it completes the commands of app.
func Script(app *cli.App, shell string) (string, error) {
	switch shell {
	case "bash":
		return bash, nil
	case "zsh":
		return zsh, nil
	case "powershell":
		return powershell, nil
	}
	return fish(app), nil
}

// fish returns the script for fish, which has all commands and flags with what they do.
func fish(app *cli.App) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# Completion of %s for fish.\n", app.Name)
	complete := func(when, format string, args ...any) {
		fmt.Fprintf(&b, "complete -c %s -n %s %s\n", app.Name, when, fmt.Sprintf(format, args...))
	}
	var visit func(when string, flags []cli.Flag, commands []*cli.Command)
	visit = func(when string, flags []cli.Flag, commands []*cli.Command) {
		help := &cli.BoolFlag{Name: "help", Aliases: []string{"h"}, Usage: "show this help"}
		for _, f := range append(slices.Clone(flags), help) {
			options := ""
			for _, name := range f.Names() {
				if len(name) == 1 {
					options += "-s " + name + " "
				} else {
					options += "-l " + name + " "
				}
			}
			if f.TakesValue() {
				options += "-r " // files may be the value
			}
			complete(when, "%s-d %s", options, quoted(cmdline.Plain(f)))
		}
		for _, c := range commands {
			if c.Hidden {
				continue
			}
			names := quoted(strings.Join(c.Names(), " "))
			complete(when, "-f -a %s -d %s", names, quoted(c.Usage))
			within := "'__fish_seen_subcommand_from " + strings.Join(c.Names(), " ") + "'"
			visit(within, c.Flags, c.Subcommands)
		}
	}
	visit("__fish_use_subcommand", app.Flags, app.Commands)
	return b.String()
}

// quoted returns text in single quotes, as fish reads it.
func quoted(text string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, "'", `\'`).Replace(text) + "'"
}
