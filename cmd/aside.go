package cmd

import (
	"context"
	"io"
	"runtime"
	"strconv"

	"github.com/urfave/cli/v2"

	"github.com/wasihttp/wasihttp/cmd/internal/exit"
	"github.com/wasihttp/wasihttp/cmd/internal/process"
	"github.com/wasihttp/wasihttp/host"
	"github.com/wasihttp/wasihttp/internal/engine"
)

// asideName is the command with which the program runs itself to compile a module at the lowest
// priority while it goes on serving. No thread of this process can have that priority: a thread
// that the system holds back would delay every stop of the world. The memory that compiling needs
// is freed with the other process as well.
const asideName = "compile-aside"

// compileAside returns the helper of a host.Engine.
func compileAside(t *state) engine.Helper {
	return func(ctx context.Context, dir string, wasm []byte) error {
		command := t.self(asideName, dir, strconv.Itoa(len(wasm)))
		return process.Feed(ctx, command, wasm)
	}
}

// asideCommand describes the command, which only the program itself uses.
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

// compileInto compiles the module that in begins with, of size bytes, until it is done or in is
// closed.
func compileInto(ctx context.Context, in io.Reader, dir string, size int) error {
	// One processor is left to the process that serves requests.
	runtime.GOMAXPROCS(max(1, runtime.NumCPU()-1))
	return host.CompileFor(ctx, dir, in, size)
}
