package cmdline

import (
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

// First moves the flags of a command before its arguments, where the parser expects them, because
// people also type "serve app.wasm --addr :0". Everything after "--" is an argument. For a command
// in verbatim, everything after the first argument, such as the component to run, stays in place.
// The error says which flag has taken a word for its value that was meant for something else.
func First(app *cli.App, args []string, verbatim ...string) ([]string, error) {
	if len(args) > 1 && (args[1] == "help" || args[1] == "h") {
		// Everything that does not exist is reported in the same words.
		return append(slices.Concat(args[:1], args[2:]), "--help"), nil
	}
	if len(args) < 3 {
		return args, nil
	}
	index := slices.IndexFunc(app.Commands, func(c *cli.Command) bool { return c.HasName(args[1]) })
	if index < 0 || len(app.Commands[index].Subcommands) > 0 {
		return args, nil
	}
	command := app.Commands[index]
	stay := slices.Contains(verbatim, command.Name)
	w := line{flags: valueFlags(command.Flags)}
	w.read(args[2:], stay)
	program := app.HelpName + " " + command.Name
	if err := swallowed(program, command, w.taken, w.given, w.args); err != nil || stay {
		return args, err
	}
	ordered := append(slices.Clone(args[:2]), w.before...)
	if len(w.args) > 0 {
		ordered = append(append(ordered, "--"), w.args...)
	}
	return ordered, nil
}

// line is what follows the name of a command, word by word.
type line struct {
	flags map[string]cli.Flag // those that take a value, by their names
	// before are the flags with their values; args is the rest.
	before, args []string
	taken        []taken
	given        []string // the names of all flags
}

// read takes words apart. With stop the first argument is the last word that can be a flag.
func (w *line) read(list []string, stop bool) {
	for i := 0; i < len(list); i++ {
		word := list[i]
		if word == "--" {
			w.args = append(w.args, list[i+1:]...)
			return
		}
		if len(word) < 2 || word[0] != '-' {
			if w.args = append(w.args, word); stop {
				w.args = append(w.args, list[i+1:]...)
				return
			}
			continue
		}
		name := strings.TrimLeft(word, "-")
		w.before = append(w.before, word)
		w.given = append(w.given, name)
		if flag, ok := w.flags[name]; ok {
			if i++; i == len(list) {
				w.args = nil // nothing may follow that could be taken for the value
				return
			}
			w.before = append(w.before, list[i])
			w.taken = append(w.taken, taken{flag, name, list[i]})
		}
	}
}

// valueFlags returns the flags whose value is the next word, by their names.
func valueFlags(flags []cli.Flag) map[string]cli.Flag {
	names := make(map[string]cli.Flag)
	for _, f := range flags {
		if !TakesValue(f) {
			continue
		}
		for _, name := range f.Names() {
			names[name] = f
		}
	}
	return names
}

// TakesValue reports whether the value of a flag is the next word.
func TakesValue(f cli.Flag) bool {
	if _, isBool := f.(*cli.BoolFlag); isBool {
		return false
	}
	if g, ok := f.(*cli.GenericFlag); ok {
		if b, ok := g.Value.(interface{ IsBoolFlag() bool }); ok && b.IsBoolFlag() {
			return false
		}
	}
	return true
}
