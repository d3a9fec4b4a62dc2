package values

import (
	"errors"
	"strings"

	"github.com/wasihttp/wasihttp/cmd/internal/exit"
	"github.com/wasihttp/wasihttp/host"
)

// HostNames returns the values of --allow-host in the form that clients send.
func HostNames(names []string) ([]string, error) {
	list := make([]string, len(names))
	for i, name := range names {
		var ok bool
		if list[i], ok = HostName(name); !ok {
			return nil, exit.Usagef("write the name alone, without a scheme or a port, for "+
				"example --allow-host mybox.example",
				"--allow-host %q is not the name of a host", name)
		}
	}
	return list, nil
}

// Servers returns the values of a flag that names servers.
func Servers(flag string, texts []string) ([]host.Pattern, error) {
	var list []host.Pattern
	for _, text := range texts {
		p, err := host.ParsePattern(text)
		if bad := (*host.PatternError)(nil); errors.As(err, &bad) {
			return nil, exit.Usagef(bad.Hint, "--%s %q %s", flag, bad.Text, bad.Problem)
		}
		list = append(list, p)
	}
	return list, nil
}

// HostName returns a name as clients write it, which is in ASCII. It returns false for what cannot
// be the name of a host.
func HostName(name string) (string, bool) {
	name = ASCIIHost(name)
	for i := range len(name) {
		c := name[i]
		if !('a' <= c|0x20 && c|0x20 <= 'z' || '0' <= c && c <= '9' || c == '-' || c == '_' ||
			c == '.') {
			return "", false
		}
	}
	return name, strings.Trim(name, ".") != ""
}

// ASCIIHost returns a host, or a pattern for hosts, with labels in other scripts in their ASCII
// form, which begins with xn--. A label that has none stays as it is.
func ASCIIHost(name string) string {
	labels := strings.FieldsFunc(name, func(c rune) bool {
		return c == '.' || c == '\u3002' || c == '\uff0e' || c == '\uff61' // UTS 46, 2.3
	})
	changed := false
	for i, label := range labels {
		label, port, found := strings.Cut(label, ":")
		if strings.Contains(label, "*") || isASCII(label) {
			continue
		}
		p, err := host.ParsePattern(label)
		if err != nil {
			continue
		}
		if changed, labels[i] = true, p.Host; found {
			labels[i] += ":" + port
		}
	}
	if !changed {
		return name
	}
	return strings.Join(labels, ".")
}

// HostForms returns hosts, or patterns for hosts, with the ASCII form of each after it if that is
// another one: recordings have either.
func HostForms(list []string) []string {
	var forms []string
	for _, name := range list {
		forms = append(forms, name)
		if other := ASCIIHost(name); other != name {
			forms = append(forms, other)
		}
	}
	return forms
}

// Rules returns rules of --include and --exclude; those for a host come in both of its forms.
func Rules(list []string) []string {
	var rules []string
	for _, text := range list {
		rules = append(rules, text)
		if name, ok := strings.CutPrefix(text, "host:"); ok && ASCIIHost(name) != name {
			rules = append(rules, "host:"+ASCIIHost(name))
		}
	}
	return rules
}

// isASCII reports whether a text has no characters beyond ASCII.
func isASCII(text string) bool {
	return !strings.ContainsFunc(text, func(c rune) bool { return c > 0x7f })
}
