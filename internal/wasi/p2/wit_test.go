package p2

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wasihttp/wasihttp/component"
	"github.com/wasihttp/wasihttp/internal/wasi"
	"github.com/wasihttp/wasihttp/internal/wasi/convert"
)

// witDir holds the text of the interfaces that are offered.
const witDir = "../../../testdata/guests/wit/0.2.12/deps"

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
				if typ = normal(typ); !strings.HasPrefix(typ, "func()") {
					self += ","
				}
				funcs[iface+" [method]"+name+"."+fname] = strings.Replace(typ, "func(", self, 1)
			}
		}
		text = text[:m[0]] + rest
	}
	for _, m := range regexp.MustCompile(`([a-z0-9-]+)\s*:\s*(func\([^;]*);`).FindAllStringSubmatch(text, -1) {
		funcs[iface+" "+m[1]] = normal(m[2])
	}
}

func TestEveryFunctionHasTheTypeInTheWIT(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(witDir, "*.wit"))
	if err != nil || len(files) != 7 {
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
			if slices.Contains([]string{"wasi:http/incoming-handler" + version, "wasi:cli/run" + version}, iface) {
				continue // exports of the guest
			}
			witFuncs(want, iface, inside)
		}
	}
	got := map[string]string{}
	addAll(component.NewLinker(), &host{defined: func(iface string, d def) { got[iface+" "+d.name] = normal(d.wit) }})
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if len(got) < 150 {
		t.Errorf("only %d functions", len(got))
	}
}

func TestErrorCodeHasTheCasesInTheWIT(t *testing.T) {
	text := witText(t, filepath.Join(witDir, "http.wit"))
	inside, _ := block(text, strings.Index(text, "variant error-code"))
	if diff := cmp.Diff(normal("variant {"+inside+"}"), normal(convert.ErrorCodeType())); diff != "" {
		t.Error(diff)
	}
}

func TestErrorCodesSurviveConversion(t *testing.T) {
	text, number := "text", uint64(7)
	for c := wasi.DNSTimeout; c <= wasi.InternalError; c++ {
		codes := []wasi.ErrorCode{{Case: c}}
		switch c.Payload() {
		case wasi.StringPayload:
			codes = append(codes, wasi.ErrorCode{Case: c, Text: &text})
		case wasi.U32Payload, wasi.U64Payload:
			codes = append(codes, wasi.ErrorCode{Case: c, Number: &number})
		case wasi.DNSPayload, wasi.AlertPayload, wasi.FieldSizePayload:
			codes = append(codes, wasi.ErrorCode{Case: c, Text: &text}, wasi.ErrorCode{Case: c, Number: &number},
				wasi.ErrorCode{Case: c, Text: &text, Number: &number})
		case wasi.OptFieldPayload:
			codes = append(codes, wasi.ErrorCode{Case: c, Empty: true}, wasi.ErrorCode{Case: c, Empty: true, Text: &text, Number: &number})
		}
		for _, want := range codes {
			v := convert.ErrorCode(&want)
			if diff := cmp.Diff(want, *convert.ErrorCodeOf(v)); diff != "" || v.Case() != uint32(c) {
				t.Errorf("%v: %s", want.String(), diff)
			}
		}
	}
}
