package cmd

import (
	"context"
	"fmt"

	"github.com/wasihttp/wasihttp/host"
	"github.com/wasihttp/wasihttp/internal/inspect"
	"github.com/wasihttp/wasihttp/internal/term"
)

// inspectFile writes what the component in the file at path is and needs. The error says why no
// command can run it; what is known of it is written nevertheless.
func inspectFile(ctx context.Context, path string, asJSON bool, out *term.Output) error {
	f := inspect.Open(path, host.NewLinker()).CheckCode(ctx)
	r := inspect.NewReport(f)
	var err error
	if asJSON {
		err = r.JSON(out)
	} else if f.Data != nil {
		err = r.Text(out)
	}
	if err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	return problemError(f.Problem)
}

// problemError returns a problem as the error that ends a command; nil for none.
func problemError(p *inspect.Problem) error {
	if p == nil {
		return nil
	}
	return loadError(p, p.Hint, "%s", p.Message)
}

// discover returns the one component below the current folder that servable accepts; purpose and how
// are those of inspect.Find.
func discover(purpose, how string, servable func(path string) (bool, string)) (string, error) {
	path, problem := inspect.Find(purpose, how, servable)
	if problem != nil {
		return "", usagef(problem.Hint, "%s", problem.Message)
	}
	return path, nil
}
