package cmd

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/wasihttp/wasihttp/cmd/internal/cmdline"
	"github.com/wasihttp/wasihttp/cmd/internal/exit"
	"github.com/wasihttp/wasihttp/internal/scaffold"
	"github.com/wasihttp/wasihttp/internal/term"
)

// newCommand describes "wasihttp new".
func newCommand(t *state) *cli.Command {
	var language, world string
	b := &cmdline.Flags{}
	b.Text("lang", &language, "", "`LANGUAGE` is "+strings.Join(scaffold.Names(), ", ")+
		" (default: ask, on a terminal)", "l")
	b.Text("world", &world, "", "`VERSION` of WASI HTTP, 0.2 or 0.3 (default: the one that the "+
		"tools of the language support best)")
	return command(&cli.Command{
		Name:      "new",
		Usage:     "write a new project",
		UsageText: programName + " new [--lang LANGUAGE] [--world VERSION] NAME",
		Description: "Writes a small service into the folder NAME: two routes, a test, a " +
			"fixture, the build file, and\nwasihttp.toml, with which serve and test build it " +
			"and need no flags. Nothing is overwritten.\n\n" +
			cmdline.Examples(`
wasihttp new --lang rust hello
cd hello && wasihttp serve`),
		Flags: b.All(),
		Action: func(c *cli.Context) error {
			if c.NArg() != 1 || c.Args().First() == "" {
				return exit.Usagef("try: "+programName+" new --lang rust hello",
					"new takes exactly one NAME, not %d", c.NArg())
			}
			if language == "" {
				var err error
				if language, err = t.askLanguage(); err != nil {
					return err
				}
			}
			p, err := scaffold.Plan(language, world, c.Args().First())
			if err == nil {
				err = p.Write()
			}
			if err != nil {
				return scaffoldError(err)
			}
			return t.welcome(p)
		},
	})
}

// scaffoldError adds an exit code to an error of package scaffold.
func scaffoldError(err error) error {
	var failed *scaffold.Error
	if errors.As(err, &failed) {
		return exit.New(exit.Usage, err, failed.Hint, term.Clean(failed.Message))
	}
	return exit.New(exit.Usage, err, "nothing was written", term.Sprintf("%v", err))
}

// welcome says what to do with a new project, and what it lacks.
func (t *state) welcome(p *scaffold.Project) error {
	dir := term.ShellPath(p.Dir)
	fmt.Fprintf(t.stdout, "%s: wrote %s: %s, WASI %s\n", programName,
		t.stdout.Strong(term.Clean(dir)), p.Language.Title, p.World)
	for _, tool := range p.Language.Missing(t.getenv) {
		fmt.Fprintf(t.stdout, "%s %s is not installed: %s\n", t.stdout.Fair("note:"), tool.Name,
			tool.Install)
	}
	_, err := fmt.Fprintf(t.stdout, `
  cd %s
  %s serve   builds it, serves it, and does so again whenever you save
  %[2]s test    builds it, and compares its responses with fixtures/
`, dir, programName)
	return err
}

// askLanguage asks for the language of a new project.
func (t *state) askLanguage() (string, error) {
	in, ok := t.in.(*os.File)
	if !ok || !term.IsTerminal(in.Fd()) || !t.stderr.IsTerminal() {
		return "", exit.Usagef("try: "+programName+" new --lang rust NAME, or one of "+
			strings.Join(scaffold.Names(), ", "), "new needs a language: --lang LANGUAGE")
	}
	l, ok := scaffold.Ask(in, t.stderr, programName, t.stderr.Strong("Which language? "))
	if !ok {
		return "", exit.Usagef("name it: --lang LANGUAGE", "no language was chosen")
	}
	return l.Name, nil
}
