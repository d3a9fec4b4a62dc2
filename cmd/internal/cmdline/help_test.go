package cmdline

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/urfave/cli/v2"
)

// helpOf returns the help of a made-up command on a terminal of that width, 0
// for none.
func helpOf(width int) string {
	c := &cli.Command{Name: "do", Usage: "do it", UsageText: "app do", Flags: []cli.Flag{
		&cli.StringFlag{Name: "zebra", Usage: "a `NAME` such as {{x}} " + strings.Repeat("word ", 30), Category: "Second thoughts", Value: "z"},
		&cli.BoolFlag{Name: "quiet", Aliases: []string{"q"}, Usage: "say less", Category: "First"},
		&cli.StringSliceFlag{Name: "a-flag-with-a-very-long-name", Usage: "give a `VALUE`", Category: "Second thoughts"},
	}}
	WriteHelp(&cli.App{HelpName: "app", Commands: []*cli.Command{c}}, width)
	return strings.ReplaceAll(c.CustomHelpTemplate, `{{"{{"}}`, "{{")
}

func TestHelpKeepsGroupsAndOrder(t *testing.T) {
	text := helpOf(0)
	at := 0
	for _, part := range []string{
		"app do - do it\n", "Usage:\n  app do\n", "\nSecond thoughts:\n", "  --zebra NAME ", "NAME such as {{x}} word", `(default: "z")` + "\n",
		"  --a-flag-with-a-very-long-name VALUE  give a VALUE\n", "\nFirst:\n", "  --quiet, -q ", "say less\n", "\nOther:\n", "  --help, -h ",
	} {
		i := strings.Index(text[at:], part)
		if i < 0 {
			t.Fatalf("%q does not follow in\n%s", part, text)
		}
		at += i
	}
}

func TestHelpFitsTheTerminal(t *testing.T) {
	words := strings.Fields(helpOf(0))
	for _, width := range []int{60, 80, 200} {
		text := helpOf(width)
		for _, line := range strings.Split(text, "\n") {
			if n := utf8.RuneCountInString(line); n >= width || n > helpWidth {
				t.Errorf("%d columns: a line has %d: %s", width, n, line)
			}
		}
		if got := strings.Fields(text); strings.Join(got, " ") != strings.Join(words, " ") {
			t.Errorf("%d columns: other words:\n%s", width, text)
		}
	}
}
