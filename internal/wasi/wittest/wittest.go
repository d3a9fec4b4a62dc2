// Package wittest reads the text of WIT interfaces, for tests that compare what a dialect offers
// with it.
package wittest

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Funcs returns the types of the functions in the files of dir, by "INTERFACE@VERSION FUNCTION" as
// a component's binary has the names, and in the form of Normal. files is how many files there must
// be; interfaces in without are left out.
func Funcs(t testing.TB, dir, version string, files int, without ...string) map[string]string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, "*.wit"))
	if err != nil || len(found) != files {
		t.Fatalf("%d files, %v", len(found), err)
	}
	funcs := map[string]string{}
	for _, file := range found {
		addInterfaces(funcs, Text(t, file), version, without)
	}
	return funcs
}

// PackageFuncs is Funcs for a folder whose files are one package, with its version.
func PackageFuncs(t testing.TB, dir string, files int) map[string]string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, "*.wit"))
	if err != nil || len(found) != files {
		t.Fatalf("%d files, %v", len(found), err)
	}
	text := ""
	for _, file := range found {
		text += Text(t, file)
	}
	version := regexp.MustCompile(`package\s+[a-z:]+(@[^;]+);`).FindStringSubmatch(text)[1]
	funcs := map[string]string{}
	addInterfaces(funcs, text, version, nil)
	return funcs
}

// addInterfaces adds the functions of the interfaces in the text of a package.
func addInterfaces(funcs map[string]string, text, version string, without []string) {
	pkg := regexp.MustCompile(`package\s+([a-z:]+)@`).FindStringSubmatch(text)[1]
	for {
		m := regexp.MustCompile(`interface\s+([a-z-]+)\s*\{`).FindStringSubmatchIndex(text)
		if m == nil {
			return
		}
		inside, rest := Block(text, m[0])
		name := pkg + "/" + text[m[2]:m[3]]
		text = rest
		if !slices.Contains(without, name) {
			addFuncs(funcs, name+version, inside)
		}
	}
}

// Text returns a WIT file without comments, gates and the escapes of keywords.
func Text(t testing.TB, file string) string {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	text := regexp.MustCompile(`//[^\n]*`).ReplaceAllString(string(b), "")
	text = regexp.MustCompile(`@(since|unstable|deprecated)\([^)]*\)`).ReplaceAllString(text, "")
	return strings.ReplaceAll(text, "%", "")
}

// Block returns what is between the braces that open at text[at:], and what follows.
func Block(text string, at int) (inside, rest string) {
	open := at + strings.IndexByte(text[at:], '{')
	depth := 0
	for i := open; i < len(text); i++ {
		switch text[i] {
		case '{':
			depth++
		case '}':
			if depth--; depth == 0 {
				return text[open+1 : i], text[i+1:]
			}
		}
	}
	return text[open+1:], ""
}

// Normal writes a function type in one way: no spaces, no comma before a closing parenthesis.
func Normal(wit string) string {
	wit = strings.Join(strings.Fields(wit), "")
	return strings.ReplaceAll(wit, ",)", ")")
}

// addFuncs adds the functions of an interface's text, under their names in a component's binary.
func addFuncs(funcs map[string]string, iface, text string) {
	resource := regexp.MustCompile(`resource\s+([a-z0-9-]+)\s*\{`)
	for {
		m := resource.FindStringSubmatchIndex(text)
		if m == nil {
			break
		}
		name := text[m[2]:m[3]]
		inside, rest := Block(text, m[0])
		for _, f := range strings.Split(inside, ";") {
			f = strings.TrimSpace(f)
			fname, typ, _ := strings.Cut(f, ":")
			switch typ = strings.TrimSpace(typ); {
			case f == "":
			case strings.HasPrefix(f, "constructor"):
				funcs[iface+" [constructor]"+name] = Normal(
					"func" + strings.TrimPrefix(f, "constructor") + "->" + name,
				)
			case strings.HasPrefix(typ, "static"):
				funcs[iface+" [static]"+name+"."+fname] = Normal(strings.TrimPrefix(typ, "static"))
			default:
				self := "func(self:borrow<" + name + ">"
				if typ = Normal(typ); !strings.Contains(typ, "func()") {
					self += ","
				}
				funcs[iface+" [method]"+name+"."+fname] = strings.Replace(typ, "func(", self, 1)
			}
		}
		text = text[:m[0]] + rest
	}
	function := regexp.MustCompile(`([a-z0-9-]+)\s*:\s*((?:async )?func\([^;]*);`)
	for _, m := range function.FindAllStringSubmatch(text, -1) {
		funcs[iface+" "+m[1]] = Normal(m[2])
	}
}
