// Package reload keeps a server at the newest build of a component that can be loaded: a Decider
// receives changes and decides what is served, a Command builds the component when its sources
// change, and a Log reports both to the user. The package does not know what a component is.
package reload
