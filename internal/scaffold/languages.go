package scaffold

import (
	"regexp"
	"slices"
	"strings"

	"github.com/wasihttp/wasihttp/internal/interfaces"
)

// Language is a language in which projects can be written.
type Language struct {
	Name, Title string
	// About is a few words about the libraries and tools of the template.
	About string
	// Worlds are the versions of WASI for which there is a template, the one first that the tools
	// of the language support best.
	Worlds []string
	// Lacks says why there is no template for the others.
	Lacks map[string]string
	// Test runs the project's own tests.
	Test string
	// Tools are the programs that building needs.
	Tools []Tool

	layers   []string // of templates, beside that of all projects and those with its name
	names    *regexp.Regexp
	rule     string // what names matches, for people
	reserved []string
	// wit returns the WIT that the tools read, for a version of WASI; nil for none.
	wit func(world string) []interfaces.File
}

// Languages returns all of them.
func Languages() []*Language {
	return []*Language{rust(), js(), ts(), python(), golang(), c()}
}

// Find returns the language with the name; nil if there is none. It knows the other names by which
// people call them.
func Find(name string) *Language {
	name = strings.ToLower(name)
	if full, ok := map[string]string{
		"rs": "rust", "javascript": "js", "typescript": "ts", "py": "python", "golang": "go",
	}[name]; ok {
		name = full
	}
	i := slices.IndexFunc(Languages(), func(l *Language) bool { return l.Name == name })
	if i < 0 {
		return nil
	}
	return Languages()[i]
}

// Names returns the names of the languages.
func Names() []string {
	var names []string
	for _, l := range Languages() {
		names = append(names, l.Name)
	}
	return names
}

// invalid returns why a name cannot be that of a project; "" if it can be.
func (l *Language) invalid(name string) string {
	switch {
	case len(name) > 64:
		return "it has more than 64 characters"
	case !l.names.MatchString(name):
		return l.rule
	case slices.Contains(l.reserved, name):
		return "it has a meaning of its own there"
	case device(name):
		return "Windows has a device of that name"
	}
	return ""
}

// device reports whether Windows takes the name of a file for that of a device.
func device(name string) bool {
	name, _, _ = strings.Cut(strings.ToLower(name), ".")
	return regexp.MustCompile(`^(con|prn|aux|nul|com[1-9]|lpt[1-9])$`).MatchString(name)
}

// suggestion returns a name like the given one that all languages accept, if there is one.
func suggestion(name string) string {
	name = regexp.MustCompile(`[^a-z0-9]+`).ReplaceAllString(strings.ToLower(name), "-")
	name = strings.Trim(name, "-0123456789")
	if name == "" || slices.Contains(rust().reserved, name) || device(name) {
		name = strings.TrimPrefix(name+"-app", "-")
	}
	return name[:min(len(name), 64)]
}
