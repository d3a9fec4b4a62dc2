package config

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/wasihttp/wasihttp/cmd/internal/cmdline"
	"github.com/wasihttp/wasihttp/serve/listen"
)

// kind is the kind of value that a flag and its key take.
type kind struct {
	// text, number and boolean are the types that a value may have. A number is a whole one.
	text, number, boolean bool
	// list is set for a flag that can be repeated: a list of texts, or one text.
	list bool
	// pairs is set for a list of NAME=VALUE, which may be a table, too.
	pairs bool
	// words are the texts that are allowed; nil for any.
	words []string
	// unit is an example of the unit of a text; "" for none.
	unit string
	// pattern is the regular expression, for the schema, of texts with a unit.
	pattern string
	// least is the smallest number.
	least int
	// resolve turns a value from a file in the folder dir into one for the command line; nil for
	// values that are not paths.
	resolve func(dir, value string) string
}

// kindOf returns what a flag takes: its type says how it is written, and the name of its value in
// the help, such as FILE in "read `FILE`", what that means. It fails for a flag of a new type and
// for a value with a new name, for which a rule must be added here.
func kindOf(f cli.Flag) (kind, error) {
	var k kind
	switch f := f.(type) {
	case *cli.BoolFlag:
		return kind{boolean: true}, nil
	case *cli.StringFlag:
		k.text = true
	case *cli.StringSliceFlag:
		k.list = true
	case *cli.GenericFlag:
		switch v := f.Value.(type) {
		case *cmdline.Count:
			k.number = true
		case *cmdline.Several:
			k.number, k.least = true, 1
		case *cmdline.Percent, *cmdline.LeastPercent:
			k.number, k.text = true, true
		case *cmdline.Shuffle:
			k.number, k.boolean = true, true
		case *cmdline.Choice:
			k.text, k.words = true, v.Of
		case *cmdline.Span:
			k.text, k.unit, k.pattern = true, "s", spanPattern
		case *cmdline.Size:
			k.text, k.unit, k.pattern = true, "MiB", sizePattern
		default:
			k.text = true
		}
	default:
		return k, fmt.Errorf("--%s: no rule says what a %T takes", f.Names()[0], f)
	}
	switch name := cmdline.ValueName(f); name {
	case "FILE", "FOLDER", "DIR", "PATH", "DEP.wasm", "MIDDLEWARE.wasm":
		k.resolve = join
	case "HOST:PORT":
		k.resolve = joinSocket
	case "HOST[::GUEST][:ro]":
		k.resolve = joinGranted
	case "NAME=VALUE", "K=V", "KEY=VALUE":
		k.pairs = true
	case "SEED":
		k.number = true
	case "NUMBER", "SIZE", "TIME", "DURATION", "[=SEED]", "I/N", "REGEXP", "OTHER", "NAME", "HOST",
		"PATTERN", "COMMAND", "ARGUMENT", "FORMAT", "MODE", "SCOPE",
		"WHEN", "WORD", "GUEST-PATH", "URL", "RULE", "PERCENT", "RATE":
	default:
		return k, fmt.Errorf("--%s: no rule says whether a value called %q is a path", f.Names()[0],
			name)
	}
	return k, nil
}

// The forms of lengths of time and of sizes.
const (
	amount      = `([0-9]+\.?[0-9]*|\.[0-9]+)`
	spanPattern = "^(" + amount + "|(" + amount + "(ns|us|µs|μs|ms|s|m|h))+)$"
	sizePattern = "^" + amount + " ?([KkMmGgTt][Ii]?)?[Bb]?$"
)

// usageOf returns the help of a flag, with the name of its value in backquotes.
func usageOf(f cli.Flag) string {
	if doc, ok := f.(cli.DocGenerationFlag); ok {
		return doc.GetUsage()
	}
	return ""
}

// join returns the path of a file that a file in the folder dir names.
func join(dir, path string) string {
	// On Windows a path can begin with a separator or a drive and not be absolute.
	if path == "" || os.IsPathSeparator(path[0]) || filepath.VolumeName(path) != "" {
		return path
	}
	return filepath.Join(dir, path)
}

// joinSocket does that for an address, which may be a socket of the file system.
func joinSocket(dir, addr string) string {
	if path, ok := listen.SocketPath(addr); ok {
		return "unix:" + join(dir, path)
	}
	return addr
}

// joinGranted does that for HOST[::GUEST][:ro]. The name that the guest sees stays as it is
// written.
func joinGranted(dir, value string) string {
	rest, readOnly := strings.CutSuffix(value, ":ro")
	host, guest, found := strings.Cut(rest, "::")
	if !found {
		guest = host
	}
	path := join(dir, host)
	if path == host {
		return value
	}
	if value = path + "::" + guest; readOnly {
		value += ":ro"
	}
	return value
}

// texts returns a value of a file as it would be written on the command line, once for each time
// that the flag is repeated. It returns ok false for one of the wrong type.
func (k kind) texts(v any) (list []string, ok bool) {
	if !k.list {
		text, ok := k.one(v)
		return []string{text}, ok
	}
	switch v := v.(type) {
	case string:
		return []string{v}, true
	case []any:
		for _, item := range v {
			text, isText := item.(string)
			if !isText {
				return nil, false
			}
			list = append(list, text)
		}
		return list, true
	case map[string]any:
		for name, value := range v {
			text, ok := pairValue().one(value)
			if !ok || !isName(name) {
				return nil, false
			}
			list = append(list, name+"="+text)
		}
		slices.Sort(list)
		return list, k.pairs
	}
	return nil, false
}

// pairValue is the kind of the values in a table of pairs. A number such as 3.10 would lose its
// zero.
func pairValue() kind { return kind{text: true, number: true, boolean: true} }

// isName reports whether a key of a table can be a NAME in NAME=VALUE.
func isName(key string) bool { return key != "" && !strings.Contains(key, "=") }

// one returns a value that is not a list as text.
func (k kind) one(v any) (text string, ok bool) {
	switch v := v.(type) {
	case string:
		return v, k.text
	case bool:
		return strconv.FormatBool(v), k.boolean
	case int64:
		return strconv.FormatInt(v, 10), k.number
	}
	return "", false
}

// String says what a value must be, as the rest of a sentence.
func (k kind) String() string {
	switch {
	case k.text && k.number && k.boolean:
		return "a string, a whole number, true or false"
	case k.pairs:
		return "a table NAME = \"VALUE\" or a list of \"NAME=VALUE\""
	case k.list:
		return "a list of strings"
	case k.number && k.boolean:
		return "true, false or a whole number"
	case k.boolean:
		return "true or false"
	case k.number && k.text:
		return "a string or a whole number"
	case k.number:
		return "a whole number"
	}
	return "a string"
}

// hint shows how a value is written instead of v, which has the wrong type.
func (k kind) hint(key string, v any) string {
	text := ""
	switch v := v.(type) {
	case string:
		if _, err := strconv.ParseInt(v, 10, 64); k.number && err == nil ||
			k.boolean && (v == "true" || v == "false") {
			return "leave out the quotes: " + key + " = " + v
		}
	case bool, int64, float64:
		text = fmt.Sprint(v)
	}
	switch {
	case k.pairs:
		return "for example " + key +
			` = { NAME = "VALUE" }; a value is a string, a whole number, true or false`
	case k.list:
		return "for example " + key + ` = ["one", "two"]`
	case k.unit != "" && text != "":
		return "write it as on the command line, in quotes and with a unit: " +
			key + ` = "` + text + k.unit + `"`
	case k.text && text != "" && k.words == nil:
		return "write it in quotes, as on the command line: " + key + ` = "` + text + `"`
	case k.words != nil:
		return "for example " + key + ` = "` + k.words[0] + `"`
	case k.text && k.unit != "":
		return "for example " + key + ` = "5` + k.unit + `"`
	case k.text && isList(v):
		return "write one string: " + key + ` = "…"`
	case k.text && k.number && k.boolean:
		return "for example " + key + ` = "VALUE"`
	case k.text && !k.number:
		return "write a string in quotes: " + key + ` = "…"`
	case k.boolean:
		return "for example " + key + " = true"
	case k.number:
		return "for example " + key + " = 1"
	}
	return ""
}

func isList(v any) bool {
	_, ok := v.([]any)
	return ok
}

// typeName names the type of a value in the words of TOML.
func typeName(v any) string {
	switch v.(type) {
	case string:
		return "a string"
	case bool:
		return "a boolean"
	case int64:
		return "a whole number"
	case float64:
		return "a number with a fraction"
	case []any:
		return "a list"
	case map[string]any:
		return "a table"
	}
	return "a date or a time"
}
