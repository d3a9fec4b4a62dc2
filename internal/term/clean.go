package term

import (
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/charmbracelet/lipgloss"
)

// Clean makes foreign text safe to show on one line of a terminal: control
// characters, invalid UTF-8 and characters that reorder text become visible
// escapes instead of being obeyed.
func Clean(s string) string {
	clean := true
	for i := 0; i < len(s); i++ {
		if s[i] < 0x20 || s[i] >= 0x7f {
			clean = false
			break
		}
	}
	if clean {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case r == '\t':
			b.WriteByte(' ')
		case r < 0x20 || r == 0x7f:
			fmt.Fprintf(&b, `\x%02x`, r)
		case !unicode.IsPrint(r):
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
		i += size
	}
	return b.String()
}

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

// StripEscapes removes the terminal escape sequences (ECMA-48: CSI, OSC and the
// two-character ones) that programs colour their output with, for places that
// do not understand them.
func StripEscapes(s string) string {
	if !strings.ContainsRune(s, 0x1b) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		if s[i] != 0x1b {
			b.WriteByte(s[i])
			i++
			continue
		}
		i += escapeLen(s[i:])
	}
	return b.String()
}

// escapeLen returns the length of the escape sequence that s begins with.
func escapeLen(s string) int {
	if len(s) < 2 {
		return len(s)
	}
	switch s[1] {
	case '[':
		for i := 2; i < len(s); i++ {
			if s[i] >= 0x40 && s[i] <= 0x7e {
				return i + 1
			}
		}
		return len(s)
	case ']':
		for i := 2; i < len(s); i++ {
			if s[i] == 0x07 {
				return i + 1
			}
			if s[i] == 0x1b && i+1 < len(s) && s[i+1] == '\\' {
				return i + 2
			}
		}
		return len(s)
	default:
		return 2
	}
}
