// Package cli describes commands and their flags, and runs the one that a command line names.
//
// It parses with package flag of the standard library: one dash is as good as two, a value may
// follow its flag or an equals sign, and the first argument ends the flags.
package cli

import (
	"context"
	"flag"
	"fmt"
	"io"
	"slices"
)

// App is a program with commands. It and its commands keep what was parsed: each run needs a new
// one.
type App struct {
	Name        string
	HelpName    string // how the program is called in messages
	Usage       string // what it does, in a few words
	UsageText   string // how it is called
	Description string
	Flags       []Flag
	Commands    []*Command
	// Action runs if no command is named.
	Action func(*Context) error
	// Writer takes help.
	Writer io.Writer
	// OnUsageError returns the error for one of the parser; nil leaves it as it is.
	OnUsageError func(c *Context, err error) error
	// Help is the text for --help.
	Help string
}

// Command is a command of a program, or one of another command.
type Command struct {
	Name        string
	Aliases     []string
	HelpName    string // the words that call it; set when it runs
	Usage       string
	UsageText   string
	Description string
	Hidden      bool // in help and completion
	Flags       []Flag
	Subcommands []*Command
	// Before runs ahead of Action, once the flags are parsed.
	Before func(*Context) error
	Action func(*Context) error
	// Help is the text for --help.
	Help string
}

// Names returns the name and the aliases.
func (c *Command) Names() []string { return append([]string{c.Name}, c.Aliases...) }

// HasName reports whether the command is called by that name.
func (c *Command) HasName(name string) bool { return slices.Contains(c.Names(), name) }

// Command returns the subcommand of that name, nil if there is none.
func (c *Command) Command(name string) *Command { return find(c.Subcommands, name) }

// Command returns the command of that name, nil if there is none.
func (a *App) Command(name string) *Command { return find(a.Commands, name) }

func find(commands []*Command, name string) *Command {
	i := slices.IndexFunc(commands, func(c *Command) bool { return c.HasName(name) })
	if i < 0 {
		return nil
	}
	return commands[i]
}

// Context is a run of a command.
type Context struct {
	Context context.Context
	App     *App
	// Command is the one that runs; without any, one that stands for the program.
	Command *Command
	set     *flag.FlagSet
}

// Args returns what follows the flags.
func (c *Context) Args() Args { return c.set.Args() }

// NArg returns the number of arguments.
func (c *Context) NArg() int { return c.set.NArg() }

// IsSet reports whether the flag was given, by whichever of its names, or set by Set.
func (c *Context) IsSet(name string) bool {
	f := c.flag(name)
	if f == nil {
		return false
	}
	found := false
	c.set.Visit(func(given *flag.Flag) { found = found || slices.Contains(f.Names(), given.Name) })
	return found
}

// Set sets a flag as the command line would.
func (c *Context) Set(name, value string) error { return c.set.Set(name, value) }

// Bool returns the value of a BoolFlag, false for any other.
func (c *Context) Bool(name string) bool {
	if f, ok := c.flag(name).(*BoolFlag); ok {
		return *f.Destination
	}
	return false
}

// String returns the value of a StringFlag, "" for any other.
func (c *Context) String(name string) string {
	if f, ok := c.flag(name).(*StringFlag); ok {
		return *f.Destination
	}
	return ""
}

// StringSlice returns the values of a StringSliceFlag, nil for any other.
func (c *Context) StringSlice(name string) []string {
	if f, ok := c.flag(name).(*StringSliceFlag); ok {
		return f.Destination.Value()
	}
	return nil
}

// flag returns the flag of that name, nil if there is none.
func (c *Context) flag(name string) Flag {
	for _, f := range c.Command.Flags {
		if slices.Contains(f.Names(), name) {
			return f
		}
	}
	return nil
}

// Args are the arguments of a command.
type Args []string

// First returns the first one, "" if there is none.
func (a Args) First() string { return a.Get(0) }

// Get returns one by its index, "" if there is none.
func (a Args) Get(i int) string {
	if i < len(a) {
		return a[i]
	}
	return ""
}

// Tail returns all but the first.
func (a Args) Tail() []string {
	if len(a) == 0 {
		return nil
	}
	return a[1:]
}

// Slice returns all.
func (a Args) Slice() []string { return a }

// Run runs the command that args name; the first of them stands for the program.
func (a *App) Run(args []string) error { return a.RunContext(context.Background(), args) }

// RunContext is Run with a context for the command.
func (a *App) RunContext(ctx context.Context, args []string) error {
	root := &Command{
		Name: a.Name, HelpName: a.HelpName, Help: a.Help,
		Flags: a.Flags, Subcommands: a.Commands, Action: a.Action,
	}
	if len(args) > 0 {
		args = args[1:]
	}
	return a.run(ctx, root, args)
}

// run parses the flags of a command and runs it, or the subcommand that is its first argument.
func (a *App) run(ctx context.Context, command *Command, args []string) error {
	c := &Context{Context: ctx, App: a, Command: command}
	help, err := c.parse(args)
	switch {
	case err != nil && a.OnUsageError != nil:
		return a.OnUsageError(c, err)
	case err != nil:
		return err
	case help:
		_, err := io.WriteString(a.Writer, command.Help)
		return err
	}
	if command.Before != nil {
		if err := command.Before(c); err != nil {
			return err
		}
	}
	if sub := command.Command(c.Args().First()); sub != nil {
		sub.HelpName = command.HelpName + " " + sub.Name
		return a.run(c.Context, sub, c.Args().Tail())
	}
	if command.Action == nil {
		return fmt.Errorf("%s: nothing to do", command.HelpName)
	}
	return command.Action(c)
}

// parse reads flags into their destinations, and reports whether help is asked for.
func (c *Context) parse(args []string) (help bool, err error) {
	c.set = flag.NewFlagSet(c.Command.Name, flag.ContinueOnError)
	c.set.SetOutput(io.Discard)
	for _, f := range c.Command.Flags {
		f.apply(c.set)
	}
	for _, name := range []string{"help", "h"} {
		if c.set.Lookup(name) == nil {
			c.set.BoolVar(&help, name, false, "")
		}
	}
	err = c.set.Parse(args)
	return help, err
}
