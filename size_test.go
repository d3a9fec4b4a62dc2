package main

import (
	"bytes"
	"io/fs"
	"maps"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// The bounds of the house.
const (
	maxFileLines    = 500
	maxPackageLines = 4000 // tests aside; ARCHITECTURE.md has the reason for each larger one
	maxWidth        = 100  // columns, a tab being 4
	maxTestWidth    = 150  // of the code of tests, which has tables of texts
)

// generated matches the line that marks a file as written by a program.
var generated = regexp.MustCompile(`(?m)^// Code generated .* DO NOT EDIT\.$`)

// quoted matches a text or a character in quotes.
var quoted = regexp.MustCompile(`"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])+'`)

// goFiles returns the contents of the Go files below the root, those of the guests included, except
// generated ones.
func goFiles(t *testing.T) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	err := fs.WalkDir(os.DirFS("."), ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && name != "." && strings.HasPrefix(d.Name(), "."):
			return fs.SkipDir
		case !d.Type().IsRegular() || path.Ext(name) != ".go":
			return nil
		}
		b, err := os.ReadFile(name)
		if err == nil && !generated.Match(b) {
			files[name] = b
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// width returns the columns of a line.
func width(line string) int {
	return utf8.RuneCountInString(line) + 3*strings.Count(line, "\t")
}

func TestFilesAreShort(t *testing.T) {
	for name, b := range goFiles(t) {
		if n := bytes.Count(b, []byte("\n")); n > maxFileLines {
			t.Errorf("%s has %d lines, and at most %d are allowed: split it by idea", name, n,
				maxFileLines)
		}
	}
}

// TestLinesAreNarrow bounds every comment and the code. That of tests may be wider, and texts in
// backquotes there, which cannot be broken, are not bounded.
func TestLinesAreNarrow(t *testing.T) {
	for name, b := range goFiles(t) {
		test := strings.HasSuffix(name, "_test.go")
		n, raw := 0, false
		for line := range strings.Lines(string(b)) {
			n++
			line = strings.TrimRight(line, "\r\n")
			text := strings.TrimLeft(line, "\t ")
			comment := strings.HasPrefix(text, "//")
			limit := maxWidth
			if test && !comment {
				limit = maxTestWidth
				ticks := strings.Count(line, "`")
				if !raw {
					ticks = strings.Count(quoted.ReplaceAllString(line, ""), "`")
				}
				unbroken := raw || ticks > 0
				if raw = raw != (ticks%2 == 1); unbroken {
					continue
				}
			}
			if strings.HasPrefix(text, "//go:") {
				continue
			}
			if w := width(line); w > limit {
				t.Errorf("%s:%d: a line of %d columns, and at most %d are allowed", name, n, w, limit)
			}
		}
	}
}

func TestLargePackagesHaveTheirReason(t *testing.T) {
	reasons, err := os.ReadFile("ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	lines := map[string]int{}
	for name, b := range goFiles(t) {
		if !strings.HasSuffix(name, "_test.go") {
			lines[path.Dir(name)] += bytes.Count(b, []byte("\n"))
		}
	}
	for _, dir := range slices.Sorted(maps.Keys(lines)) {
		if lines[dir] > maxPackageLines && !bytes.Contains(reasons, []byte("| "+dir+" | ")) {
			t.Errorf("%s has %d lines without its tests; ARCHITECTURE.md has no reason for it", dir,
				lines[dir])
		}
	}
}

// TestArchitectureNamesEveryPackage looks for the folder of each package in the tree of
// ARCHITECTURE.md.
func TestArchitectureNamesEveryPackage(t *testing.T) {
	text, err := os.ReadFile("ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	tree, _, _ := strings.Cut(string(text), "`imports_test.go`")
	dirs := map[string]bool{}
	for name := range goFiles(t) {
		if first, _, _ := strings.Cut(name, "/"); first != name && first != "testdata" {
			dirs[path.Dir(name)] = true
		}
	}
	// Programs beside wasihttp are named as a whole.
	for _, dir := range slices.Sorted(maps.Keys(dirs)) {
		name := path.Base(dir)
		if first, _, _ := strings.Cut(dir, "/"); first == "bench" || first == "docs" || first == "packaging" {
			name = first
		}
		if !regexp.MustCompile(`(?m)[ /]` + regexp.QuoteMeta(name) + `(/|[ ;:]|$)`).MatchString(tree) {
			t.Errorf("the tree in ARCHITECTURE.md has no %s", dir)
		}
	}
}
