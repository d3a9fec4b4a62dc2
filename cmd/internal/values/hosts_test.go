package values

import (
	"slices"
	"testing"
)

func TestNamesInOtherScriptsAreThoseThatClientsSend(t *testing.T) {
	for name, want := range map[string]string{
		"mybox.example":     "mybox.example",
		"My_Box.":           "My_Box.",
		"bücher.example":    "xn--bcher-kva.example",
		"BÜCHER。example":    "xn--bcher-kva.example",
		"www.例え.テスト":        "www.xn--r8jz45g.xn--zckzah",
		"straße.de":         "xn--strae-oqa.de",
		"http://bücher.de":  "",
		"bücher.de:80":      "",
		"*.bücher.de":       "",
		"bü cher.de":        "",
		"..":                "",
		"xn--bcher-kva.com": "xn--bcher-kva.com",
	} {
		got, ok := HostName(name)
		if ok != (want != "") || ok && got != want {
			t.Errorf("%s: got %q, %v; want %q", name, got, ok, want)
		}
	}
}

func TestPatternsForHostsHaveBothForms(t *testing.T) {
	got := HostForms([]string{"a.example", "bücher.example:8080", "*.bücher.*", "*ü*.example"})
	want := []string{
		"a.example", "bücher.example:8080", "xn--bcher-kva.example:8080", "*.bücher.*",
		"*.xn--bcher-kva.*", "*ü*.example",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}

func TestRulesForHostsHaveBothForms(t *testing.T) {
	got := Rules([]string{"host:*.bücher.de", "path:/bücher.de", "host:a.de", "nonsense"})
	want := []string{
		"host:*.bücher.de", "host:*.xn--bcher-kva.de", "path:/bücher.de", "host:a.de", "nonsense",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}
