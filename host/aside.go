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
		return err
	}
	compiled, abandoned := make(chan error, 1), make(chan struct{})
	// Neither is waited for: the process ends.
	go func() { compiled <- compiler.Compile(ctx, wasm) }()
	go func() {
		_, _ = io.Copy(io.Discard, in)
		close(abandoned)
	}()
	select {
	case err := <-compiled:
		return err
	case <-abandoned:
		// No other process removes it.
		return errors.Join(
			errors.New("stdin was closed: no process waits for the code"),
			os.RemoveAll(dir),
		)
	}
}
