package fill

import (
	"errors"
	"html/template"
	"strings"
	"testing"
)

type inner struct {
	Name string
	List []string
}

type data struct {
	Text, None string
	Yes, No    bool
	Number     int
	Inner      inner
	Items      []inner
	Nothing    []inner
	Map        map[string]string
	Raw        Raw
}

func sample() data {
	return data{
		Text: `<b> "it's" & co`, Yes: true, Number: 7, Inner: inner{Name: "in", List: []string{"x", "<y>"}},
		Items: []inner{{"one", nil}, {"two", []string{"a", "b"}}}, Map: map[string]string{"a_b": "in map"},
		Raw: "<raw>",
	}
}

// TestPagesAreThoseOfHTMLTemplate compares with the package whose templates these are a part of.
func TestPagesAreThoseOfHTMLTemplate(t *testing.T) {
	for _, text := range []string{
		"", "no action", "{{.Text}}", `<a title="{{.Text}}">{{ .Number }}</a>`, "{{.None}}|{{.Yes}}",
		"{{if .Yes}}a{{end}}{{if .No}}b{{end}}", "{{if .No}}a{{else}}b{{end}}",
		"{{if .No}}a{{else if .Yes}}b{{else}}c{{end}}d", "{{if .No}}a{{else if .None}}b{{else}}c{{end}}",
		"{{if or .No .Text}}a{{end}}{{if or .No .None}}b{{end}}",
		"{{if and .Yes .Text}}a{{end}}{{if and .Yes .No}}b{{end}}{{if and .No .Yes}}c{{end}}",
		"{{if .Items}}a{{end}}{{if .Nothing}}b{{end}}{{if .Number}}c{{end}}",
		"{{with .Text}}[{{.}}]{{end}}{{with .None}}[{{.}}]{{else}}none{{end}}",
		"{{with .Inner}}{{.Name}}{{range .List}}({{.}}){{end}}{{end}}{{.Inner.Name}}",
		"{{range .Items}}{{.Name}}:{{range .List}}{{.}},{{end}}{{$.Text}};{{end}}",
		"{{range .Nothing}}a{{else}}empty{{end}}", "{{.Map.a_b}}",
		`{{if eq .Inner.Name "in"}}a{{end}}{{if eq .Inner.Name "out"}}b{{else}}c{{end}}`,
		`{{if ne .Text $.None}}a{{end}}{{if ne .Text .Text}}b{{end}}{{if eq .None ""}}c{{end}}`,
		"a \n{{- if .Yes}} b \n{{- end}} c {{.Number -}}  \n d {{- .Number -}} e",
		"{{range .Items}}{{if .List}}{{range $.Items}}{{.Name}}{{end}}{{else}}-{{end}}{{end}}",
	} {
		var want, got strings.Builder
		if err := template.Must(template.New("").Parse(text)).Execute(&want, sample()); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if err := HTML(&got, text, sample()); err != nil {
			t.Errorf("%s: %v", text, err)
		}
		if got.String() != want.String() {
			t.Errorf("%s\n got %s\nwant %s", text, got.String(), want.String())
		}
	}
}

func TestAWrongTemplateIsAnError(t *testing.T) {
	for text, want := range map[string]string{
		"{{.Text":                         "not closed",
		"{{if .Yes}}a":                    "no {{end}}",
		"{{if .Yes}}a{{else}}b":           "no {{end}}",
		"{{if .No}}a{{else if .Yes}}b":    "no {{end}}",
		"a{{end}}":                        "ends nothing",
		"{{}}":                            "not a path",
		"{{if}}a{{end}}":                  "not a path",
		"{{.Text .None}}":                 "not a path",
		"{{Text}}":                        "not a path",
		"{{.Missing}}":                    "without Missing",
		"{{.Map.missing}}":                "without missing",
		`{{"text"}}`:                      "not a path",
		`{{if eq .Text nil}}a{{end}}`:     "not a path",
		"{{.Text.Name}}":                  "without Name",
		"{{with .Inner}}{{.Text}}{{end}}": "without Text",
		"{{range .Text}}a{{end}}":         "a string",
	} {
		if err := HTML(new(strings.Builder), text, sample()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
	if err := HTML(broken{}, "text", sample()); !errors.Is(err, errBroken) {
		t.Errorf("a writer that fails: %v", err)
	}
}

func TestRawTextIsNotEscaped(t *testing.T) {
	var b strings.Builder
	if err := HTML(&b, "{{.Raw}}{{with .Raw}}{{.}}{{end}}", sample()); err != nil || b.String() != "<raw><raw>" {
		t.Errorf("%q, %v", b.String(), err)
	}
}

func TestTextHasOtherMarksAndEscapesNothing(t *testing.T) {
	var b strings.Builder
	const text = "{{x}} <% .Text %><% if eq .Map.a_b \"x\" %>!<% end %>;<% range .Items -%>\n <% .Name %>,\n<% end -%>\n."
	err := Text(&b, text, map[string]any{"Text": "<b>", "Items": sample().Items, "Map": map[string]any{"a_b": "x"}})
	if want := "{{x}} <b>!;one,\ntwo,\n."; err != nil || b.String() != want {
		t.Errorf("%q, %v, want %q", b.String(), err, want)
	}
}

var errBroken = errors.New("broken")

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errBroken }
