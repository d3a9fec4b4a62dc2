package cmd

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/wasihttp/wasihttp/internal/fixture/har"
	"github.com/wasihttp/wasihttp/internal/fixture/hurl"
	"github.com/wasihttp/wasihttp/internal/term"
)

// exitUnreadable is the exit code for a file of fixtures that cannot be read.
const exitUnreadable = 2

// convertCommand describes "wasihttp convert".
func (t *tool) convertCommand() *cli.Command {
	return command(&cli.Command{
		Name:      "convert",
		Usage:     "turn recorded traffic into fixtures",
		UsageText: programName + " convert -o DIR [flags] FILE...",
		Description: "Reads HTTP Archives (HAR 1.2), as browsers save them, and the JSON files of the wasi-testsuite for HTTP\n" +
			"services, and writes fixtures (.hurl): a file for each exchange of an archive, and a file for each test.\n" +
			"Secrets are replaced: authorization, cookies, API keys, and what --redact names. What a fixture cannot\n" +
			"hold is told on stderr.\n\n" +
			examples(`
wasihttp convert session.har -o fixtures/                  write fixtures/0001-get-….hurl and so on
wasihttp convert session.har -o fixtures/ --redact x-user  with the values of one more header replaced
wasihttp convert http-service.json -o fixtures/            write fixtures/http-service.hurl`),
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "write the fixtures into `DIR`, which is made if it is not there"},
			&cli.StringSliceFlag{Name: "redact", Usage: "replace the values of the header or query parameter `NAME` (repeatable)"},
			&cli.StringFlag{Name: "base", Usage: "write `URL` in place of scheme and host, for example {{base}}"},
			&cli.BoolFlag{Name: "force", Usage: "overwrite files that exist", DisableDefaultText: true},
		},
		Action: func(c *cli.Context) error {
			dir := c.String("output")
			switch {
			case c.NArg() == 0:
				return usagef("try: "+programName+" convert session.har -o fixtures/", "convert needs a FILE")
			case dir == "":
				return usagef("try: "+programName+" convert "+c.Args().First()+" -o fixtures/", "convert needs the folder to write to: -o DIR")
			}
			conv := converter{tool: t, dir: dir, force: c.Bool("force"), options: hurl.RecordOptions{Redact: c.StringSlice("redact"), Base: c.String("base")}}
			for _, path := range c.Args().Slice() {
				if err := conv.file(path); err != nil {
					return err
				}
			}
			return nil
		},
	})
}

// converter writes fixtures into a folder.
type converter struct {
	*tool
	dir     string
	force   bool
	options hurl.RecordOptions
	count   int // the exchanges of archives so far
}

// file converts one file.
func (c *converter) file(path string) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return readError(path, err)
	}
	var written []string
	if isTestsuite(data) {
		written, err = c.testsuite(path, data)
	} else {
		written, err = c.archive(path, data)
	}
	if err != nil {
		return err
	}
	for _, name := range written {
		fmt.Fprintln(c.stdout, name)
	}
	return nil
}

// readError says why a file cannot be read.
func readError(path string, err error) error {
	var pathError *fs.PathError
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return usagef("", "%s: no such file", term.Clean(path))
	case errors.As(err, &pathError):
		return usagef("", "%s: cannot be read: %v", term.Clean(path), pathError.Err)
	}
	return usagef("", "%s: cannot be read: %v", term.Clean(path), err)
}

// isTestsuite guesses what a file of JSON is: a test has operations, an archive
// a log.
func isTestsuite(data []byte) bool {
	operations, log := bytes.Index(data, []byte(`"operations"`)), bytes.Index(data, []byte(`"log"`))
	return operations >= 0 && (log < 0 || operations < log)
}

// archive writes a fixture for each exchange of an HTTP Archive.
func (c *converter) archive(path string, data []byte) ([]string, error) {
	list, warnings, err := har.Parse(data)
	if err != nil {
		return nil, unreadable(path, err, "expected an HTTP Archive (.har) or a test of the wasi-testsuite (.json)")
	}
	c.warn(path, warnings)
	var written []string
	for i := range list {
		text, dropped := hurl.FromExchanges(list[i:i+1], c.options)
		c.warn(path, dropped)
		if len(text) == 0 {
			continue
		}
		c.count++
		name, err := c.write(hurl.FileName(c.count, &list[i]), text)
		if err != nil {
			return written, err
		}
		written = append(written, name)
	}
	return written, nil
}

// testsuite writes a fixture for a test of the wasi-testsuite.
func (c *converter) testsuite(path string, data []byte) ([]string, error) {
	list, env, warnings, err := har.ParseTestsuite(data)
	if errors.Is(err, har.ErrNoRequests) {
		c.warn(path, []string{"left out: " + err.Error()})
		return nil, nil
	}
	if err != nil {
		return nil, unreadable(path, err, "")
	}
	c.warn(path, warnings)
	options := c.options
	options.Env = env
	options.Component = c.componentBeside(path)
	text, dropped := hurl.FromExchanges(list, options)
	c.warn(path, dropped)
	name, err := c.write(strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))+".hurl", text)
	if err != nil {
		return nil, err
	}
	return []string{name}, nil
}

// componentBeside returns the component that stands beside a test, relative to
// the folder of the fixtures, "" if there is none.
func (c *converter) componentBeside(path string) string {
	component := strings.TrimSuffix(path, filepath.Ext(path)) + ".wasm"
	if info, err := os.Stat(component); err != nil || !info.Mode().IsRegular() {
		return ""
	}
	from, err := filepath.Abs(c.dir)
	if err != nil {
		return ""
	}
	to, err := filepath.Abs(component)
	if err != nil {
		return ""
	}
	relative, err := filepath.Rel(from, to)
	if err != nil {
		return ""
	}
	return filepath.ToSlash(relative)
}

// unreadable returns the error for a file that is not what it should be.
func unreadable(path string, err error, hint string) error {
	text := ": "
	var syntax *har.SyntaxError
	if errors.As(err, &syntax) && syntax.Line > 0 {
		text = ":"
	}
	return &userError{msg: term.Clean(path) + text + err.Error(), hint: hint, code: exitUnreadable, err: err}
}

func (c *converter) warn(path string, warnings []string) {
	for _, w := range warnings {
		fmt.Fprintf(c.stderr, "%s %s %s: %s\n", programName+":", c.stderr.Fair("warning:"), term.Clean(path), term.Clean(w))
	}
}

// write writes a file into the folder and returns its path.
func (c *converter) write(name string, text []byte) (string, error) {
	if err := os.MkdirAll(c.dir, 0o755); err != nil {
		return "", usagef("", "%s: cannot be made: %v", term.Clean(c.dir), err)
	}
	path := filepath.Join(c.dir, name)
	flags := os.O_WRONLY | os.O_CREATE | os.O_EXCL
	if c.force {
		flags = os.O_WRONLY | os.O_CREATE | os.O_TRUNC
	}
	f, err := os.OpenFile(path, flags, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return "", usagef("--force overwrites it", "%s: exists", term.Clean(path))
	}
	if err != nil {
		return "", usagef("", "%s: cannot be written: %v", term.Clean(path), err)
	}
	_, err = f.Write(text)
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return "", usagef("", "%s: cannot be written: %v", term.Clean(path), err)
	}
	return path, nil
}
