// Package record makes fixtures of traffic: a [Recorder] writes what a server
// handles while it runs, and [Convert] writes what other programs have recorded.
package record
