package cli

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
)

// level is a value with a form; as a flag alone it is "true".
type level string

func (l *level) String() string   { return string(*l) }
func (l *level) IsBoolFlag() bool { return true }

func (l *level) Set(text string) error {
	if text == "bad" {
		return errors.New("no level")
	}
	*l = level(text)
	return nil
}

// program returns an app that writes what it parsed and what it is asked for to out.
func program(out *bytes.Buffer) *App {
	var quiet, deep bool
	name, list, l := "Ada", NewStringSlice("first"), level("low")
	do := &Command{
		Name: "do", Aliases: []string{"d"}, Help: "help of do",
		Flags: []Flag{
			&BoolFlag{Name: "quiet", Aliases: []string{"q"}, Destination: &quiet},
			&BoolFlag{Name: "watch", Value: true},
			&StringFlag{Name: "name", Destination: &name, Value: name},
			&StringSliceFlag{Name: "list", Destination: list},
			&GenericFlag{Name: "level", Value: &l},
		},
	}
	do.Before = func(c *Context) error {
		if c.Args().First() == "refuse" {
			return errors.New("refused")
		}
		if !c.IsSet("name") && c.NArg() > 3 {
			return c.Set("name", "Eve")
		}
		return nil
	}
	do.Action = func(c *Context) error {
		fmt.Fprintf(out, "%s: quiet %v (%v %v), watch %v, name %s=%s (%v), list %q, level %s, args %q",
			c.Command.HelpName, c.Bool("q"), c.IsSet("quiet"), c.IsSet("q"), c.Bool("watch"), name,
			c.String("name"), c.IsSet("name"), c.StringSlice("list"), l, c.Args().Slice())
		return nil
	}
	return &App{
		Name: "app", HelpName: "app", Help: "help of app", Writer: out,
		Flags: []Flag{&BoolFlag{Name: "deep", Destination: &deep}},
		Commands: []*Command{
			do, {Name: "more", Subcommands: []*Command{{Name: "one"}, {Name: "other"}}},
			{Name: "hidden", Hidden: true},
		},
		Action: func(c *Context) error {
			fmt.Fprintf(out, "no command: deep %v, args %q, tail %q", deep, c.Args(), c.Args().Tail())
			return nil
		},
		OnUsageError: func(c *Context, err error) error {
			return fmt.Errorf("%s says %w", c.Command.HelpName, err)
		},
	}
}

func TestRunParsesAndChoosesTheCommand(t *testing.T) {
	const do = "quiet false (false false), watch true, name Ada=Ada (false), list [\"first\"], level low, args []"
	tests := map[string]string{
		"":                    `no command: deep false, args [], tail []`,
		"--deep x y":          `no command: deep true, args ["x" "y"], tail ["y"]`,
		"-help":               "help of app",
		"do --help":           "help of do",
		"d -h":                "help of do",
		"do":                  "app do: " + do,
		"d -- ":               "app do: " + do,
		"do -q --watch=false": "app do: quiet true (true true), watch false" + strings.SplitN(do, "watch true", 2)[1],
		"do -quiet=0":         "app do: quiet false (true true)" + strings.TrimPrefix(do, "quiet false (false false)"),
		"do --name= --list 1, --list=2": `app do: quiet false (false false), watch true, name = (true), ` +
			`list ["1," "2"], level low, args []`,
		"do --level a":      "app do: " + strings.Replace(do, "low, args []", `true, args ["a"]`, 1),
		"do --level=a b -q": "app do: " + strings.Replace(do, "low, args []", `a, args ["b" "-q"]`, 1),
		"do a b c d": "app do: " + strings.NewReplacer("Ada=Ada (false)", "Eve=Eve (true)", "args []",
			`args ["a" "b" "c" "d"]`).Replace(do),
		"do refuse":        "error: refused",
		"do --none":        "error: app do says flag provided but not defined: -none",
		"do --name":        "error: app do says flag needs an argument: -name",
		"do --level=bad":   `error: app do says invalid boolean value "bad" for -level: no level`,
		"do --quiet=maybe": `error: app do says invalid boolean value "maybe" for -quiet: parse error`,
		"--none do":        "error: app says flag provided but not defined: -none",
		"more":             "error: app more: nothing to do",
	}
	for line, want := range tests {
		var out bytes.Buffer
		got := ""
		if err := program(&out).Run(append([]string{"app"}, strings.Fields(line)...)); err != nil {
			got = "error: " + err.Error()
		}
		if got += out.String(); got != want {
			t.Errorf("%s\n got %s\nwant %s", line, got, want)
		}
	}
}

func TestDefaultsAreDescribed(t *testing.T) {
	l := level("low")
	for want, f := range map[string]Flag{
		"":       &BoolFlag{Name: "x", Value: true},
		`"Ada"`:  &StringFlag{Name: "x", Value: "Ada"},
		"yours":  &StringFlag{Name: "x", Value: "Ada", DefaultText: "yours"},
		"low":    &GenericFlag{Name: "x", Value: &l},
		"bottom": &GenericFlag{Name: "x", Value: &l, DefaultText: "bottom"},
	} {
		if got := f.GetDefaultText(); got != want {
			t.Errorf("%T: %q, want %q", f, got, want)
		}
	}
}
