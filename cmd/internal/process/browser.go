package process

import (
	"context"
	"os/exec"
	"runtime"
)

// OpenBrowser opens the URL in the user's browser. It waits for the program that it starts until
// ctx ends; if that is the browser itself, it goes on.
func OpenBrowser(ctx context.Context, url string) error {
	var command *exec.Cmd
	switch runtime.GOOS {
	case "darwin":
		command = exec.Command("open", url)
	case "windows":
		command = exec.Command("rundll32", "url.dll,FileProtocolHandler", url)
	default:
		command = exec.Command("xdg-open", url)
	}
	// Ctrl-C must not reach the browser.
	ownGroup(command)
	if err := command.Start(); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- command.Wait() }() // ends with the command, or with this process
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
		return nil
	}
}
