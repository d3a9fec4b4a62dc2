// Package cmdline is what the command line is made of: values of flags, environment files, help,
// and errors about how a command was called.
package cmdline

// CompletionFlag is what the completion scripts add to the command line to ask for the words that
// fit next.
const CompletionFlag = "--generate-bash-completion"
