// Package program runs components that are commands: their export wasi:cli/run.
package program

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"github.com/wasihttp/wasihttp/cmd/internal/exit"
	"github.com/wasihttp/wasihttp/cmd/internal/loader"
	"github.com/wasihttp/wasihttp/cmd/internal/values"
	"github.com/wasihttp/wasihttp/component"
	"github.com/wasihttp/wasihttp/host"
	"github.com/wasihttp/wasihttp/internal/term"
	"github.com/wasihttp/wasihttp/wasi"
)

// Process is what a component gets of the process that runs it.
type Process struct {
	// Name is that of the process, for messages.
	Name string
	// In, Out and Err are the standard streams of the component. Messages go to Err as well.
	In       io.Reader
	Out, Err *term.Output
	// Quiet turns off the log of outbound requests.
	Quiet bool
	// Notice prints a line for the user.
	Notice func(line string)
}

// Run runs the component in the file at path until it ends, or until ctx does. The error holds the
// exit code of a component that was run; it is the cause of the end of ctx if that ended it.
func Run(ctx context.Context, path string, cfg loader.Config, p Process) error {
	linker := newLinker()
	x := cfg.Examine(path, linker).ForRun()
	if x.Problem != nil {
		return exit.Problem(x.Problem)
	}
	progress := term.StartProgress(p.Err, "loading "+path)
	defer progress.Stop()
	eng := cfg.NewEngine(nil)
	compiling := func(done, total int) { progress.Update("compiling", done, total) }
	linked, err := eng.Link(ctx, x.Component, linker, host.LinkOptions{Progress: compiling})
	progress.Stop()
	if err != nil {
		return errors.Join(loader.HostError(path, err), eng.Close())
	}
	cfg.Outbound = loader.OutboundLog(p.Err, false, p.Quiet, cfg.NoOutbound)
	cfg.Notice = p.Notice
	closeKeyValue, err := cfg.OpenKeyValue()
	if err != nil {
		return errors.Join(err, linked.Close(ctx), eng.Close())
	}
	defer closeKeyValue()
	status := p.run(ctx, linked, x.Command, path, cfg)
	// The program has ended; errors of freeing its resources do not matter.
	_ = linked.Close(context.WithoutCancel(ctx))
	_ = eng.Close()
	return status
}

// newLinker returns the interfaces that programs find. The data of their stores is a
// *wasi.State.
func newLinker() *component.Linker {
	l := component.NewLinker()
	view := func(data any) *wasi.State { return data.(*wasi.State) }
	wasi.AddTo(l, view)
	return l
}

// run runs the exported interface export of a linked component and says how that ended.
func (p *Process) run(ctx context.Context, linked *component.Linked, export, path string,
	cfg loader.Config,
) error {
	outbound, err := cfg.Policy()
	if err != nil {
		return exit.Usagef("", "%v", err)
	}
	dirs, err := openDirs(cfg.Dirs)
	if err != nil {
		return exit.Usagef(values.DirHint, "--dir: %v", err)
	}
	w := wasi.Config{
		Dirs: dirs,
		Args: append([]string{filepath.Base(path)}, cfg.Args...),
		Env:  cfg.Env,

		InitialCwd: cfg.Cwd,
		ConfigVars: cfg.ConfigVars, KeyValue: cfg.KeyValue,

		Stdin:  wasi.NewStdin(p.In),
		Stdout: p.Out, Stderr: p.Err,
		StdinTerminal:  isTerminal(p.In),
		StdoutTerminal: p.Out.IsTerminal(), StderrTerminal: p.Err.IsTerminal(),
		Client:  outbound.Client(),
		Network: loader.NetworkWith(cfg.Network, cfg.Notice),
		Used:    cfg.Used,
	}
	if err := w.Check(); err != nil {
		return exit.Usagef("", "%v", err)
	}
	state := wasi.NewState(&w)

	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if cfg.Timeout > 0 {
		var release context.CancelFunc
		cause := fmt.Errorf("stopped after %s (--timeout)", cfg.Timeout)
		ctx, release = context.WithTimeoutCause(ctx, cfg.Timeout, cause)
		defer release()
	}
	store := linked.NewStore(ctx, state, component.Limits{MemoryBytes: uint64(cfg.MaxMemory)})
	interrupted := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		store.Interrupt(context.Cause(ctx))
		close(interrupted)
	})
	ok, err := callRun(ctx, linked, store, export)
	if !stop() {
		<-interrupted
	}
	// An error of closing has no consequences.
	_ = store.Close()
	state.Close()
	_ = w.Stdin.Close()
	for _, d := range dirs {
		_ = d.Root.Close() // nothing was written
	}
	return p.ended(ctx, path, ok, err)
}

// callRun makes an instance and calls run.
func callRun(ctx context.Context, linked *component.Linked, store *component.Store, export string,
) (ok bool, err error) {
	inst, err := linked.Instantiate(ctx, store)
	if err != nil {
		return false, err
	}
	run := inst.Func(export, "run")
	if run == nil {
		return false, fmt.Errorf("%s has no function run", export)
	}
	v, err := run.Call(ctx)
	return err == nil && v.IsOk(), err
}

// ended turns the end of a guest into an exit code, and shows why it trapped.
func (p *Process) ended(ctx context.Context, path string, ok bool, err error) error {
	var ended wasi.Exit
	switch {
	case errors.As(err, &ended):
		return status(int(ended.Code))
	case err == nil && ok:
		return nil
	case err == nil:
		return exit.Guest(1)
	}
	if cause := context.Cause(ctx); errors.Is(cause, context.Canceled) {
		return cause
	}
	fmt.Fprintf(p.Err, "%s: %s %s: the guest trapped: %s\n", p.Name, p.Err.Bad("error:"),
		term.Clean(path), term.Clean(err.Error()))
	for _, f := range host.Backtrace(err) {
		line := "    at " + f.Func
		if f.File != "" {
			line += fmt.Sprintf(" (%s:%d)", f.File, f.Line)
		}
		fmt.Fprintln(p.Err, p.Err.Dim(term.Clean(line)))
	}
	return exit.Guest(exit.Trap)
}

// status is the error for an exit code; nil for 0.
func status(code int) error {
	if code == 0 {
		return nil
	}
	return exit.Guest(code)
}

// isTerminal reports whether r is a terminal.
func isTerminal(r any) bool {
	w, ok := r.(interface{ Fd() uintptr })
	return ok && term.IsTerminal(w.Fd())
}

// openDirs opens the folders for a program.
func openDirs(dirs []host.Dir) ([]wasi.Dir, error) {
	var open []wasi.Dir
	for _, d := range dirs {
		dir, err := wasi.OpenDir(d.Host, d.Guest, d.ReadOnly)
		if err != nil {
			return nil, err // the program ends
		}
		open = append(open, dir)
	}
	return open, nil
}
