// Package exit defines the exit codes, and the errors that end a command, each with its message,
// hint and exit code.
package exit

import (
	"fmt"

	"github.com/wasihttp/wasihttp/internal/inspect"
	"github.com/wasihttp/wasihttp/internal/term"
)

// The exit codes.
const (
	OK    = 0
	Usage = 1
	// Unreadable is for a fixture that cannot be parsed, and for a file that has nothing to
	// convert.
	Unreadable = 2
	Load       = 3
	// Mismatch is for responses that differ from what fixtures expect, if nothing worse happened.
	Mismatch = 4
	// Slower is the exit code of bench if a build is slower than its baseline by more than is
	// allowed, and nothing worse happened.
	Slower = 5
	// Trap is the exit code of run if the guest trapped: the code that a shell reports for a
	// program that aborted.
	Trap = 134
	// Signal plus the number of a signal is the exit code of a command that the signal ended, as
	// shells report it.
	Signal = 128
)

// Guest is the exit code of a command that has already written everything the user needs.
type Guest int

// Error returns the code in words.
func (e Guest) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

// Error is an error for the user: a message that names the file and the thing, and a next step.
type Error struct {
	Msg  string // safe to be shown; may have several lines
	hint string
	Code int
	Err  error
}

// Error returns the message without the hint.
func (e *Error) Error() string { return e.Msg }

// Hint returns the next step; "" for none.
func (e *Error) Hint() string { return e.hint }

// Unwrap returns the underlying error; nil for none.
func (e *Error) Unwrap() error { return e.Err }

// New returns an error with a message that is safe to be shown, a next step, and an exit code.
func New(code int, err error, hint, msg string) error {
	return &Error{Msg: msg, hint: hint, Code: code, Err: err}
}

// Usagef returns an error about the command line.
func Usagef(hint, format string, args ...any) error {
	return New(Usage, nil, hint, term.Sprintf(format, args...))
}

// Loadf returns an error about a component that cannot be loaded or run; err is the reason.
func Loadf(err error, hint, format string, args ...any) error {
	return New(Load, err, hint, term.Sprintf(format, args...))
}

// Problem returns a problem of a component as the error that ends a command; nil for none.
func Problem(p *inspect.Problem) error {
	if p == nil {
		return nil
	}
	return New(Load, p, p.Hint, p.Message)
}
