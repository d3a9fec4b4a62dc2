package term

import (
	"fmt"
	"path/filepath"
	"strings"
	"unicode"
	"unicode/utf8"
)

// plainInShell has the characters that have no special meaning in a POSIX shell.
const plainInShell = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:=@%+,"

// ShellWord returns s quoted as one word of a POSIX shell. For characters that
// cannot be written plainly it uses the escapes of $'…', which bash, zsh and
// POSIX.1-2024 support.
func ShellWord(s string) string {
	switch {
	case s != "" && strings.Trim(s, plainInShell) == "":
		return s
	case isPrintable(s):
		return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
	}
	return "$'" + octal(s, `\`) + "'"
}

// ShellPrintf returns a command that writes s, whatever bytes it has, to its
// standard output, in any POSIX shell.
func ShellPrintf(s string) string { return "printf '" + octal(s, `\%`) + "'" }

// isPrintable reports whether s is readable between single quotes.
func isPrintable(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(c rune) bool {
		return !unicode.IsPrint(c)
	})
}

// octal escapes what is not plain ASCII, the quote, and the special characters:
// backslash and percent are doubled.
func octal(s, special string) string {
	var b strings.Builder
	for i := range len(s) {
		switch c := s[i]; {
		case c == '\n':
			b.WriteString(`\n`)
		case c < 0x20 || c >= 0x7f || c == '\'':
			fmt.Fprintf(&b, `\%03o`, c)
		case strings.IndexByte(special, c) >= 0:
			b.WriteString(string([]byte{c, c}))
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// ShellPath is ShellWord for a path on this system: the backslashes of Windows need no quotes.
func ShellPath(path string) string {
	if plain := filepath.ToSlash(path); ShellWord(plain) == plain {
		return path
	}
	return ShellWord(path)
}
