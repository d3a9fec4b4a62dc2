package p3

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wasihttp/wasihttp/component"
)

// witDir holds the text of the interfaces that are offered.
const witDir = "../../../testdata/guests/wit/0.3.0/deps"

// witText returns a WIT file without comments, gates and the escapes of keywords.
func witText(t *testing.T, file string) string {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	text := regexp.MustCompile(`//[^\n]*`).ReplaceAllString(string(b), "")
	text = regexp.MustCompile(`@(since|unstable|deprecated)\([^)]*\)`).ReplaceAllString(text, "")
	return strings.ReplaceAll(text, "%", "")
}

// block returns what is between the braces that open at text[at:], and what follows.
func block(text string, at int) (inside, rest string) {
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

// normal writes a function type in one way: no spaces, no comma before a closing parenthesis.
func normal(wit string) string {
	wit = strings.Join(strings.Fields(wit), "")
	return strings.ReplaceAll(wit, ",)", ")")
}

// witFuncs adds the functions of an interface's text, under their names in a component's binary.
func witFuncs(funcs map[string]string, iface, text string) {
	resource := regexp.MustCompile(`resource\s+([a-z0-9-]+)\s*\{`)
	for {
		m := resource.FindStringSubmatchIndex(text)
		if m == nil {
			break
		}
		name := text[m[2]:m[3]]
		inside, rest := block(text, m[0])
		for _, f := range strings.Split(inside, ";") {
			f = strings.TrimSpace(f)
			fname, typ, _ := strings.Cut(f, ":")
			switch typ = strings.TrimSpace(typ); {
			case f == "":
			case strings.HasPrefix(f, "constructor"):
				funcs[iface+" [constructor]"+name] = normal("func" + strings.TrimPrefix(f, "constructor") + "->" + name)
			case strings.HasPrefix(typ, "static"):
				funcs[iface+" [static]"+name+"."+fname] = normal(strings.TrimPrefix(typ, "static"))
			default:
				self := "func(self:borrow<" + name + ">"
				if typ = normal(typ); !strings.Contains(typ, "func()") {
					self += ","
				}
				funcs[iface+" [method]"+name+"."+fname] = strings.Replace(typ, "func(", self, 1)
			}
		}
		text = text[:m[0]] + rest
	}
	for _, m := range regexp.MustCompile(`([a-z0-9-]+)\s*:\s*((?:async )?func\([^;]*);`).FindAllStringSubmatch(text, -1) {
		funcs[iface+" "+m[1]] = normal(m[2])
	}
}

func TestEveryFunctionHasTheTypeInTheWIT(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(witDir, "*.wit"))
	if err != nil || len(files) != 6 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	want := map[string]string{}
	for _, file := range files {
		text := witText(t, file)
		pkg := regexp.MustCompile(`package\s+([a-z:]+)@`).FindStringSubmatch(text)[1]
		for {
			m := regexp.MustCompile(`interface\s+([a-z-]+)\s*\{`).FindStringSubmatchIndex(text)
			if m == nil {
				break
			}
			inside, rest := block(text, m[0])
			iface := pkg + "/" + text[m[2]:m[3]] + version
			text = rest
			if slices.Contains([]string{"wasi:cli/run" + version}, iface) {
				continue // exports of the guest
			}
			witFuncs(want, iface, inside)
		}
	}
	got := map[string]string{}
	addAll(component.NewLinker(), &host{defined: func(iface, name, wit string) { got[iface+" "+name] = normal(wit) }})
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if len(got) < 120 {
		t.Errorf("only %d functions", len(got))
	}
}
