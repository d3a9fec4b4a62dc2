//go:build !linux

package kvfile

// holder returns "": other systems do not list locks.
func holder(string) string { return "" }
