package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"
)

// exitUnparsed is hurl's exit code for a file that it cannot parse.
const exitUnparsed = 2

// longEnough is how long hurl gets for a file; what still runs then, such as
// one that is to be tried for ever, was parsed.
const longEnough = 2 * time.Second

// grammar asks hurl which of the small files in a list it can parse, and
// compares the responses with what the list says. The parser's own tests use the
// same list.
func (p programs) grammar(ctx context.Context, list string) error {
	data, err := os.ReadFile(list)
	if err != nil {
		return err
	}
	var cases []struct {
		Src string
		OK  bool
	}
	if err := json.Unmarshal(data, &cases); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "wasihttp-grammar")
	if err != nil {
		return err
	}
	defer func() {
		// What is left in the temporary folder does no harm.
		_ = os.RemoveAll(dir)
	}()
	different := 0
	for i, c := range cases {
		parsed, err := p.parses(ctx, filepath.Join(dir, strconv.Itoa(i)+".hurl"), c.Src)
		if err != nil {
			return err
		}
		if parsed != c.OK {
			different++
			fmt.Printf("%q: parsed %t, the list has %t\n", c.Src, parsed, c.OK)
		}
	}
	fmt.Printf("%s: %d files, hurl differs for %d\n", list, len(cases), different)
	if different > 0 || len(cases) == 0 {
		return fmt.Errorf("%d of %d files are not parsed as the list has it", different, len(cases))
	}
	return nil
}

// parses reports whether hurl can parse a file. Its requests reach nothing.
func (p programs) parses(ctx context.Context, path, source string) (bool, error) {
	if err := os.WriteFile(path, []byte(source), 0o600); err != nil {
		return false, err
	}
	ctx, cancel := context.WithTimeout(ctx, longEnough)
	defer cancel()
	err := exec.CommandContext(ctx, p.hurl, "--proxy", "http://127.0.0.1:1", "--no-output",
		path).Run()
	var exit *exec.ExitError
	switch {
	case err == nil || errors.Is(ctx.Err(), context.DeadlineExceeded):
		return true, nil
	case errors.As(err, &exit) && exit.ExitCode() > 1 && exit.ExitCode() <= 4:
		return exit.ExitCode() != exitUnparsed, nil
	}
	return false, fmt.Errorf("%s with %q: %w", p.hurl, source, err)
}
