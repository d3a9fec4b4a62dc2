// Package process runs other programs.
package process

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
)

// Feed runs the command, which gets data on its standard input, until ctx ends. The standard input
// stays open until this process ends, so that the command notices that.
func Feed(ctx context.Context, command *exec.Cmd, data []byte) error {
	ownGroup(command)
	var text bytes.Buffer
	command.Stderr = &text
	in, err := command.StdinPipe()
	if err != nil {
		return err
	}
	if err := command.Start(); err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { _ = command.Process.Kill() })
	defer stop()
	// If not all of it can be written, the other process has ended and says why.
	_, _ = in.Write(data)
	if err := command.Wait(); ctx.Err() != nil {
		return ctx.Err()
	} else if err != nil {
		return fmt.Errorf("%w: %s", err, text.Bytes())
	}
	return nil
}
