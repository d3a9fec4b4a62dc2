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

// asideName is the command by which the program runs itself to compile a module
// with the lowest priority, while it goes on serving. No thread of this process
// can have that: one that the system holds back would hold up every stop of the
// world. What compiling needs in memory goes with the other process, too.
const asideName = "compile-aside"

// compileAside returns the helper of a host.Engine.
func compileAside(t *state) engine.Helper {
	return func(ctx context.Context, dir string, wasm []byte) error {
		command := t.self(asideName, dir, strconv.Itoa(len(wasm)))
		return process.Feed(ctx, command, wasm)
	}
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
