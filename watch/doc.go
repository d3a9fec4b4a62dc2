// Package watch reports files whose contents really changed.
//
// A [File] is one file that a build writes anew, in whatever way: it reports
// contents that differ from those before, once they have been still for a
// moment. A [Tree] is the folders with the sources of that build: it reports
// which files in them have other contents than before. Both look at folders
// rather than files, because tools replace files; both let a hash of the
// contents decide, because times and attributes change without them.
//
// Considered and rejected: polling only (a save would be noticed late, or the
// disk would never sleep); watching the file itself (the watch stays with the
// file that was replaced); trusting modification times (a rebuild with the same
// result changes them, a renamed file may bring an old one).
//
// The time from a write to its report is the debounce time, 50 ms by default,
// and the time to read the file; for what has no event it is two
// seconds more.
//
// It is the only package that imports fsnotify.
package watch
