package cmdline

import (
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/wasihttp/wasihttp/cmd/internal/exit"
	"github.com/wasihttp/wasihttp/internal/words"
)

// UsageError is a cli.OnUsageErrorFunc that describes the errors of the flag parser in the words of
// this program.
func UsageError(c *cli.Context, err error, _ bool) error {
	help := "see: " + helpCommand(c)
	msg := err.Error()
	if name, ok := strings.CutPrefix(msg, "flag provided but not defined: "); ok {
		name = strings.TrimLeft(name, "-")
		if near := meantFlag(name, flagNames(c)); near != "" {
			help = "did you mean --" + near + "? " + help
		} else if isWasmtimeOption(name) {
			help = "options of wasmtime such as -S and -W are not needed: all of WASI is " +
				"provided, and limits have their own flags. " + help
		}
		return exit.Usagef(help, "unknown flag %s", dashed(name))
	}
	if name, ok := strings.CutPrefix(msg, "flag needs an argument: "); ok {
		return exit.Usagef(help, "flag %s needs a value", dashed(strings.TrimLeft(name, "-")))
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

// dashed writes a flag as people do.
func dashed(name string) string {
	if len(name) == 1 {
		return "-" + name
	}
	return "--" + name
}

// meantFlag returns the flag that the user may have meant by one that does not
// exist: the one that other servers call so, or else the one with the nearest
// name. It guesses nothing for a single letter.
func meantFlag(typed string, names []string) string {
	switch typed {
	case "p", "port", "host", "listen", "bind", "address":
		if slices.Contains(names, "addr") {
			return "addr"
		}
	}
	if len(typed) == 1 {
		return ""
	}
	return Nearest(typed, names)
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

func flagNames(c *cli.Context) []string {
	var names []string
	if c.Command == nil {
		return nil
	}
	for _, f := range c.Command.Flags {
		for _, name := range f.Names() {
			if len(name) > 1 {
				names = append(names, name)
			}
		}
	}
	return names
}

// UnknownCommand returns the error for a command that does not exist, with the
// command that the user may have meant.
func UnknownCommand(c *cli.Context, name string) error {
	if strings.HasSuffix(name, ".wasm") {
		return exit.Usagef("did you mean: "+c.App.HelpName+" serve "+name, "unknown command %q",
			name)
	}
	var names []string
	for _, command := range c.App.Commands {
		if !command.Hidden {
			names = append(names, command.Names()...)
		}
	}
	hint := "see: " + c.App.HelpName + " --help"
	if near := Nearest(name, names); near != "" {
		hint = "did you mean " + near + "? " + hint
	}
	return exit.Usagef(hint, "unknown command %q", name)
}

// Nearest returns the name that needs the fewest changes to become the typed
// one; "" if the user cannot have meant any of them. A name that begins or ends
// with the typed text is always near.
func Nearest(typed string, names []string) string {
	allowed := max(len(typed)/3, 2)
	if len(typed) <= 3 {
		allowed = 1 // two changes make of a short word any other
	}
	best, least := "", allowed+1
	for _, name := range names {
		distance := words.Distance(typed, name)
		if len(typed) >= 3 && strings.HasPrefix(name, typed) ||
			len(typed) >= 5 && strings.HasSuffix(name, typed) {
			distance = min(distance, 1)
		}
		if distance < least {
			best, least = name, distance
		}
	}
	return best
}

// First moves the flags of a command before its arguments, where the parser expects them, because
// people also type "serve app.wasm --addr :0". Everything after "--" is an argument. For a command
// in verbatim, everything after the first argument, such as the component to run, stays in place.
func First(app *cli.App, args []string, verbatim ...string) []string {
	if slices.Contains(args, CompletionFlag) {
		// Two dashes are the beginning of a flag there, and to the parser the end
		// of them.
		if last := len(args) - 2; last > 0 && args[last] == "--" {
			return append(slices.Clone(args[:last]), "-", CompletionFlag)
		}
		return args
	}
	if len(args) < 3 {
		return args
	}
	if args[1] == "help" || args[1] == "h" {
		// Everything that does not exist is reported in the same words.
		return append(slices.Concat(args[:1], args[2:]), "--help")
	}
	index := slices.IndexFunc(app.Commands, func(c *cli.Command) bool { return c.HasName(args[1]) })
	if index < 0 || len(app.Commands[index].Subcommands) > 0 ||
		slices.Contains(verbatim, app.Commands[index].Name) {
		return args
	}
	takesValue := valueFlags(app.Commands[index].Flags)
	var flags, rest []string
	for i := 2; i < len(args); i++ {
		arg := args[i]
		if arg == "--" {
			rest = append(rest, args[i+1:]...)
			break
		}
		if len(arg) < 2 || arg[0] != '-' {
			rest = append(rest, arg)
			continue
		}
		flags = append(flags, arg)
		if takesValue[strings.TrimLeft(arg, "-")] {
			if i++; i == len(args) {
				rest = nil // nothing may follow that could be taken for the value
				break
			}
			flags = append(flags, args[i])
		}
	}
	ordered := append(slices.Clone(args[:2]), flags...)
	if len(rest) > 0 {
		ordered = append(append(ordered, "--"), rest...)
	}
	return ordered
}

// valueFlags returns the names of the flags whose value is the next argument.
func valueFlags(flags []cli.Flag) map[string]bool {
	names := make(map[string]bool)
	for _, f := range flags {
		if _, isBool := f.(*cli.BoolFlag); isBool {
			continue
		}
		if g, ok := f.(*cli.GenericFlag); ok {
			if b, ok := g.Value.(interface{ IsBoolFlag() bool }); ok && b.IsBoolFlag() {
				continue
			}
		}
		for _, name := range f.Names() {
			names[name] = true
		}
	}
	return names
}
