// Package testrunner replays fixtures and says what differs.
//
// A fixture is a file of the Hurl format whose entries are sent, in order, to a
// Target: one instance of what is tested. An entry yields a Result: an Outcome
// and, unless it passed, the Problems that were found. Results are data; the
// packages and files that write reports only read them.
//
// What a Target is made of is not this package's affair.
package testrunner
