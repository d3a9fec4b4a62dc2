package term

import (
	"fmt"
	"io"
	"strings"

	"github.com/charmbracelet/lipgloss"

	"github.com/wasihttp/wasihttp/internal/words"
)

// Clean makes foreign text safe to show on one line of a terminal: control
// characters, invalid UTF-8 and characters that reorder text become visible
// escapes instead of being obeyed.
func Clean(s string) string { return words.Clean(s) }

// CleanLines makes foreign text Clean but keeps its line ends.
func CleanLines(s string) string {
	if !strings.Contains(s, "\n") {
		return Clean(s)
	}
	lines := strings.Split(s, "\n")
	for i, l := range lines {
		lines[i] = Clean(l)
	}
	return strings.Join(lines, "\n")
}

// Sprintf formats as fmt.Sprintf does, on one line: all text among the arguments
// becomes Clean, and joined errors are separated by semicolons. Arguments of %q
// are clean in any case.
func Sprintf(format string, args ...any) string {
	shown := make([]any, len(args))
	for i, arg := range args {
		shown[i] = cleaned{arg}
	}
	return fmt.Sprintf(format, shown...)
}

// cleaned is an argument whose text becomes Clean when it is formatted.
type cleaned struct{ arg any }

// Format writes the argument.
func (c cleaned) Format(f fmt.State, verb rune) {
	arg := c.arg
	if joined, ok := arg.(interface{ Unwrap() []error }); ok && verb != 'T' {
		var parts []string
		for _, err := range joined.Unwrap() {
			parts = append(parts, err.Error())
		}
		arg = strings.Join(parts, "; ")
	}
	text := fmt.Sprintf(fmt.FormatString(f, verb), arg)
	if verb != 'q' {
		text = Clean(text)
	}
	// Writing to the buffer cannot fail.
	_, _ = io.WriteString(f, text)
}

// Width returns how many columns clean text takes.
func Width(s string) int { return lipgloss.Width(s) }

// Cut shortens clean text to a number of columns, with an ellipsis at its end.
func Cut(s string, columns int) string {
	if Width(s) <= columns {
		return s
	}
	head, _ := split(s, columns-1)
	return head + "…"
}

// Pad is Cut, but fills up what is shorter with blanks.
func Pad(s string, columns int) string {
	s = Cut(s, columns)
	return s + strings.Repeat(" ", max(columns-Width(s), 0))
}

// Fold breaks clean text into lines of a number of columns.
func Fold(s string, columns int) []string {
	var lines []string
	for Width(s) > max(columns, 2) {
		var head string
		head, s = split(s, max(columns, 2))
		lines = append(lines, head)
	}
	return append(lines, s)
}

// Wrap breaks clean text into lines of a number of columns, between words where there are any.
func Wrap(s string, columns int) []string {
	var lines []string
	for Width(s) > columns {
		head, _ := split(s, columns+1)
		at := strings.LastIndexByte(head, ' ')
		if at <= 0 {
			break
		}
		lines, s = append(lines, s[:at]), s[at+1:]
	}
	return append(lines, s)
}

// split splits clean text after as many characters as fit into a number of columns.
func split(s string, columns int) (head, rest string) {
	width := 0
	for i, r := range s {
		if width += Width(string(r)); width > columns {
			return s[:i], s[i:]
		}
	}
	return s, ""
}

// StripEscapes removes the terminal escape sequences (ECMA-48: CSI, OSC and the
// two-character ones) that programs colour their output with, for places that
// do not understand them.
func StripEscapes(s string) string { return words.StripEscapes(s) }
