//go:build !unix

package regular

// nonblock is nothing: on Windows opening a named pipe does not wait.
const nonblock = 0
