package process

import (
	"context"
	"os/exec"
	"runtime"
)

// OpenBrowser shows the page in the user's browser. What it runs may be the
// browser itself, which goes on when ctx ends.
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
	// Ctrl-C is not for the browser.
	ownGroup(command)
	if err := command.Start(); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- command.Wait() }() // ends with it, or with this process
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
		return nil
	}
}
