package exit

import (
	"context"
	"errors"

	"github.com/wasihttp/wasihttp/testrunner"
	"github.com/wasihttp/wasihttp/testrunner/suite"
)

// Verdict returns err, or else the error with the exit code of a verdict,
// which the report has explained.
func Verdict(v testrunner.Verdict, err error) error {
	if err != nil {
		return Suite(err)
	}
	switch v {
	case testrunner.Unreadable:
		return Guest(Unreadable)
	case testrunner.Broken:
		return Guest(Load)
	case testrunner.Mismatches:
		return Guest(Mismatch)
	}
	return nil
}

// Suite returns an error of a suite as the error that ends a command.
func Suite(err error) error {
	var (
		user  *Error
		asked *suite.Error
	)
	switch {
	case err == nil, errors.As(err, &user), errors.Is(err, context.Canceled):
		return err
	case errors.As(err, &asked) && asked.Usage:
		return Usagef(asked.Hint, "%s", asked.Message)
	case asked != nil:
		return Loadf(err, asked.Hint, "%s", asked.Message)
	}
	return Loadf(err, "", "%v", err)
}
