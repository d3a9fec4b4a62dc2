package cmd

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"unicode/utf8"

	"github.com/wasihttp/wasihttp/internal/regular"
	"github.com/wasihttp/wasihttp/internal/term"
)

// envVar is one variable of the guest's environment.
type envVar struct{ Name, Value string }

// guestEnv puts the guest's environment together. Later sources win: the
// process's own environment if inherit is set, then the files in order, then
// the variables in order, where a name alone takes its value from the process
// and is left out if it has none.
func guestEnv(environ []string, inherit bool, files, vars []string) ([]envVar, error) {
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
			env.set(v.Name, v.Value)
		}
	}
	for _, path := range files {
		text, err := regular.ReadFile(path, regular.MaxText)
		if err != nil {
			return nil, usagef("name a file with a line NAME=VALUE for each variable", "--env-file %s: %v", path, underlying(err))
		}
		if !utf8.Valid(text) {
			return nil, usagef("name a file with a line NAME=VALUE for each variable", "--env-file %s: is not UTF-8 text", path)
		}
		vars, err := parseEnvFile(string(text))
		if err != nil {
			return nil, usagef("a line is NAME=VALUE, quotes around the value are allowed", "--env-file: %s:%v", path, err)
		}
		for _, v := range vars {
			env.set(v.Name, v.Value)
		}
	}
	for _, entry := range vars {
		name, value, hasValue := strings.Cut(entry, "=")
		if name == "" {
			return nil, usagef("write --env NAME=VALUE, or --env NAME to pass on a variable of your own", "--env %q has no name", entry)
		}
		if !hasValue {
			i, ok := own.index[name]
			if !ok {
				continue
			}
			value = own.vars[i].Value
		}
		env.set(name, value)
	}
	return env.vars, nil
}

// envSet is an environment with unique names, in the order they came.
type envSet struct {
	vars  []envVar
	index map[string]int
}

func (s *envSet) set(name, value string) {
	if i, ok := s.index[name]; ok {
		s.vars[i].Value = value
		return
	}
	s.index[name] = len(s.vars)
	s.vars = append(s.vars, envVar{name, value})
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
func parseEnvFile(text string) ([]envVar, error) {
	var vars []envVar
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
		if word, exported, found := strings.Cut(strings.Replace(name, "\t", " ", 1), " "); found && word == "export" {
			name = strings.TrimSpace(exported)
		}
		if !ok || name == "" || strings.ContainsAny(name, " \t'\"") {
			return nil, fmt.Errorf("%d: not NAME=VALUE: %q", start, term.Shorten(trimmed, 60))
		}
		value = strings.TrimLeft(value, " \t")
		if value == "" || value[0] != '"' && value[0] != '\'' {
			vars = append(vars, envVar{name, bareValue(value)})
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
		vars = append(vars, envVar{name, inner})
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

// underlying returns the operating system's error without the path that the
// message has already.
func underlying(err error) error {
	var pathError *fs.PathError
	if errors.As(err, &pathError) {
		return pathError.Err
	}
	return err
}
