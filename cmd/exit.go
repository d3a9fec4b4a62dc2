package cmd

import (
	"fmt"

	"github.com/wasihttp/wasihttp/internal/term"
)

// programName is the name in messages, whatever the file is called.
const programName = "wasihttp"

// The exit codes. 2 and 4 are kept for the test command: a fixture that cannot
// be read, and an answer that differs.
const (
	exitOK    = 0
	exitUsage = 1
	exitLoad  = 3
	// exitTrap is how run ends when the guest trapped: what a shell reports of a program that aborted.
	exitTrap = 134
	// exitSignal and the number of a signal make the exit code of what the signal has ended, as
	// shells report it.
	exitSignal = 128
)

// guestExit is the exit code of a guest that has ended by itself; nothing is to be said about it.
type guestExit int

// Error tells the code.
func (e guestExit) Error() string { return fmt.Sprintf("the guest exited with %d", int(e)) }

// userError is an error as the user sees it: a message that names the file and
// the thing, and a next step.
type userError struct {
	msg  string // safe to be shown; may have several lines
	hint string
	code int
	err  error
}

// Error returns the message without the hint.
func (e *userError) Error() string { return e.msg }

// Hint returns the next step; "" for none.
func (e *userError) Hint() string { return e.hint }

// Unwrap returns the underlying error.
func (e *userError) Unwrap() error { return e.err }

// usagef returns an error about how the program was called.
func usagef(hint, format string, args ...any) error {
	return &userError{msg: term.Sprintf(format, args...), hint: hint, code: exitUsage}
}

// loadError returns an error about a component that cannot be loaded or run.
func loadError(err error, hint, format string, args ...any) error {
	return &userError{msg: term.Sprintf(format, args...), hint: hint, code: exitLoad, err: err}
}
