package cli

import (
	"io"
	"slices"
	"strings"
)

// CompletionFlag is the argument that completion scripts append to the command line to get the
// words that may follow.
const CompletionFlag = "--generate-bash-completion"

// complete writes the words that may stand in the place of the last of words, if that begins with
// a dash, and else those that may follow: flags or subcommands, one a line. After two dashes there
// are none.
func (a *App) complete(command *Command, words []string) error {
	if slices.Contains(words, "--") {
		return nil
	}
	last := ""
	if len(words) > 0 {
		last = words[len(words)-1]
	}
	for i := 0; i < len(words); i++ {
		word := words[i]
		name := strings.TrimLeft(word, "-")
		if strings.HasPrefix(word, "-") {
			if takesNext(command.Flags, name) {
				i++
			}
			continue
		}
		if sub := command.Command(word); sub != nil {
			command = sub
		}
	}
	var list []string
	if strings.HasPrefix(last, "-") {
		list = flagWords(command.Flags, last, words)
	} else {
		for _, c := range command.Subcommands {
			if !c.Hidden {
				list = append(list, c.Names()...)
			}
		}
	}
	if len(list) == 0 {
		return nil
	}
	_, err := io.WriteString(a.Writer, strings.Join(list, "\n")+"\n")
	return err
}

// takesNext reports whether the value of the flag is the next word.
func takesNext(flags []Flag, name string) bool {
	return slices.ContainsFunc(flags, func(f Flag) bool {
		return f.TakesValue() && slices.Contains(f.Names(), name)
	})
}

// flagWords returns the flags that begin with word and are not among the others yet.
func flagWords(flags []Flag, word string, others []string) []string {
	begin := strings.TrimPrefix(strings.TrimPrefix(word, "-"), "-")
	var list []string
	for _, f := range append(slices.Clone(flags), &BoolFlag{Name: "help"}) {
		for _, name := range f.Names() {
			dashes := "--"
			if len(name) == 1 {
				dashes = "-"
			}
			full := dashes + name
			if strings.HasPrefix(name, begin) && strings.HasPrefix(full, word) &&
				!slices.Contains(others, full) {
				list = append(list, full)
			}
		}
	}
	return list
}
