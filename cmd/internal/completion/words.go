package completion

import (
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/wasihttp/wasihttp/cmd/internal/cmdline"
)

// Command is what scripts call the program with. The word after it is the one that is to be
// completed, with an equals sign before it since shells drop empty words; then come the words
// before that one.
const Command = "__complete"

// Word is what may stand in place of the word that is to be completed, or, if Text begins with a
// colon, files that may.
type Word struct{ Text, Help string }

// What stands for files in place of a word: folders alone, or with all files, or with files whose
// names have one of the ends that follow.
const (
	folders = ":folders"
	files   = ":files"
)

// Line is a command line that is being written.
type Line struct {
	App *cli.App
	// Values are the words for values of flags, by the name of the value in the help.
	Values map[string][]string
	// Runs is the command whose later arguments belong to another program.
	Runs string
	// Nested is the command whose arguments are a command of this program: one of Inner.
	Nested string
	Inner  []string
}

// Complete returns lines for a script that has called the program with these arguments after
// Command: each a word, and after a tab what it means. Words that do not begin as the word that is
// to be completed are left out.
func (l Line) Complete(args []string) string {
	if len(args) == 0 {
		return ""
	}
	current := strings.TrimPrefix(args[0], "=")
	var lines strings.Builder
	for _, w := range l.Words(args[1:], current) {
		switch {
		case strings.HasPrefix(w.Text, ":"):
			lines.WriteString(w.Text + "\n")
		case strings.HasPrefix(w.Text, current):
			lines.WriteString(strings.TrimSuffix(w.Text+"\t"+w.Help, "\t") + "\n")
		}
	}
	return lines.String()
}

// Words returns what may follow the words before, in place of current.
func (l Line) Words(before []string, current string) []Word {
	if len(before) == 0 {
		return l.first(current)
	}
	c := l.App.Command(before[0])
	switch {
	case c == nil || c.Hidden:
		return nil
	case len(c.Subcommands) > 0 && len(before) == 1 && !strings.HasPrefix(current, "-"):
		return commands(c.Subcommands)
	}
	arguments, pending, given := 0, cli.Flag(nil), []string(nil)
	for i, word := range before[1:] {
		name, isFlag := strings.CutPrefix(word, "-")
		switch {
		case pending != nil:
			pending = nil
		case word == "--":
			return l.argument(c, arguments+len(before)-2-i)
		case isFlag && name != "":
			f := flagOf(c, strings.TrimPrefix(name, "-"))
			given = append(given, word)
			if f != nil && cmdline.TakesValue(f) {
				pending = f
			}
		case c.Name == l.Nested:
			return l.Words(before[1+i:], current)
		default:
			if arguments++; c.Name == l.Runs {
				return []Word{{Text: files}}
			}
		}
	}
	if pending != nil {
		return l.values(pending)
	}
	if name, _, ok := strings.Cut(current, "="); ok && strings.HasPrefix(name, "-") {
		return l.assigned(c, name)
	}
	if strings.HasPrefix(current, "-") {
		return flagWords(c.Flags, given)
	}
	return l.argument(c, arguments)
}

// first returns what may be the first word.
func (l Line) first(current string) []Word {
	if strings.HasPrefix(current, "-") {
		return flagWords(l.App.Flags, nil)
	}
	return commands(l.App.Commands)
}

// commands returns the commands that are shown in the help.
func commands(list []*cli.Command) []Word {
	var words []Word
	for _, c := range list {
		if !c.Hidden {
			words = append(words, Word{c.Name, c.Usage})
		}
	}
	return words
}

// flagWords returns the flags, without those that were given already and cannot be repeated.
func flagWords(flags []cli.Flag, given []string) []Word {
	open := slices.DeleteFunc(slices.Clone(flags), func(f cli.Flag) bool {
		_, repeatable := f.(*cli.StringSliceFlag)
		return !repeatable && slices.ContainsFunc(f.Names(), func(name string) bool {
			return slices.Contains(given, cmdline.Dashed(name))
		})
	})
	var words []Word
	for _, group := range cmdline.Groups(open) {
		for _, f := range group.Flags {
			for _, name := range strings.Split(f.Term, ", ") {
				name, _, _ = strings.Cut(name, " ")
				words = append(words, Word{name, f.Text})
			}
		}
	}
	return words
}

// flagOf returns the flag of that name, without dashes; nil if there is none.
func flagOf(c *cli.Command, name string) cli.Flag {
	i := slices.IndexFunc(c.Flags, func(f cli.Flag) bool {
		return slices.Contains(f.Names(), name)
	})
	if i < 0 {
		return nil
	}
	return c.Flags[i]
}

// assigned returns the values of a flag that is written with an equals sign, the flag before each.
func (l Line) assigned(c *cli.Command, flag string) []Word {
	f := flagOf(c, strings.TrimLeft(flag, "-"))
	if f == nil {
		return nil
	}
	words := l.values(f)
	if !cmdline.TakesValue(f) {
		words = []Word{{"true", ""}, {"false", ""}}
	}
	var whole []Word
	for _, w := range words {
		if !strings.HasPrefix(w.Text, ":") {
			w.Text = flag + "=" + w.Text
		}
		whole = append(whole, w)
	}
	return whole
}

// values returns the values that a flag takes.
func (l Line) values(f cli.Flag) []Word {
	if g, ok := f.(*cli.GenericFlag); ok {
		if choice, ok := g.Value.(*cmdline.Choice); ok {
			return words(choice.Of)
		}
	}
	name := cmdline.ValueName(f)
	if list := l.Values[name]; list != nil {
		return words(list)
	}
	switch name {
	case "FILE":
		return []Word{{Text: files + fileEnds(f.Names()[0])}}
	case "DEP.wasm", "MIDDLEWARE.wasm":
		return []Word{{Text: files + " .wasm"}}
	case "PATH":
		return []Word{{Text: files}}
	case "FOLDER", "DIR", "HOST[::GUEST][:ro]":
		return []Word{{Text: folders}}
	}
	return nil
}

// fileEnds returns the ends of the names of files that a flag takes; "" for any.
func fileEnds(flag string) string {
	switch flag {
	case "component":
		return " .wasm"
	case "upstream":
		return " .hurl"
	case "baseline":
		return " .wasm .json"
	case "config-file":
		return " .toml"
	case "ca-file":
		return " .pem .crt .cer"
	}
	if strings.HasSuffix(flag, "json") {
		return " .json"
	}
	return ""
}

// argument returns what a command takes after that many arguments.
func (l Line) argument(c *cli.Command, arguments int) []Word {
	if c.Name == l.Nested {
		if arguments == 0 {
			return words(l.Inner)
		}
		return nil
	}
	name, ends, several := cmdline.ArgumentOf(c)
	if name == "" || arguments > 0 && !several {
		return nil
	}
	return []Word{{Text: strings.TrimRight(files+" "+strings.Join(ends, " "), " ")}}
}

// words returns words without help.
func words(list []string) []Word {
	var all []Word
	for _, text := range list {
		all = append(all, Word{Text: text})
	}
	return all
}
