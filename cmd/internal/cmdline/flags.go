package cmdline

import (
	"slices"

	"github.com/urfave/cli/v2"
)

// Flags builds a list of flags. In the text of a flag, backticks enclose the name of its value.
type Flags struct {
	group string
	list  []cli.Flag
}

// Group begins a group, which has that heading in the help.
func (f *Flags) Group(heading string) { f.group = heading }

// Toggle adds a flag without a value.
func (f *Flags) Toggle(name string, into *bool, text string, aliases ...string) {
	f.list = append(f.list, &cli.BoolFlag{
		Category: f.group, Name: name, Aliases: aliases, Usage: text,
		Destination: into, Value: *into, DisableDefaultText: true,
	})
}

// Text adds a flag that takes any text. What it is set to now is the default, and defaults
// describes it.
func (f *Flags) Text(name string, into *string, defaults, text string, aliases ...string) {
	f.list = append(f.list, &cli.StringFlag{
		Category: f.group, Name: name, Aliases: aliases, Usage: text,
		Destination: into, Value: *into, DefaultText: defaults,
	})
}

// List adds a flag that may be given several times.
func (f *Flags) List(name string, into *cli.StringSlice, text string) {
	f.list = append(f.list, &cli.StringSliceFlag{
		Category: f.group, Name: name, Usage: text, Destination: into, KeepSpace: true,
	})
}

// Value adds a flag whose value has a form. What it is set to now is the default.
func (f *Flags) Value(name string, into cli.Generic, text string) {
	f.ValueOr(name, into, into.String(), text)
}

// ValueOr adds a flag whose value has a form, and whose default is described by defaults.
func (f *Flags) ValueOr(name string, into cli.Generic, defaults, text string) {
	f.list = append(f.list, &cli.GenericFlag{
		Category: f.group, Name: name, Usage: text, Value: into, DefaultText: defaults,
	})
}

// Pick adds flags of another list, those with the names, in the order of that list.
func (f *Flags) Pick(from []cli.Flag, names ...string) {
	for _, flag := range from {
		if slices.Contains(names, flag.Names()[0]) {
			f.list = append(f.list, flag)
		}
	}
}

// Describe changes the text of a flag.
func (f *Flags) Describe(name, text string) {
	for _, flag := range f.list {
		if flag.Names()[0] != name {
			continue
		}
		switch flag := flag.(type) {
		case *cli.GenericFlag:
			flag.Usage = text
		case *cli.BoolFlag:
			flag.Usage = text
		}
	}
}

// All returns the flags.
func (f *Flags) All() []cli.Flag { return f.list }
