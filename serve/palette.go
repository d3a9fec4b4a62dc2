package serve

import (
	"fmt"
	"html/template"
	"strings"
)

// The sixteen colours of a terminal, as they are readable on a light and on a dark page: black and
// white are shades that differ from the page.
var (
	onLight = [16]string{
		"#1f2328", "#c4314b", "#1a7f37", "#8a5a00", "#0a58ca", "#8250df", "#0b7285", "#5d6675",
		"#6e7781", "#c4314b", "#1a7f37", "#8a5a00", "#0a58ca", "#8250df", "#0b7285", "#1f2328",
	}
	onDark = [16]string{
		"#98a2b3", "#ff7b92", "#4cc26a", "#e3b341", "#6cb0ff", "#c297ff", "#4cc9d9", "#c9d1d9",
		"#98a2b3", "#ff7b92", "#4cc26a", "#e3b341", "#6cb0ff", "#c297ff", "#4cc9d9", "#f0f6fc",
	}
)

// colours returns declarations of the custom properties for a palette.
func colours(palette [16]string) string {
	var b strings.Builder
	for i, c := range palette {
		fmt.Fprintf(&b, "--c%d: %s; ", i, c)
	}
	return b.String()
}

// spanRules returns the rules for the classes of term.Span.
func spanRules() string {
	var b strings.Builder
	b.WriteString(".b { font-weight: 700 } .d { opacity: .7 } .u { text-decoration: underline }\n")
	b.WriteString(".i { outline: 1px solid currentColor }\n")
	for i := range 16 {
		fmt.Fprintf(&b, ".c%d { color: var(--c%d) } .g%d { background: "+
			"color-mix(in srgb, var(--c%d) 25%%, transparent) }\n", i, i, i, i)
	}
	return b.String()
}

// palette returns the rules for what a build has written on a page.
func palette() template.CSS {
	return template.CSS(fmt.Sprintf(
		":root { %s}\n@media (prefers-color-scheme: dark) { :root { %s} }\n%s",
		colours(onLight), colours(onDark), spanRules()))
}

// liveScript returns the script for pages, which has the rules for its overlay.
func liveScript() string {
	return strings.Replace(liveSource, "SPAN_RULES",
		"`:host { "+colours(onDark)+"}\n"+spanRules()+"`", 1)
}
