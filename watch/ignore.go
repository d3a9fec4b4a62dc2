package watch

import (
	"bufio"
	"bytes"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/wasihttp/wasihttp/internal/regular"
)

// rule is one pattern of a .gitignore file (gitignore(5)).
type rule struct {
	base     string   // the folder of the file, which the pattern is relative to
	names    []string // the pattern between its slashes
	anchored bool     // it must match from base on
	folders  bool     // it matches folders only
	negated  bool     // it takes back what was ignored
}

// parseIgnore reads a .gitignore file that is in the folder base. Lines that
// are no patterns match nothing, as in git.
func parseIgnore(base string, text []byte) []rule {
	var rules []rule
	for scanner := bufio.NewScanner(bytes.NewReader(text)); scanner.Scan(); {
		line := strings.TrimSuffix(scanner.Text(), "\r")
		if kept := strings.TrimRight(line, " "); strings.HasSuffix(kept, `\`) && kept != line {
			line = kept + " "
		} else {
			line = kept
		}
		if line == "" || line[0] == '#' {
			continue
		}
		r := rule{base: base}
		if line[0] == '!' {
			r.negated, line = true, line[1:]
		}
		if strings.HasSuffix(line, "/") {
			r.folders, line = true, strings.TrimSuffix(line, "/")
		}
		r.anchored = strings.Contains(line, "/")
		r.names = strings.Split(strings.TrimPrefix(line, "/"), "/")
		if r.names[0] != "" {
			rules = append(rules, r)
		}
	}
	return rules
}

// readIgnore returns the rules of the file, none if it cannot be read.
func readIgnore(base, file string) []rule {
	text, err := regular.ReadFile(file, regular.MaxText)
	if err != nil {
		return nil
	}
	return parseIgnore(base, text)
}

// outerIgnore returns the rules that hold for folder from outside it: those of
// the folders above, up to the root of the git repository it is in.
func outerIgnore(folder string) []rule {
	var above []string
	for at := folder; ; {
		if _, err := os.Lstat(filepath.Join(at, ".git")); err == nil {
			rules := readIgnore(at, filepath.Join(at, ".git", "info", "exclude"))
			for i := len(above) - 1; i >= 0; i-- {
				rules = append(rules, readIgnore(above[i],
					filepath.Join(above[i], ".gitignore"))...)
			}
			return rules
		}
		parent := filepath.Dir(at)
		if parent == at {
			return nil
		}
		above = append(above, parent)
		at = parent
	}
}

// ignored reports whether the rules exclude the file or folder; the last rule that matches decides.
// Files in an excluded folder are never tested, because the folder is not read.
func ignored(rules []rule, file string, isFolder bool) bool {
	for i := len(rules) - 1; i >= 0; i-- {
		if rules[i].matches(file, isFolder) {
			return !rules[i].negated
		}
	}
	return false
}

func (r rule) matches(file string, isFolder bool) bool {
	if r.folders && !isFolder {
		return false
	}
	rel, err := filepath.Rel(r.base, file)
	if err != nil || rel == ".." || strings.HasPrefix(rel, ".."+string(filepath.Separator)) {
		return false
	}
	names := strings.Split(filepath.ToSlash(rel), "/")
	if !r.anchored {
		return matchName(r.names[0], names[len(names)-1])
	}
	return matchNames(r.names, names)
}

// matchNames matches a pattern with slashes; ** stands for any number of names,
// at the end for at least one.
func matchNames(pattern, names []string) bool {
	if len(pattern) == 0 {
		return len(names) == 0
	}
	if pattern[0] != "**" {
		return len(names) > 0 && matchName(pattern[0], names[0]) &&
			matchNames(pattern[1:], names[1:])
	}
	if len(pattern) == 1 {
		return len(names) > 0
	}
	for i := range names {
		if matchNames(pattern[1:], names[i:]) {
			return true
		}
	}
	return false
}

// matchName matches one name. Git's patterns are those of package path, but
// that ! negates a class too and that ** within a name is *.
func matchName(pattern, name string) bool {
	ok, err := path.Match(strings.ReplaceAll(pattern, "[!", "[^"), name)
	return ok && err == nil
}
