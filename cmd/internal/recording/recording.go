// Package recording joins package record with the command line: filters, a recorder that finds what
// moves in responses, and errors with their hints.
package recording

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"time"

	"github.com/wasihttp/wasihttp/cmd/internal/exit"
	"github.com/wasihttp/wasihttp/cmd/internal/testhost"
	"github.com/wasihttp/wasihttp/cmd/internal/values"
	"github.com/wasihttp/wasihttp/internal/record"
	"github.com/wasihttp/wasihttp/internal/regular"
	"github.com/wasihttp/wasihttp/internal/term"
	"github.com/wasihttp/wasihttp/testrunner"
)

// Filter returns the filter of the rules that the flags --include and --exclude have.
func Filter(include, exclude []string) (record.Filter, error) {
	var filter record.Filter
	for _, list := range []struct {
		flag  string
		texts []string
		rules *[]record.Rule
	}{
		{"include", include, &filter.Include},
		{"exclude", exclude, &filter.Exclude},
	} {
		for _, text := range values.Rules(list.texts) {
			rule, err := record.ParseRule(text)
			if err != nil {
				return filter, exit.Usagef("for example --"+list.flag+" 'path:/api/*'",
					"--%s: %v", list.flag, err)
			}
			*list.rules = append(*list.rules, rule)
		}
	}
	return filter, nil
}

// timeForMoves is how long recorded requests are sent to the component again, to find what moves.
const timeForMoves = 10 * time.Second

// Moves returns a function that sends what was recorded to instances of h again, to find what moves
// in the responses. It goes on for a while after the end of ctx; say then prints a line about it.
func Moves(
	ctx context.Context, h *testhost.Host, say func(line string), o testrunner.Options,
) record.Moves {
	return func(list []record.Text) ([][][]string, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), timeForMoves)
		defer cancel()
		said := time.AfterFunc(time.Second, func() {
			say("sends what was recorded again, to find what moves; a second signal ends that")
		})
		defer said.Stop()
		return testhost.Moves(ctx, h, list, &o)
	}
}

// New returns the recorder of --record. Its error is for the user.
func New(o record.Options) (*record.Recorder, error) {
	r, err := record.New(o)
	switch {
	case err == nil:
		return r, nil
	case errors.As(err, new(*record.Error)):
		return nil, Failed(err)
	case errors.Is(err, fs.ErrExist) && o.Session != "":
		return nil, exit.Usagef("remove it, or name another file", "--record %s: %v exists",
			o.Session, existing(err))
	}
	return nil, exit.Usagef("name a folder that can be written", "--record %s: %v",
		cmp.Or(o.Session, o.Dir), regular.Reason(err))
}

// existing returns the path of a file that is there already.
func existing(err error) string {
	var at *fs.PathError
	if errors.As(err, &at) {
		return at.Path
	}
	return err.Error()
}

// Failed adds a hint and an exit code to an error of package record.
func Failed(err error) error {
	var failed *record.Error
	if !errors.As(err, &failed) {
		return err
	}
	code, hint := exit.Usage, ""
	switch failed.Kind {
	case record.Missing:
		hint = "name a file with recorded traffic, such as session.har"
	case record.Nothing:
		code = exit.Unreadable
		hint = "see the warnings above"
	case record.Empty:
		code = exit.Unreadable
		hint = "save the archive after the requests, with their contents"
	case record.Unreadable:
		code = exit.Unreadable
		hint = "expected an HTTP Archive (.har) or a test of the wasi-testsuite (.json)"
	case record.BadBase:
		hint = "for example --base http://localhost:8080, or --base '{{base}}'"
	case record.Exists:
		hint = "--force overwrites it"
	}
	return exit.New(code, err, hint, term.Clean(failed.Error()))
}
