package term

import "github.com/charmbracelet/lipgloss"

// theme holds the styles of one stream, named for what the text is.
type theme struct {
	bad, fair, good, dim, strong, name lipgloss.Style
}

func newTheme(r *lipgloss.Renderer) theme {
	colour := func(c string) lipgloss.Style {
		// Inline keeps lipgloss from padding the lines of a longer text to
		// the same width.
		return r.NewStyle().Inline(true).Foreground(lipgloss.Color(c))
	}
	return theme{
		bad:    colour("1").Bold(true),
		fair:   colour("5"),
		good:   colour("2"),
		name:   colour("6"),
		dim:    r.NewStyle().Inline(true).Faint(true),
		strong: r.NewStyle().Inline(true).Bold(true),
	}
}

// render styles s; without colour the text is passed through untouched.
func (o *Output) render(style lipgloss.Style, s string) string {
	if !o.colour || s == "" {
		return s
	}
	return style.Render(s)
}

// Bad styles failures. All styling methods expect a single line.
func (o *Output) Bad(s string) string { return o.render(o.theme.bad, s) }

// Fair styles warnings and hints.
func (o *Output) Fair(s string) string { return o.render(o.theme.fair, s) }

// Good styles success.
func (o *Output) Good(s string) string { return o.render(o.theme.good, s) }

// Dim styles the least important part of a line.
func (o *Output) Dim(s string) string { return o.render(o.theme.dim, s) }

// Strong styles the most important part of a line.
func (o *Output) Strong(s string) string { return o.render(o.theme.strong, s) }

// Name styles names in a text where they stand out without it, too.
func (o *Output) Name(s string) string { return o.render(o.theme.name, s) }

// Link styles an address that can be opened: underlined, in one piece, which lipgloss would style
// character by character.
func (o *Output) Link(s string) string {
	if !o.colour || s == "" {
		return s
	}
	return "\x1b[4m" + s + "\x1b[0m"
}

// Status styles text about an HTTP response by the class of its status code.
func (o *Output) Status(code int, s string) string {
	switch {
	case code >= 500:
		return o.Bad(s)
	case code >= 400:
		return o.Fair(s)
	default:
		return o.Good(s)
	}
}

// Symbols that begin a line. They are plain Unicode, understood by every
// terminal in use; the words beside them say the same.
const (
	SymbolBad  = "✗"
	SymbolGood = "✓"
	SymbolItem = "•"
	SymbolBusy = "⋯"
)
