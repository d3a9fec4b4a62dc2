package component

import "fmt"

// TrapError is a trap that the component model calls for: a guest broke a rule of the canonical
// ABI, or a host function returned an error. If it happened below guest code, the engine's
// *engine.Trap wraps it.
type TrapError struct {
	Msg string
}

// Error returns the message.
func (e *TrapError) Error() string { return e.Msg }

// trapf traps the running guest: it unwinds to the call that entered the store.
func trapf(format string, args ...any) {
	panic(&TrapError{Msg: fmt.Sprintf(format, args...)})
}
