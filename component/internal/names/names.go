// Package names parses the names of imports and exports of components: labels, annotated names of
// resource functions and versioned interface names. Source:
// component-model/design/mvp/Explainer.md, "Import and Export Definitions".
package names

import (
	"fmt"
	"strings"
)

// Kind is the form of an extern name.
type Kind byte

// The forms of extern names.
const (
	Plain       Kind = iota // a label
	Constructor             // [constructor]resource
	Method                  // [method]resource.label
	Static                  // [static]resource.label
	Interface               // namespace:package/interface@version
)

// String returns the annotation or the form.
func (k Kind) String() string {
	switch k {
	case Plain:
		return "plain name"
	case Constructor:
		return "[constructor]"
	case Method:
		return "[method]"
	case Static:
		return "[static]"
	}
	return "interface name"
}

// Name is a parsed extern name.
type Name struct {
	Kind     Kind
	Resource string // Constructor, Method, Static
	Label    string // Plain, Method, Static

	Namespace, Package, Interface string // Interface
	Version                       string // Interface: without the "@", "" without version
}

// Parse parses an extern name. A version has to be a full semantic version.
func Parse(s string) (Name, error) { return parse(s, false) }

// ParseCanonical parses like Parse, and takes also the shortened versions of canonical interface
// names (1, 0.2, 0.0.3).
func ParseCanonical(s string) (Name, error) { return parse(s, true) }

func parse(s string, canonical bool) (Name, error) {
	if s == "" {
		return Name{}, fmt.Errorf("%q is not a valid extern name: a label is expected", s)
	}
	for _, a := range []struct {
		prefix string
		kind   Kind
	}{{"[constructor]", Constructor}, {"[method]", Method}, {"[static]", Static}} {
		if rest, ok := strings.CutPrefix(s, a.prefix); ok {
			return parseAnnotated(s, rest, a.kind)
		}
	}
	if strings.HasPrefix(s, "[") {
		return Name{}, fmt.Errorf("%q is not a valid extern name: unknown annotation", s)
	}
	if strings.Contains(s, ":") {
		return parseInterface(s, canonical)
	}
	if err := CheckLabel(s); err != nil {
		return Name{}, err
	}
	return Name{Kind: Plain, Label: s}, nil
}

func parseAnnotated(s, rest string, kind Kind) (Name, error) {
	n := Name{Kind: kind, Resource: rest}
	if kind != Constructor {
		var ok bool
		if n.Resource, n.Label, ok = strings.Cut(rest, "."); !ok {
			return Name{}, fmt.Errorf("%q is not a valid extern name: %s needs resource.label", s,
				kind)
		}
		if err := CheckLabel(n.Label); err != nil {
			return Name{}, fmt.Errorf("%q is not a valid extern name: %w", s, err)
		}
	}
	if err := CheckLabel(n.Resource); err != nil {
		return Name{}, fmt.Errorf("%q is not a valid extern name: %w", s, err)
	}
	return n, nil
}

func parseInterface(s string, canonical bool) (Name, error) {
	fail := func(format string, args ...any) (Name, error) {
		return Name{}, fmt.Errorf("%q is not a valid extern name: %s", s,
			fmt.Sprintf(format, args...))
	}
	n := Name{Kind: Interface}
	rest := s
	versioned := false
	rest, n.Version, versioned = strings.Cut(rest, "@")
	n.Namespace, rest, _ = strings.Cut(rest, ":")
	var ok bool
	if n.Package, n.Interface, ok = strings.Cut(rest, "/"); !ok {
		return fail("a slash is expected after the package")
	}
	for _, words := range []string{n.Namespace, n.Package} {
		if !isWords(words) {
			return fail("%q is not in lower-case kebab case", words)
		}
	}
	if err := CheckLabel(n.Interface); err != nil {
		return fail("%v", err)
	}
	if versioned {
		if _, err := ParseVersion(n.Version); err != nil &&
			!(canonical && isCanonicalVersion(n.Version)) {
			return fail("%v", err)
		}
	}
	return n, nil
}

// CheckLabel reports whether s is a label: words in lower case and acronyms in upper case, joined
// by hyphens, the first of them beginning with a letter.
func CheckLabel(s string) error {
	if !isLabel(s) {
		return fmt.Errorf("%q is not in kebab case", s)
	}
	return nil
}

func isLabel(s string) bool {
	for i, fragment := range strings.Split(s, "-") {
		if fragment == "" || i == 0 && isDigit(fragment[0]) {
			return false
		}
		lower, upper := false, false
		for j := range len(fragment) {
			switch c := fragment[j]; {
			case c >= 'a' && c <= 'z':
				lower = true
			case c >= 'A' && c <= 'Z':
				upper = true
			case !isDigit(c):
				return false
			}
		}
		if lower && upper {
			return false
		}
	}
	return true
}

// isWords reports whether s is a label all in lower case.
func isWords(s string) bool { return isLabel(s) && s == strings.ToLower(s) }

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// Key maps names to the same string exactly if they are not strongly unique, that is, if they may
// not stand in one scope.
func (n Name) Key() string {
	switch n.Kind {
	case Plain:
		return strings.ToLower(n.Label)
	case Constructor:
		return "[constructor]" + strings.ToLower(n.Resource)
	case Method, Static:
		r, l := strings.ToLower(n.Resource), strings.ToLower(n.Label)
		if r == l {
			return l
		}
		return r + "." + l
	}
	key := strings.ToLower(n.Namespace + ":" + n.Package + "/" + n.Interface)
	if n.Version != "" {
		key += "@" + strings.ToLower(n.Version)
	}
	return key
}

// String returns the name as it was written.
func (n Name) String() string {
	switch n.Kind {
	case Plain:
		return n.Label
	case Constructor:
		return "[constructor]" + n.Resource
	case Method, Static:
		return n.Kind.String() + n.Resource + "." + n.Label
	}
	s := n.Namespace + ":" + n.Package + "/" + n.Interface
	if n.Version != "" {
		s += "@" + n.Version
	}
	return s
}
