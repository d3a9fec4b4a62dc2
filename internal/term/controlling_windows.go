package term

// HasControlling reports whether the process has a controlling terminal. Windows has none: there, a
// process gets a termination signal when its console is closed.
func HasControlling() bool { return false }
