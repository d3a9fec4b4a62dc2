// Package process runs other programs.
package process

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
)

// Feed runs the command with data on its standard input, and waits until it ends; the end of ctx
// kills it. Standard input stays open after data, so that the command notices the end of this
// process.
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
	// If the write fails, the command has ended, and its standard error says why.
	_, _ = in.Write(data)
	if err := command.Wait(); ctx.Err() != nil {
		return ctx.Err()
	} else if err != nil {
		return fmt.Errorf("%w: %s", err, text.Bytes())
	}
	return nil
}
