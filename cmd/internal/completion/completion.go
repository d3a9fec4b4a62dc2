// Package completion holds the scripts that complete commands and flags in a shell.
package completion

import (
	_ "embed"
	"strings"

	"github.com/urfave/cli/v2"
)

//go:embed bash.sh
var bash string

//go:embed zsh.sh
var zsh string

//go:embed powershell.ps1
var powershell string

// Shells returns the names of the shells that have a script.
func Shells() []string { return []string{"bash", "zsh", "fish", "powershell"} }

// Script returns the script for a shell of Shells, with which it completes the commands of app.
func Script(app *cli.App, shell string) (string, error) {
	switch shell {
	case "bash":
		return bash, nil
	case "zsh":
		return zsh, nil
	case "powershell":
		return powershell, nil
	}
	text, err := app.ToFishCompletion()
	// The library shows the marks around the names of values.
	return strings.ReplaceAll(text, "`", ""), err
}
