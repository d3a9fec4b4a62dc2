package cmd

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os/exec"
	"runtime"
	"strconv"

	"github.com/urfave/cli/v2"

	"github.com/wasihttp/wasihttp/cmd/internal/exit"
	"github.com/wasihttp/wasihttp/host"
	"github.com/wasihttp/wasihttp/internal/engine"
)

// asideName is the command by which the program runs itself to compile a module
// with the lowest priority, while it goes on serving. No thread of this process
// can have that: one that the system holds back would hold up every stop of the
// world. What compiling needs in memory goes with the other process, too.
const asideName = "compile-aside"

// compileAside returns the helper of a host.Engine.
func compileAside(t *state) engine.Helper {
	return func(ctx context.Context, dir string, wasm []byte) error {
		command := t.self(asideName, dir, strconv.Itoa(len(wasm)))
		return runAside(ctx, command, wasm)
	}
}

// runAside runs the command, which gets the module on its standard input, until ctx ends.
func runAside(ctx context.Context, command *exec.Cmd, wasm []byte) error {
	ownGroup(command)
	var text bytes.Buffer
	command.Stderr = &text
	// The pipe stays open: when it is closed, this process has ended, and the
	// other one does so too.
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
	_, _ = in.Write(wasm)
	if err := command.Wait(); ctx.Err() != nil {
		return ctx.Err()
	} else if err != nil {
		return fmt.Errorf("%w: %s", err, text.Bytes())
	}
	return nil
}

// asideCommand describes the command, which is for the program itself alone.
func asideCommand(t *state) *cli.Command {
	return command(&cli.Command{
		Name:   asideName,
		Usage:  "compile a core module from stdin, for " + programName + " itself",
		Hidden: true,
		Action: func(c *cli.Context) error {
			size, err := strconv.ParseUint(c.Args().Get(1), 10, 31)
			if c.NArg() != 2 || err != nil {
				return exit.Usagef("", "%s is for %s itself", asideName, programName)
			}
			return compileInto(c.Context, t.in, c.Args().First(), int(size))
		},
	})
}

// compileInto compiles the module of that size that stdin begins with, as long
// as stdin stays open.
func compileInto(ctx context.Context, in io.Reader, dir string, size int) error {
	// All but one processor are left: it serves requests.
	runtime.GOMAXPROCS(max(1, runtime.NumCPU()-1))
	return host.CompileFor(ctx, dir, in, size)
}
