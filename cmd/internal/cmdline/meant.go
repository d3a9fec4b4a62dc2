package cmdline

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/wasihttp/wasihttp/cmd/internal/exit"
	"github.com/wasihttp/wasihttp/internal/words"
)

// otherFlags are what other programs call flags, each with ours in the order in which they are
// looked for in a command.
var otherFlags = map[string][]string{
	"p": {"addr"}, "port": {"addr"}, "host": {"addr"}, "hostname": {"addr"}, "listen": {"addr"},
	"bind": {"addr"}, "address": {"addr"}, "interface": {"addr"}, "a": {"addr"}, "l": {"addr"},
	"strict-port": {"addr"}, "auto-port": {"find-free-port"},
	"e": {"env"}, "environment": {"env"}, "env-var": {"env"}, "dotenv": {"env-file"},
	"args": {"arg"}, "argument": {"arg"},
	"mapdir": {"dir"}, "map-dir": {"dir"}, "volume": {"dir"}, "mount": {"dir"}, "preopen": {"dir"},
	"d": {"dir"}, "workdir": {"cwd"}, "chdir": {"cwd"},
	"w": {"watch"}, "hot": {"watch"}, "reload": {"live-reload", "watch"}, "hmr": {"live-reload"},
	"livereload": {"live-reload"}, "build": {"exec"}, "command": {"exec"},
	"q": {"quiet"}, "s": {"quiet"}, "silent": {"quiet"},
	"c": {"config-file", "component"}, "config": {"config-file"},
	"memory": {"max-memory"}, "max-size": {"max-component-size"},
	"network": {"inherit-network", "allow-net"}, "net": {"allow-net"}, "offline": {"no-outbound"},
	"cacert": {"ca-file"}, "cafile": {"ca-file"},
	"j": {"jobs"}, "n": {"jobs"}, "parallel": {"jobs"}, "workers": {"jobs"}, "threads": {"jobs"},
	"k": {"filter"}, "t": {"filter"}, "grep": {"filter"}, "match": {"filter"}, "only": {"filter"},
	"x": {"fail-fast"}, "bail": {"fail-fast"}, "u": {"update"}, "update-snapshots": {"update"},
	"retries": {"retry"}, "random": {"shuffle"}, "lf": {"last-failed"}, "output": {"report-json"},
	"colour": {"color"}, "f": {"force"}, "format": {"log-format"},
}

// meantFlag returns the flag that the user may have meant by one that does not exist: the one that
// other programs call so, or else the one with the nearest name; "" for none. It guesses nothing
// from the sound of a single letter.
func meantFlag(typed string, c *cli.Context) string {
	if c.Command == nil {
		return ""
	}
	switch typed {
	case "v", "V":
		return c.App.HelpName + " version"
	}
	var names []string
	for _, f := range append(slices.Clone(c.Command.Flags), c.App.Flags...) {
		for _, name := range f.Names() {
			if len(name) > 1 {
				names = append(names, name)
			}
		}
	}
	other := func(typed string) string {
		for _, name := range otherFlags[typed] {
			if slices.Contains(names, name) {
				return Dashed(name)
			}
		}
		return ""
	}
	if meant := other(typed); meant != "" || len(typed) == 1 {
		return meant
	}
	if name, ok := strings.CutPrefix(typed, "no-"); ok && isToggle(c.Command.Flags, name) {
		return Dashed(name) + "=false"
	}
	if near := Nearest(typed, names); near != "" {
		return Dashed(near)
	}
	if meant := other(Nearest(typed, slices.Sorted(maps.Keys(otherFlags)))); meant != "" {
		return meant
	}
	return commandFlag(c, typed)
}

// commandFlag returns the first command that has a flag, with the flag, if no command was named;
// "" for none.
func commandFlag(c *cli.Context, name string) string {
	if slices.Contains(c.App.Commands, c.Command) {
		return ""
	}
	for _, command := range c.App.Commands {
		for _, f := range command.Flags {
			if !command.Hidden && slices.Contains(f.Names(), name) {
				return c.App.HelpName + " " + command.Name + " " + Dashed(name)
			}
		}
	}
	return ""
}

// isToggle reports whether there is a flag of that name that takes no value.
func isToggle(flags []cli.Flag, name string) bool {
	return slices.ContainsFunc(flags, func(f cli.Flag) bool {
		_, isBool := f.(*cli.BoolFlag)
		return isBool && slices.Contains(f.Names(), name)
	})
}

// otherCommands are what other programs call commands, each with ours.
var otherCommands = map[string]string{
	"dev": "serve", "up": "serve", "watch": "serve", "start": "serve", "server": "serve",
	"s": "serve", "preview": "serve", "host": "serve", "listen": "serve", "build": "serve --exec",
	"record": "serve --record", "compose": "serve --plug", "plug": "serve --plug",
	"exec": "run", "execute": "run", "invoke": "run",
	"check": "inspect", "validate": "inspect", "info": "inspect", "describe": "inspect",
	"show": "inspect", "objdump": "inspect", "print": "inspect",
	"t": "test", "tests": "test", "replay": "test", "verify": "test", "spec": "test",
	"approve": "review", "accept": "review", "diff": "review", "merge": "merge-reports",
	"import": "convert", "har": "convert", "settings": "config", "options": "config",
	"env": "config", "completions": "completion", "complete": "completion",
	"init": "new", "create": "new", "generate": "new", "scaffold": "new", "template": "new",
	"benchmark": "bench", "load": "bench",
}

// UnknownCommand returns the error for a command that does not exist, with the
// command that the user may have meant.
func UnknownCommand(c *cli.Context, name string) error {
	meant := meantCommand(c, name)
	hint := "see: " + c.App.HelpName + " --help"
	if command, what, _ := strings.Cut(meant, " "); what != "" {
		hint = "did you mean: " + c.App.HelpName + " " + meant + "? " + hint
	} else if meant != "" {
		hint = "did you mean " + command + "? " + hint
	}
	return exit.Usagef(hint, "unknown command %q", name)
}

// meantCommand returns the command that was probably meant, with what follows it; "" for none.
func meantCommand(c *cli.Context, name string) string {
	switch {
	case strings.HasSuffix(name, ".wasm"):
		return "serve " + name
	case slices.Contains([]string{".hurl", ".har"}, filepath.Ext(name)):
		return "test " + name
	}
	var names []string
	for _, command := range c.App.Commands {
		if !command.Hidden {
			names = append(names, command.Names()...)
		}
	}
	if other := otherCommands[name]; other != "" {
		if command, _, _ := strings.Cut(other, " "); slices.Contains(names, command) {
			return other
		}
	}
	if near := Nearest(name, names); near != "" {
		return near
	}
	if info, err := os.Stat(name); err == nil && info.Mode().IsRegular() {
		return "serve " + name
	} else if err == nil && info.IsDir() {
		return "test " + name
	}
	return ""
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
