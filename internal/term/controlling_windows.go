package term

// HasControlling reports whether the process has a controlling terminal, which Windows does not
// know: there, a process gets the signal of a termination when its console is closed.
func HasControlling() bool { return false }
