package engine

import "fmt"

// ModuleError says that a module cannot be compiled.
type ModuleError struct {
	Module string // its name
	Err    error  // why
}

// Error names the module.
func (e *ModuleError) Error() string { return fmt.Sprintf("module %q: %v", e.Module, e.Err) }

// Unwrap returns the reason.
func (e *ModuleError) Unwrap() error { return e.Err }
