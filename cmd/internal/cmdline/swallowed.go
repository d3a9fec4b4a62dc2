package cmdline

import (
	"os"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/wasihttp/wasihttp/cmd/internal/exit"
)

// argument is what a command takes beside its flags.
type argument struct {
	// name is that of the usage: COMPONENT, PATH, …; "" for none.
	name string
	// suffixes are what names of such files end with.
	suffixes []string
	// folders reports whether it can be a folder.
	folders bool
}

// argumentOf returns the first argument that the usage of a command has.
func argumentOf(c *cli.Command) argument {
	words := strings.Fields(c.UsageText)
	for i, word := range words {
		if i > 0 && strings.HasPrefix(words[i-1], "-") {
			continue // the value of a flag
		}
		switch name := strings.Trim(word, "[].…"); name {
		case "COMPONENT":
			return argument{name: name, suffixes: []string{".wasm", ".wat"}}
		case "PATH":
			return argument{name: name, suffixes: []string{".hurl", ".har"}, folders: true}
		case "REPORT":
			return argument{name: name, suffixes: []string{".json"}}
		case "FILE":
			return argument{name: name, suffixes: []string{".har", ".har.zip", ".json"}}
		}
	}
	return argument{}
}

// ArgumentOf returns the name that the usage of a command has for its first argument, "" if it
// takes none, what names of such files end with, and whether it takes several.
func ArgumentOf(c *cli.Command) (name string, ends []string, several bool) {
	a := argumentOf(c)
	return a.name, a.suffixes, strings.Contains(c.UsageText, a.name+"…") ||
		strings.Contains(c.UsageText, a.name+"...")
}

// matches reports whether a word is probably such an argument.
func (a argument) matches(word string) bool {
	if slices.ContainsFunc(a.suffixes, func(s string) bool { return strings.HasSuffix(word, s) }) {
		return true
	}
	if !a.folders {
		return false
	}
	info, err := os.Stat(word)
	return strings.HasSuffix(word, "/") || err == nil && info.IsDir()
}

// isThere reports whether the arguments of a command have what it is for. A component has the name
// of a program; what else is there may be for it.
func (a argument) isThere(args []string) bool {
	if a.name == "COMPONENT" {
		return slices.ContainsFunc(args, a.matches)
	}
	return len(args) > 0
}

// taken is a flag, as it was written, whose value is the next word.
type taken struct {
	flag        cli.Flag
	name, value string
}

// swallowed returns an error if a flag has taken for its value what was meant for something else:
// the file that the command is for, or the next flag. program is how the command is called, args
// are its arguments, given the names of its flags.
func swallowed(program string, c *cli.Command, flags []taken, given, args []string) error {
	a := argumentOf(c)
	lacks := a.name != "" && !a.isThere(args)
	for _, t := range slices.Backward(flags) {
		switch {
		case t.isFlag(c):
			return exit.Usagef(t.hint(program), "flag %s needs a value: %s is a flag",
				Dashed(t.name), t.value)
		case lacks && a.matches(t.value) && !t.wants(a, given):
			return exit.Usagef(t.hint(program),
				"flag %s has taken %s for its value: there is no %s", Dashed(t.name), t.value,
				a.name)
		}
	}
	return nil
}

// isFlag reports whether the value is a flag of the command. An argument of a component may be
// one of its own.
func (t taken) isFlag(c *cli.Command) bool {
	return ValueName(t.flag) != "ARGUMENT" && slices.ContainsFunc(c.Flags, func(f cli.Flag) bool {
		return slices.ContainsFunc(f.Names(), func(name string) bool {
			return t.value == Dashed(name) || strings.HasPrefix(t.value, Dashed(name)+"=")
		})
	})
}

// wants reports whether the flag, too, takes what the command is for.
func (t taken) wants(a argument, given []string) bool {
	switch ValueName(t.flag) {
	case "DEP.wasm", "MIDDLEWARE.wasm":
		return true
	}
	// The crashes have a folder of their own, so that others are for the flags.
	return a.folders && slices.Contains(given, "crashes")
}

// hint shows how the command line was probably meant.
func (t taken) hint(program string) string {
	value := ValueName(t.flag)
	if value == "" {
		value = "VALUE"
	}
	return "did you mean: " + program + " " + Dashed(t.name) + " " + value + " " + t.value +
		"? if " + t.value + " is the value, write " + Dashed(t.name) + "=" + t.value
}

// ValueName returns the name that the help of a flag has for its value, such as FILE in "read
// `FILE`"; "" for none.
func ValueName(f cli.Flag) string {
	doc, ok := f.(cli.DocGenerationFlag)
	if !ok {
		return ""
	}
	_, rest, _ := strings.Cut(doc.GetUsage(), "`")
	name, _, _ := strings.Cut(rest, "`")
	return name
}
