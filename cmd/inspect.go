package cmd

import (
	"context"
	"fmt"

	"github.com/wasihttp/wasihttp/cmd/internal/exit"
	"github.com/wasihttp/wasihttp/host"
	"github.com/wasihttp/wasihttp/internal/inspect"
	"github.com/wasihttp/wasihttp/internal/term"
)

// inspectFile writes the report about the file at path, put together with its parts; each file may
// have limit bytes. The error says why no command can run the component; the report is written in
// that case as well.
func inspectFile(ctx context.Context, path string, parts inspect.Parts, limit int64,
	asJSON bool, out *term.Output) error {
	f := parts.Open(path, limit, host.NewLinker()).CheckCode(ctx)
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
	return exit.Problem(f.Problem)
}

// discover returns the one component below the current folder that can be served, of limit bytes at
// most; purpose and how are those of inspect.Find.
func (d doors) discover(purpose, how string, limit int64) (string, error) {
	path, problem := inspect.Find(purpose, how, func(path string) (bool, string) {
		return d.servable(path, limit)
	})
	if problem != nil {
		return "", exit.New(exit.Usage, problem, problem.Hint, problem.Message)
	}
	return path, nil
}
