package term

import "golang.org/x/sys/windows"

// enableColour asks the console to interpret escape sequences, which older
// consoles do only when told, and reports whether it does.
func enableColour(fd int) bool {
	handle := windows.Handle(fd)
	var mode uint32
	if err := windows.GetConsoleMode(handle, &mode); err != nil {
		return false
	}
	return windows.SetConsoleMode(handle, mode|windows.ENABLE_VIRTUAL_TERMINAL_PROCESSING) == nil
}
