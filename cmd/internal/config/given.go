package config

import (
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/wasihttp/wasihttp/internal/term"
)

// Given returns the flags of the command line, for writing it again: each with a blank before it.
// It leaves out the flags that are named in except, and values that may be secret.
func Given(c *cli.Context, except ...string) string {
	var flags strings.Builder
	add := func(name, text string) {
		if n, _, ok := strings.Cut(text, "="); ok && (name == "env" || name == "secret") {
			text = n + "=…"
		}
		flags.WriteString(" --" + name + " " + term.ShellPath(text))
	}
	for _, flag := range c.Command.Flags {
		name := flag.Names()[0]
		if !c.IsSet(name) || Of(c).Sets(name) || slices.Contains(except, name) {
			continue
		}
		switch flag := flag.(type) {
		case *cli.BoolFlag:
			flags.WriteString(" --" + name)
		case *cli.StringSliceFlag:
			for _, value := range c.StringSlice(name) {
				add(name, value)
			}
		case *cli.StringFlag:
			add(name, c.String(name))
		case *cli.GenericFlag:
			add(name, flag.Value.String())
		}
	}
	return flags.String()
}
