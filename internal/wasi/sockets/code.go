package sockets

import (
	"errors"
	"net"
)

// Code is a case of the error-codes of wasi:sockets, in 0.2 or 0.3, by its name there. It is an
// error.
type Code string

// The codes. Those from ConcurrencyConflict on are only in 0.2, ConnectionBroken and Other only in
// 0.3.
const (
	AccessDenied       Code = "access-denied"
	NotSupported       Code = "not-supported"
	InvalidArgument    Code = "invalid-argument"
	OutOfMemory        Code = "out-of-memory"
	Timeout            Code = "timeout"
	InvalidState       Code = "invalid-state"
	AddressNotBindable Code = "address-not-bindable"
	AddressInUse       Code = "address-in-use"
	RemoteUnreachable  Code = "remote-unreachable"
	ConnectionRefused  Code = "connection-refused"
	ConnectionReset    Code = "connection-reset"
	ConnectionAborted  Code = "connection-aborted"
	DatagramTooLarge   Code = "datagram-too-large"
	NameUnresolvable   Code = "name-unresolvable"
	TemporaryFailure   Code = "temporary-resolver-failure"
	PermanentFailure   Code = "permanent-resolver-failure"
	ConnectionBroken   Code = "connection-broken"
	Other              Code = "other"

	ConcurrencyConflict Code = "concurrency-conflict"
	NotInProgress       Code = "not-in-progress"
	WouldBlock          Code = "would-block"
	NewSocketLimit      Code = "new-socket-limit"
)

// Error returns the name of the case.
func (c Code) Error() string { return string(c) }

// systemError is an error of the system's with its code.
type systemError struct {
	code Code
	err  error
}

func (e *systemError) Error() string { return string(e.code) + ": " + e.err.Error() }

func (e *systemError) Unwrap() []error { return []error{e.code, e.err} }

// CodeOf returns the Code in an error's chain.
func CodeOf(err error) (Code, bool) {
	var c Code
	ok := errors.As(err, &c)
	return c, ok
}

// Text returns the text of an error beside its code; "" if there is none.
func Text(err error) string {
	var e *systemError
	if errors.As(err, &e) {
		return e.err.Error()
	}
	return ""
}

// coded adds the code to an error of the system.
func coded(err error) error {
	if _, ok := CodeOf(err); ok || err == nil {
		return err
	}
	if errors.Is(err, errClosed) {
		return InvalidState
	}
	return &systemError{systemCode(err), err}
}

// lookupCode returns the code of a failed look-up.
func lookupCode(err error) error {
	var dns *net.DNSError
	switch {
	case !errors.As(err, &dns):
		return &systemError{PermanentFailure, err}
	case dns.IsNotFound:
		return &systemError{NameUnresolvable, err}
	case dns.IsTimeout || dns.IsTemporary:
		return &systemError{TemporaryFailure, err}
	}
	return &systemError{PermanentFailure, err}
}
