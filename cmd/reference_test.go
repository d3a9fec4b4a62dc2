package cmd

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"text/template"

	"github.com/google/go-cmp/cmp"
	"github.com/urfave/cli/v2"

	"github.com/wasihttp/wasihttp/cmd/internal/cmdline"
	"github.com/wasihttp/wasihttp/cmd/internal/exit"
)

var update = flag.Bool("update", false, "write docs/reference.md and docs/wasihttp.schema.json")

// TestTheReferenceIsThatOfTheCommands makes docs/reference.md of its template and of the commands.
// After a change of either, go test ./cmd -run Reference -update writes it.
func TestTheReferenceIsThatOfTheCommands(t *testing.T) {
	want := reference(t)
	path := filepath.Join("..", "docs", "reference.md")
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("stale: go test ./cmd -run Reference -update writes it (-want +got):\n%s", diff)
	}
}

func reference(t *testing.T) string {
	t.Helper()
	// What does not depend on the machine: the state is empty.
	app := commandLine(&state{}, doors{})
	var missing []string
	for _, c := range app.Commands {
		if !c.Hidden {
			missing = append(missing, c.Name)
		}
	}
	tmpl, err := template.New("reference.md.tmpl").Funcs(template.FuncMap{
		"commands": func() string { return commandTable(app.Commands) },
		"command": func(name string) (string, error) {
			i := slices.Index(missing, name)
			if i < 0 {
				return "", fmt.Errorf("no command %s, or twice", name)
			}
			missing = slices.Delete(missing, i, i+1)
			return commandSection(app.Command(name), programName+" "+name), nil
		},
		"exit": func(name string) (int, error) {
			code, ok := map[string]int{
				"OK": exit.OK, "Usage": exit.Usage, "Unreadable": exit.Unreadable, "Load": exit.Load,
				"Mismatch": exit.Mismatch, "Slower": exit.Slower, "Trap": exit.Trap,
				"Interrupt":   exit.Signal + int(syscall.SIGINT),
				"Termination": exit.Signal + int(syscall.SIGTERM),
			}[name]
			if !ok {
				return 0, fmt.Errorf("no exit code %s", name)
			}
			return code, nil
		},
	}).ParseFiles(filepath.Join("testdata", "reference.md.tmpl"))
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	if err := tmpl.Execute(&b, nil); err != nil {
		t.Fatal(err)
	}
	if len(missing) > 0 {
		t.Errorf("the template lacks commands: %q", missing)
	}
	return b.String()
}

func commandTable(commands []*cli.Command) string {
	var b strings.Builder
	b.WriteString("| command | |\n| --- | --- |\n")
	for _, c := range commands {
		if !c.Hidden {
			fmt.Fprintf(&b, "| [`%s %s`](#%[1]s-%[2]s) | %s |\n", programName, c.Name, cell(c.Usage))
		}
	}
	return b.String()
}

// commandSection describes a command; its text is that of the help.
func commandSection(c *cli.Command, name string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "## %s\n\n    %s\n\n", name, c.UsageText)
	indented := false
	for line := range strings.Lines(c.Description + "\n") {
		text, isList := strings.CutPrefix(line, "  ")
		if isList != indented {
			b.WriteString("\n")
		}
		if indented = isList; isList {
			text = "    " + text
		}
		b.WriteString(text)
	}
	for _, group := range cmdline.Groups(c.Flags) {
		// The page has said that every command has --help.
		group.Flags = slices.DeleteFunc(group.Flags, func(f cmdline.Flag) bool {
			return strings.HasPrefix(f.Term, "--help")
		})
		if len(group.Flags) == 0 {
			continue
		}
		fmt.Fprintf(&b, "\n### %s: %s\n\n| flag | |\n| --- | --- |\n", c.Name, strings.ToLower(group.Heading))
		for _, f := range group.Flags {
			fmt.Fprintf(&b, "| `%s` | %s |\n", f.Term, cell(f.Text))
		}
	}
	return b.String()
}

func cell(text string) string { return strings.ReplaceAll(text, "|", `\|`) }
