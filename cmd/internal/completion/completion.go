// Package completion finds the words that complete a command line, and holds the scripts with which
// shells ask for them.
package completion

import (
	_ "embed"
	"strings"
)

//go:embed bash.sh
var bash string

//go:embed zsh.sh
var zsh string

//go:embed fish.fish
var fish string

//go:embed powershell.ps1
var powershell string

// Shells returns the names of the shells that have a script.
func Shells() []string { return []string{"bash", "zsh", "fish", "powershell"} }

// Script returns the script for a shell of Shells.
func Script(shell string) string {
	return map[string]string{
		"bash": bash, "zsh": zsh, "fish": fish, "powershell": powershell,
	}[shell]
}

// OldFlag is the last argument with which the scripts of earlier versions call the program. The
// word that is to be completed is before it only if it begins with a dash.
const OldFlag = "--generate-bash-completion"

// Old returns the commands or flags for a script of an earlier version, one on each line.
func (l Line) Old(args []string) string {
	current := ""
	if last := len(args) - 1; last >= 0 && strings.HasPrefix(args[last], "-") {
		args, current = args[:last], args[last]
	}
	var lines strings.Builder
	for _, w := range l.Words(args, current) {
		if strings.HasPrefix(w.Text, current) && !strings.HasPrefix(w.Text, ":") {
			lines.WriteString(w.Text + "\n")
		}
	}
	return lines.String()
}
