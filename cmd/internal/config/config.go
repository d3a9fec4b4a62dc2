// Package config joins the flags of commands with their values in wasihttp.toml. A key of the file
// is the name of a flag, so every flag has a key without being listed here.
package config

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/wasihttp/wasihttp/cmd/internal/cmdline"
	"github.com/wasihttp/wasihttp/cmd/internal/exit"
	"github.com/wasihttp/wasihttp/internal/inspect"
	"github.com/wasihttp/wasihttp/internal/regular"
	"github.com/wasihttp/wasihttp/internal/settings"
)

// FlagName is the flag that names the file.
const FlagName = "config-file"

// Settings are the values that a command has from the file. A nil *Settings has none.
type Settings struct {
	command   *cli.Command
	table     string
	file      *settings.File // nil for none
	component string
	kinds     map[string]kind // of serve's flags
	// origins has what set each flag that is not at its default.
	origins map[string]origin
	// paths has the keys of the file that name each path, and where.
	paths map[string][]named
}

// named is a key of the file, and its place there.
type named struct{ key, place string }

// origin is where a value comes from: its place in the file, or "" for the command line.
type origin struct{ place string }

// Attach makes a command also take flags from a table of the settings file, if the command line
// does not have them, and returns the command. It looks for the file in the folder dir and above,
// and not at all if dir is "". An error about a flag or a path from the file names its place there.
func Attach(c *cli.Command, table, dir string) *cli.Command {
	c.Flags = append(c.Flags, &cli.StringFlag{
		Name: FlagName,
		Usage: "read flags from `FILE`, not from the " + settings.FileName +
			" in this folder or above it in the repository",
	})
	defaults := make(map[string]string)
	for _, f := range c.Flags {
		defaults[f.Names()[0]] = valueText(f, nil)
	}
	action := c.Action
	c.Before = func(ctx *cli.Context) error {
		s := &Settings{
			command: c, table: table, origins: map[string]origin{}, paths: map[string][]named{},
		}
		ctx.Context = context.WithValue(ctx.Context, key{}, s)
		return s.load(ctx, dir, defaults)
	}
	c.Action = func(ctx *cli.Context) error { return Of(ctx).explain(action(ctx)) }
	return c
}

type key struct{}

// Of returns the settings of the command that runs.
func Of(c *cli.Context) *Settings {
	s, _ := c.Context.Value(key{}).(*Settings)
	return s
}

// Component returns the path of the component that a command is about: the one that is given, or
// else the one in the file; "" for neither.
func (s *Settings) Component(given string) string {
	if given != "" || s == nil || s.component == "" {
		return given
	}
	s.names(s.component, componentKey, s.file.Place(componentKey))
	return s.component
}

// names records that a key of the file names a path.
func (s *Settings) names(path, key, place string) {
	if n := (named{key, place}); !slices.Contains(s.paths[path], n) {
		s.paths[path] = append(s.paths[path], n)
	}
}

// Build is the command that builds the component, as the file has it.
type Build struct {
	// Command is for a shell in the folder Dir.
	Command, Dir string
	// Sources are what it depends on.
	Sources []string
}

// Build returns the command that serve runs to build the component; nil if there is none.
func (s *Settings) Build() *Build {
	if s == nil || s.file == nil {
		return nil
	}
	b := &Build{Dir: s.file.Dir(), Sources: []string{s.file.Dir()}}
	for key, flag := range serveKeys() {
		table, _ := s.file.Values[serveTable].(map[string]any)
		value, ok := table[flag]
		if !ok {
			value = s.file.Values[key]
		}
		texts, ok := s.kinds[flag].texts(value)
		switch {
		case !ok:
		case flag == "exec":
			b.Command = texts[0]
		default:
			b.Sources = nil
			for _, text := range texts {
				b.Sources = append(b.Sources, join(b.Dir, text))
			}
		}
	}
	if b.Command == "" {
		return nil
	}
	return b
}

// fixturesFolder has the fixtures of a project.
const fixturesFolder = "fixtures"

// Fixtures returns the folder of fixtures beside the file, or else in the working folder; "" if
// there is none.
func (s *Settings) Fixtures() string {
	path := filepath.Join(s.Folder(), fixturesFolder)
	if info, err := os.Stat(path); err != nil || !info.IsDir() {
		return ""
	}
	return path
}

// Sets reports whether the value of a flag comes from the file.
func (s *Settings) Sets(flag string) bool {
	if s == nil {
		return false
	}
	from, ok := s.origins[flag]
	return ok && from.place != ""
}

// Place returns the folder of the file and the place in it if the value of a flag comes from there,
// else "" and the flag.
func (s *Settings) Place(flag string) (dir, place string) {
	if !s.Sets(flag) {
		return "", "--" + flag
	}
	return s.file.Dir(), s.origins[flag].place
}

// Folder returns the folder of the file; "" if there is none.
func (s *Settings) Folder() string {
	if s == nil || s.file == nil {
		return ""
	}
	return s.file.Dir()
}

// load reads the file, checks all of it, and sets the flags of the command.
func (s *Settings) load(c *cli.Context, dir string, defaults map[string]string) error {
	for _, f := range s.command.Flags {
		if name := f.Names()[0]; c.IsSet(name) {
			s.origins[name] = origin{}
		}
	}
	path := c.String(FlagName)
	switch {
	case c.IsSet(FlagName) && path == "":
		return exit.Usagef("leave it out, or write --"+FlagName+" FILE",
			"--%s names no file", FlagName)
	case path == "" && dir != "":
		// Above a symbolic link is what the system finds there.
		if real, err := filepath.EvalSymlinks(dir); err == nil {
			dir = real
		}
		found, err := settings.Find(dir)
		if err != nil {
			return exit.Usagef("name the file: --"+FlagName+" FILE",
				"cannot look for %s: %v", settings.FileName, err)
		}
		path = found
	}
	if path == "" {
		return nil
	}
	file, err := settings.Read(path)
	var syntax *settings.Error
	switch {
	case errors.As(err, &syntax):
		hint := "the file is TOML: tables such as [serve], and lines KEY = VALUE with strings in " +
			"quotes"
		return exit.Usagef(hint, "%v", err)
	case err != nil:
		return exit.Usagef("name a file with settings: --"+FlagName+" FILE",
			"%s: %v", path, regular.Reason(err))
	}
	sc := schemaOf(c.App)
	s.file, s.kinds = file, sc.tables[serveTable].kinds
	if err := sc.check(file); err != nil {
		return err
	}
	if v, ok := file.Values[componentKey].(string); ok {
		s.component = join(file.Dir(), v)
	}
	return s.apply(c, sc, defaults)
}

// apply sets the flags of the command that the file has values for and the command line has not.
func (s *Settings) apply(c *cli.Context, sc *schema, defaults map[string]string) error {
	table, _ := s.file.Values[s.table].(map[string]any)
	var top map[string]any
	if s.table == serveTable {
		top = s.file.Values
	}
	for _, f := range s.command.Flags {
		name := f.Names()[0]
		if name == FlagName {
			continue
		}
		path := []string{s.table, name}
		value, found := table[name]
		if !found {
			for key, flag := range serveKeys() {
				if flag == name {
					path = []string{key}
					value, found = top[key]
				}
			}
		}
		if _, given := s.origins[name]; given || !found || s.contradicted(c, name, defaults) {
			continue
		}
		k := sc.tables[s.table].kinds[name]
		list, _ := k.texts(value)
		for _, text := range list {
			if k.resolve != nil {
				text = k.resolve(s.file.Dir(), text)
				s.names(text, name, s.file.Place(path...))
			}
			if err := c.Set(name, text); err != nil {
				return exit.Usagef("see: "+s.command.HelpName+" --help", "%s: %s = %q: %v",
					s.file.Place(path...), path[len(path)-1], text, err)
			}
		}
		s.origins[name] = origin{s.file.Place(path...)}
	}
	return nil
}

// contradictions lists flags that cannot be given together.
func contradictions() [][2]string {
	return [][2]string{
		{"no-outbound", "allow-outbound"}, {"no-cache", "cache-dir"},
		{"inherit-network", "allow-net"}, {"update", "watch"},
		{"concurrent", "jobs"}, {"concurrent", "isolate"}, {"seed", "shuffle"},
		{"watch", "exec"}, {"watch", "source"}, {"watch", "poll"},
	}
}

// contradicted reports whether a flag that the command line has, and that is not at its default,
// contradicts the one with the name.
func (s *Settings) contradicted(c *cli.Context, name string, defaults map[string]string) bool {
	for _, pair := range contradictions() {
		i := slices.Index(pair[:], name)
		if i < 0 {
			continue
		}
		other := pair[1-i]
		from, given := s.origins[other]
		if !given || from.place != "" {
			continue
		}
		for _, f := range s.command.Flags {
			if f.Names()[0] == other && valueText(f, c) != defaults[other] {
				return true
			}
		}
	}
	return false
}

var flagMention = regexp.MustCompile(`--([a-z][a-z0-9-]*)`)

// explain adds to an error the places in the file of the flags that it mentions, and of the path
// that it is about.
func (s *Settings) explain(err error) error {
	var user *exit.Error
	if s == nil || !errors.As(err, &user) {
		return err
	}
	var notes []string
	for _, m := range flagMention.FindAllStringSubmatch(user.Msg, -1) {
		if s.Sets(m[1]) {
			notes = append(notes, m[1]+" is set in "+s.origins[m[1]].place)
		}
	}
	var problem *inspect.Problem
	if errors.As(err, &problem) {
		for _, n := range s.paths[problem.Path] {
			notes = append(notes, n.key+" is set in "+n.place)
		}
	}
	if len(notes) == 0 {
		return err
	}
	slices.Sort(notes)
	hint := strings.Join(slices.Compact(notes), ", ")
	if user.Hint() != "" {
		hint += "; " + user.Hint()
	}
	return exit.New(user.Code, user.Err, hint, user.Msg)
}

// valueText returns the value of a flag as text. Without a context it is the default.
func valueText(f cli.Flag, c *cli.Context) string {
	name := f.Names()[0]
	switch f := f.(type) {
	case *cli.GenericFlag:
		return f.Value.String()
	case *cli.BoolFlag:
		if c == nil {
			return boolText(f.Value)
		}
		return boolText(c.Bool(name))
	case *cli.StringFlag:
		if c == nil {
			return f.Value
		}
		return c.String(name)
	case *cli.StringSliceFlag:
		if c == nil {
			return ""
		}
		return strings.Join(c.StringSlice(name), "\x00")
	}
	return ""
}

func boolText(v bool) string {
	if v {
		return "true"
	}
	return "false"
}

// nearest returns the hint for a key that does not exist.
func nearest(typed string, names []string) string {
	if near := cmdline.Nearest(typed, names); near != "" {
		return "did you mean " + near + "?"
	}
	return ""
}
