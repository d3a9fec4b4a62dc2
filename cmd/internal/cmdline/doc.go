// Package cmdline implements the parts of the command line: values of flags, environment files,
// help, and errors about how a command was called.
package cmdline

// CompletionFlag is the argument that completion scripts append to the command line to get the
// words that may follow.
const CompletionFlag = "--generate-bash-completion"
