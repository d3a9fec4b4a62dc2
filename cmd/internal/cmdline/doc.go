// Package cmdline is what the command line is made of: values of flags, environment files, help, and
// errors about how a command was called.
package cmdline

import "github.com/wasihttp/wasihttp/internal/term"

// CompletionFlag is what the completion scripts add to the command line to ask for the words that
// fit next.
const CompletionFlag = "--generate-bash-completion"

// Error says what is wrong with the command line.
type Error struct {
	msg, hint string
}

// Error returns the message without the hint.
func (e *Error) Error() string { return e.msg }

// Hint returns the next step; "" for none.
func (e *Error) Hint() string { return e.hint }

func usagef(hint, format string, args ...any) error {
	return &Error{msg: term.Sprintf(format, args...), hint: hint}
}
