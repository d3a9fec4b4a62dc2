package wasi

import "strconv"

// Exit is the error with which a host function unwinds a guest that asked to end (wasi:cli/exit).
// It stops the guest at once, from any depth, and leaves its store unusable. The caller of the
// guest finds it with errors.As; it is a regular end, not a failure of the guest.
type Exit struct {
	// Code is the status for the process: 0 is success.
	Code uint8
}

// Error names the status.
func (e Exit) Error() string { return "guest exited with status " + strconv.Itoa(int(e.Code)) }
