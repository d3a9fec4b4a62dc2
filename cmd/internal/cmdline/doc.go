// Package cmdline implements the parts of the command line: values of flags, environment files,
// help, and errors about how a command was called.
package cmdline
