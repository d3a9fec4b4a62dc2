package host

import (
	"context"
	"errors"
	"io"
	"os"

	"github.com/wasihttp/wasihttp/internal/engine"
)

// CompileFor is the other end of EngineOptions.Helper: it compiles the module of that size that in
// begins with, and leaves the code in dir. It works with the lowest priority that the system has,
// and stops and removes dir if in ends early or after the module: then no process waits for the
// code. The process is expected to end when CompileFor returns.
func CompileFor(ctx context.Context, dir string, in io.Reader, size int) error {
	ctx, stop := engine.LowestPriority(ctx)
	defer stop()
	compiler, err := engine.NewCompiler(dir)
	if err != nil {
		return err
	}
	wasm := make([]byte, size)
	if _, err := io.ReadFull(in, wasm); err != nil {
		return errors.Join(err, os.RemoveAll(dir))
	}
	compiled, abandoned := make(chan error, 1), make(chan struct{})
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	// Neither has to end: the process does.
	go func() { compiled <- compiler.Compile(ctx, wasm) }()
	go func() {
		_, _ = io.Copy(io.Discard, in)
		close(abandoned)
	}()
	select {
	case err := <-compiled:
		return err
	case <-abandoned:
		// No other process removes the folder. While it is removed, code may still get in, also as
		// a file that Windows keeps as long as it is open; once it is gone, none can.
		cancel()
		err := os.RemoveAll(dir)
		if err != nil {
			<-compiled
			err = os.RemoveAll(dir)
		}
		return errors.Join(errors.New("stdin was closed: no process waits for the code"), err)
	}
}
