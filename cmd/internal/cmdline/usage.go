package cmdline

import (
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/wasihttp/wasihttp/cmd/internal/exit"
)

// UsageError is a cli.OnUsageErrorFunc that describes the errors of the flag parser in the words of
// this program.
func UsageError(c *cli.Context, err error, _ bool) error {
	help := "see: " + helpCommand(c)
	msg := err.Error()
	if name, ok := strings.CutPrefix(msg, "flag provided but not defined: "); ok {
		name = strings.TrimLeft(name, "-")
		if meant := meantFlag(name, c); meant != "" {
			help = "did you mean " + meant + "? " + help
		} else if isWasmtimeOption(name) {
			help = "options of wasmtime such as -S and -W are not needed: all of WASI is " +
				"provided, and limits have their own flags. " + help
		}
		return exit.Usagef(help, "unknown flag %s", Dashed(name))
	}
	if name, ok := strings.CutPrefix(msg, "flag needs an argument: "); ok {
		return exit.Usagef(help, "flag %s needs a value", Dashed(strings.TrimLeft(name, "-")))
	}
	for _, before := range []string{"for flag -", "for -"} {
		if start, rest, ok := strings.Cut(msg, before); ok && !strings.HasPrefix(rest, "-") {
			msg = start + before + "-" + rest
			break
		}
	}
	return exit.Usagef(help, "%s",
		strings.Replace(msg, "invalid boolean value", "invalid value", 1))
}

// Dashed writes a flag as people do.
func Dashed(name string) string {
	if len(name) == 1 {
		return "-" + name
	}
	return "--" + name
}

// isWasmtimeOption reports whether a flag is one of wasmtime's groups of
// options, such as -Scli or -W timeout=5s.
func isWasmtimeOption(name string) bool {
	return name != "" && strings.ContainsRune("CDOSW", rune(name[0]))
}

// NoArguments refuses arguments of a command that takes none.
func NoArguments(c *cli.Context) error {
	if c.NArg() == 0 {
		return nil
	}
	return exit.Usagef("see: "+helpCommand(c), "%s takes no arguments: %s", c.Command.Name,
		strings.Join(c.Args().Slice(), " "))
}

// helpCommand returns the command that shows the help for what was called.
func helpCommand(c *cli.Context) string {
	if c.Command != nil && c.Command.HelpName != "" {
		return c.Command.HelpName + " --help"
	}
	return c.App.HelpName + " --help"
}
