// Package reload keeps a server at the newest build of a component that can be loaded: a Decider
// takes what changes and decides what is served, a Command builds the component when its sources
// change, and a Log tells the user about both. It knows nothing of what a component is.
package reload
