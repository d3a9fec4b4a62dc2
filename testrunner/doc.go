// Package testrunner replays fixtures and reports what differs.
//
// A fixture is a file of the Hurl format whose entries are sent, in order, to a Target: one
// instance of what is tested. An entry yields a Result: an Outcome and, unless it passed, the
// Problems that were found. Results are data; the packages and files that write reports only read
// them.
//
// The package does not know what a Target is made of.
package testrunner
