package engine

import "fmt"

// ModuleError reports that a module cannot be compiled.
type ModuleError struct {
	Module string // its name
	Err    error  // why
}

// Error returns the module's name and the reason.
func (e *ModuleError) Error() string { return fmt.Sprintf("module %q: %v", e.Module, e.Err) }

// Unwrap returns the reason.
func (e *ModuleError) Unwrap() error { return e.Err }
