package cmdline

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/urfave/cli/v2"
)

// The layout of help: the column where descriptions of flags begin, and the
// width of lines on a wide terminal.
const (
	helpColumn = 26
	helpWidth  = 100
)

// WriteHelp sets the help text of the application and its commands. The
// library's own help sorts flags by name and does not break lines; this one
// keeps their order and groups, and fits the terminal. A width of 0 means that
// lines are not broken, for programs that search them.
func WriteHelp(app *cli.App, width int) {
	if width > 0 {
		width = max(min(width-1, helpWidth), 2*helpColumn)
	}
	var visit func(commands []*cli.Command, name string)
	visit = func(commands []*cli.Command, name string) {
		for _, c := range commands {
			full := name + " " + c.Name
			visit(c.Subcommands, full)
			h := &helpText{width: width}
			h.line(full + " - " + c.Usage)
			h.usage(c.UsageText, c.Description)
			h.commands(c.Subcommands)
			h.flags(c.Flags)
			c.CustomHelpTemplate = h.template()
		}
	}
	visit(app.Commands, app.HelpName)
	h := &helpText{width: width}
	h.line(app.HelpName + " - " + app.Usage)
	h.usage(app.UsageText, app.Description)
	h.commands(app.Commands)
	h.flags(app.Flags)
	h.line("")
	h.line("Help for a command: " + app.HelpName + " COMMAND --help")
	app.CustomAppHelpTemplate = h.template()
}

// helpText builds the text of a help.
type helpText struct {
	strings.Builder
	width int
}

// template returns the text as a template that has it.
func (h *helpText) template() string { return strings.ReplaceAll(h.String(), "{{", `{{"{{"}}`) }

func (h *helpText) line(text string) { h.WriteString(text + "\n") }

// heading begins a part.
func (h *helpText) heading(text string) { h.line("\n" + text + ":") }

func (h *helpText) usage(usage, description string) {
	h.heading("Usage")
	h.line("  " + usage)
	if description != "" {
		h.line("\n" + description)
	}
}

func (h *helpText) commands(commands []*cli.Command) {
	if len(commands) == 0 {
		return
	}
	h.heading("Commands")
	for _, c := range commands {
		if !c.Hidden {
			h.entry(c.Name, c.Usage)
		}
	}
}

// flags lists flags under their groups.
func (h *helpText) flags(flags []cli.Flag) {
	for _, group := range Groups(flags) {
		h.heading(group.Heading)
		for _, flag := range group.Flags {
			h.entry(flag.Term, flag.Text)
		}
	}
}

// Group is a group of flags in the help of a command.
type Group struct {
	Heading string
	Flags   []Flag
}

// Flag describes a flag.
type Flag struct {
	// Term is how the flag is written, with its aliases and the name of its value.
	Term string
	// Text says what the flag does, and its default.
	Text string
}

// Groups returns the flags that are not hidden, and --help, in their groups: both in the order of
// their declaration.
func Groups(flags []cli.Flag) []Group {
	help := &cli.BoolFlag{
		Name: "help", Aliases: []string{"h"}, Usage: "show this help", DisableDefaultText: true,
	}
	var groups []Group
	for _, f := range append(slices.Clone(flags), help) {
		if v, ok := f.(cli.VisibleFlag); ok && !v.IsVisible() {
			continue
		}
		heading := ""
		if c, ok := f.(cli.CategorizableFlag); ok {
			heading = c.GetCategory()
		}
		i := slices.IndexFunc(groups, func(g Group) bool { return g.Heading == heading })
		if i < 0 {
			i = len(groups)
			groups = append(groups, Group{Heading: heading})
		}
		groups[i].Flags = append(groups[i].Flags, describe(f))
	}
	for i := range groups {
		switch {
		case groups[i].Heading != "":
		case len(groups) == 1:
			groups[i].Heading = "Flags"
		default:
			groups[i].Heading = "Other"
		}
	}
	return groups
}

// describe returns how a flag is written, and what it does.
func describe(f cli.Flag) Flag {
	var names []string
	for _, name := range f.Names() {
		names = append(names, Dashed(name))
	}
	term := strings.Join(names, ", ")
	doc, ok := f.(cli.DocGenerationFlag)
	if !ok {
		return Flag{Term: term}
	}
	text := doc.GetUsage()
	if !doc.TakesValue() {
		return Flag{term, text}
	}
	if _, rest, ok := strings.Cut(text, "`"); ok {
		value, _, _ := strings.Cut(rest, "`")
		term += " " + value
	}
	text = strings.ReplaceAll(text, "`", "")
	if value := doc.GetDefaultText(); value != "" {
		text += " (default: " + value + ")"
	}
	return Flag{term, text}
}

// entry writes a term and, beside it or below, what it means.
func (h *helpText) entry(term, text string) {
	begin := "  " + term
	indent := strings.Repeat(" ", helpColumn)
	switch {
	case len(begin)+2 <= helpColumn:
		begin += strings.Repeat(" ", helpColumn-len(begin))
	case h.width == 0:
		begin += "  "
	default:
		h.line(begin)
		begin = indent
	}
	for _, line := range wrapped(text, h.width-helpColumn) {
		h.line(begin + line)
		begin = indent
	}
}

// wrapped breaks a text into lines of at most width characters where words
// allow it; a width that is not positive leaves it whole.
func wrapped(text string, width int) []string {
	if width <= 0 {
		return []string{text}
	}
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		switch {
		case line == "":
			line = word
		case utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) <= width:
			line += " " + word
		default:
			lines = append(lines, line)
			line = word
		}
	}
	return append(lines, line)
}

// Examples puts a list of examples under a heading.
func Examples(list string) string {
	return "Examples:\n" + indented(list)
}

func indented(list string) string {
	lines := strings.Split(strings.TrimSpace(list), "\n")
	return "  " + strings.Join(lines, "\n  ")
}
