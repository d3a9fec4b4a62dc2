package cmdline

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/wasihttp/wasihttp/cmd/internal/exit"
	"github.com/wasihttp/wasihttp/internal/regular"
	"github.com/wasihttp/wasihttp/internal/words"
)

// Lookup returns the value of a variable of an environment; "" if it has none.
func Lookup(environ []string, name string) string {
	for _, e := range environ {
		if n, v, ok := strings.Cut(e, "="); ok && n == name {
			return v
		}
	}
	return ""
}

// IsTrue reports whether a variable such as CI is set, and not to 0 or false.
func IsTrue(v string) bool { return v != "" && v != "0" && !strings.EqualFold(v, "false") }

// GuestEnv returns the guest's environment, a name and its value each. Later sources win: the
// process's own environment if inherit is set, then the files in order, then
// the variables in order, where a name alone takes its value from the process
// and is left out if it has none.
func GuestEnv(environ []string, inherit bool, files, vars []string) ([][2]string, error) {
	env := &envSet{index: make(map[string]int)}
	own := &envSet{index: make(map[string]int)}
	for _, entry := range environ {
		// Windows has entries such as "=C:=C:\", which are no variables.
		if name, value, ok := strings.Cut(entry, "="); ok && name != "" {
			own.set(name, value)
		}
	}
	if inherit {
		for _, v := range own.vars {
			env.set(v[0], v[1])
		}
	}
	for _, path := range files {
		text, err := regular.ReadFile(path, regular.MaxText)
		if err != nil {
			return nil, exit.Usagef(envFileHint, "--env-file %s: %v", path, regular.Reason(err))
		}
		if !utf8.Valid(text) {
			return nil, exit.Usagef(envFileHint, "--env-file %s: is not valid UTF-8", path)
		}
		vars, err := parseEnvFile(string(text))
		if err != nil {
			hint := "write one NAME=VALUE per line; the value may be in quotes"
			return nil, exit.Usagef(hint, "--env-file: %s:%v", path, err)
		}
		for _, v := range vars {
			env.set(v[0], v[1])
		}
	}
	for _, entry := range vars {
		name, value, hasValue := strings.Cut(entry, "=")
		if name == "" {
			hint := "write --env NAME=VALUE, or --env NAME to pass on your own variable"
			return nil, exit.Usagef(hint, "--env %q has no name", entry)
		}
		if !hasValue {
			i, ok := own.index[name]
			if !ok {
				continue
			}
			value = own.vars[i][1]
		}
		env.set(name, value)
	}
	return env.vars, nil
}

const envFileHint = "name a file with one NAME=VALUE per line"

// envSet is an environment with unique names, in the order they came.
type envSet struct {
	vars  [][2]string
	index map[string]int
}

func (s *envSet) set(name, value string) {
	if i, ok := s.index[name]; ok {
		s.vars[i][1] = value
		return
	}
	s.index[name] = len(s.vars)
	s.vars = append(s.vars, [2]string{name, value})
}

// parseEnvFile reads variables in the syntax that dotenv files have in common:
//
//   - One NAME=VALUE a line; blank lines and lines that begin with # are
//     skipped; "export " before the name is ignored, as are blanks around name
//     and value.
//   - A value without quotes ends at the line's end or at a # after a blank.
//   - A value in single quotes is taken as it is and may span lines.
//   - A value in double quotes may span lines and knows \n, \r, \t, \", \\, \$;
//     a backslash before anything else stays.
//   - Nothing is substituted.
//
// Errors begin with the line's number.
func parseEnvFile(text string) ([][2]string, error) {
	var vars [][2]string
	text = strings.TrimPrefix(text, "\ufeff")
	for line := 1; text != ""; {
		start := line
		var entry string
		entry, rest, _ := strings.Cut(text, "\n")
		line++
		trimmed := strings.TrimSpace(entry)
		if trimmed == "" || strings.HasPrefix(trimmed, "#") {
			text = rest
			continue
		}
		name, value, ok := strings.Cut(entry, "=")
		name = strings.TrimSpace(name)
		word, exported, found := strings.Cut(strings.Replace(name, "\t", " ", 1), " ")
		if found && word == "export" {
			name = strings.TrimSpace(exported)
		}
		if !ok || name == "" || strings.ContainsAny(name, " \t'\"") {
			return nil, fmt.Errorf("%d: not NAME=VALUE: %q", start, words.Shorten(trimmed, 60))
		}
		value = strings.TrimLeft(value, " \t")
		if value == "" || value[0] != '"' && value[0] != '\'' {
			vars = append(vars, [2]string{name, bareValue(value)})
			text = rest
			continue
		}
		// The value may go on in the lines below.
		value = text[len(entry)-len(value):]
		inner, n := quotedValue(value)
		if n < 0 {
			return nil, fmt.Errorf("%d: the quote of %s is not closed", start, name)
		}
		line += strings.Count(value[:n], "\n")
		after, rest, _ := strings.Cut(value[n:], "\n")
		if after = strings.TrimSpace(after); after != "" && !strings.HasPrefix(after, "#") {
			return nil, fmt.Errorf("%d: text after the closing quote of %s", start, name)
		}
		vars = append(vars, [2]string{name, inner})
		text = rest
	}
	return vars, nil
}

// bareValue ends a value without quotes before its comment.
func bareValue(value string) string {
	if strings.HasPrefix(value, "#") {
		return ""
	}
	for i := 1; i < len(value); i++ {
		if value[i] == '#' && (value[i-1] == ' ' || value[i-1] == '\t') {
			value = value[:i]
			break
		}
	}
	return strings.TrimSpace(value)
}

// quotedValue returns what stands in the quotes that s begins with and the
// length of it all, -1 if they are not closed.
func quotedValue(s string) (string, int) {
	quote := s[0]
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		c := s[i]
		switch {
		case c == quote:
			return b.String(), i + 1
		case c == '\\' && quote == '"' && i+1 < len(s):
			i++
			b.WriteString(unescape(s[i]))
		default:
			b.WriteByte(c)
		}
	}
	return "", -1
}

func unescape(c byte) string {
	switch c {
	case 'n':
		return "\n"
	case 'r':
		return "\r"
	case 't':
		return "\t"
	case '"', '\\', '$':
		return string(c)
	}
	return `\` + string(c)
}
