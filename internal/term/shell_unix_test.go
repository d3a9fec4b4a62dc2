//go:build unix

package term

import (
	"os/exec"
	"strings"
	"testing"
)

// sh runs a command in a POSIX shell.
func sh(t *testing.T, command string) string {
	t.Helper()
	out, err := exec.Command("sh", "-c", command).Output()
	if err != nil {
		t.Fatalf("%s: %v", command, err)
	}
	return string(out)
}

func TestShellWordIsOneWordToAShell(t *testing.T) {
	for _, s := range []string{"", "a", "a b", "it's", `"$HOME" \ ` + "`x`", "a*?[b]", "~/x", "#x", "é ✓", "-n;&|<>(){}!"} {
		if got := sh(t, "printf %s "+ShellWord(s)); got != s {
			t.Errorf("%q is %q to the shell, which reads %q", s, ShellWord(s), got)
		}
	}
	if got := ShellWord("dist/app-1.0_x.wasm"); got != "dist/app-1.0_x.wasm" {
		t.Errorf("a plain word is quoted: %s", got)
	}
	// Shells that are no bash may not know this form.
	if got := ShellWord("a\n\x01'\\\xff"); got != `$'a\n\001\047\\\377'` {
		t.Errorf("got %s", got)
	}
}

func TestShellPrintfWritesEveryByte(t *testing.T) {
	var all strings.Builder
	for c := range 256 {
		all.WriteByte(byte(c))
	}
	all.WriteString("100%d \\n 'x'8")
	if got := sh(t, ShellPrintf(all.String())); got != all.String() {
		t.Errorf("got %q", got)
	}
}
