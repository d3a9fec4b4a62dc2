package listen

// lockFolder does nothing: folders have no locks.
func lockFolder(string) (unlock func()) { return func() {} }
