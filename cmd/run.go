package cmd

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/urfave/cli/v2"

	"github.com/wasihttp/wasihttp/cmd/internal/cmdline"
	"github.com/wasihttp/wasihttp/cmd/internal/config"
	"github.com/wasihttp/wasihttp/cmd/internal/exit"
	"github.com/wasihttp/wasihttp/cmd/internal/loader"
	"github.com/wasihttp/wasihttp/cmd/internal/values"
	"github.com/wasihttp/wasihttp/component"
	"github.com/wasihttp/wasihttp/host"
	"github.com/wasihttp/wasihttp/internal/term"
	"github.com/wasihttp/wasihttp/wasi"
)

// runName is the command that runs a program. What follows its component on the command line is the
// program's.
const runName = "run"

// runCommand describes "wasihttp run".
func runCommand(t *state) *cli.Command {
	flags := newServeFlags()
	flags.timeout = 0
	return config.Attach(command(&cli.Command{
		Name:      runName,
		Usage:     "run a component that is a command",
		UsageText: programName + " run [flags] COMPONENT [ARGUMENTS…]",
		Description: "Runs the wasi:cli/run export of COMPONENT with the standard streams of " +
			programName + ", and exits with the\ncomponent's exit code: 1 if it returned an " +
			"error, 134 if it trapped. Flags come before COMPONENT; what\nfollows it is passed " +
			"on.\n\n" +
			cmdline.Examples(runExamples),
		Flags: runFlags(flags),
		Action: func(c *cli.Context) error {
			path := config.Of(c).Component(c.Args().First())
			if path == "" && c.NArg() == 0 {
				return exit.Usagef("try: "+programName+" run tool.wasm", "run needs a COMPONENT")
			}
			settings, err := flags.settings(t)
			if err != nil {
				return err
			}
			settings.load.Args = c.Args().Tail()
			return settings.reported(runProgram(c.Context, t, path, settings))
		},
	}), runName, t.dir)
}

const runExamples = `
wasihttp run tool.wasm                      without arguments
wasihttp run tool.wasm --verbose in.txt     with arguments for the component
wasihttp run --env DEBUG=1 tool.wasm        with an environment variable
wasihttp run --dir .::/ tool.wasm           with the current folder as its root
wasihttp run --timeout 5s tool.wasm         stop after 5 seconds`

// runFlags are those of serve's flags that make sense for a program.
func runFlags(f *serveFlags) []cli.Flag {
	b := &cmdline.Flags{}
	b.Pick(f.all(), "plug", "chain", "env", "env-file", "inherit-env", "config-var", "keyvalue",
		"dir", "cwd", "timeout", "max-memory", "max-component-size", "allow-outbound",
		"outbound-h2c", "no-outbound", "ca-file", "inherit-network", "allow-net",
		profileFlag, profileHTMLFlag, reportFlag,
		"cache-dir", "no-cache", "quiet")
	b.Describe("timeout", "stop the component after `TIME`; 0 means no limit")
	b.Describe("quiet", "do not log outbound requests")
	return b.All()
}

// runProgram runs "wasihttp run". The error holds the exit code.
func runProgram(ctx context.Context, t *state, path string, s *serveSettings) error {
	cfg := s.load
	linker := programLinker()
	x := cfg.Examine(path, linker).ForRun()
	if x.Problem != nil {
		return exit.Problem(x.Problem)
	}
	progress := term.StartProgress(t.stderr, "loading "+path)
	defer progress.Stop()
	eng := cfg.NewEngine(nil)
	compiling := func(done, total int) { progress.Update("compiling", done, total) }
	linked, err := eng.Link(ctx, x.Component, linker, host.LinkOptions{Progress: compiling})
	progress.Stop()
	if err != nil {
		return errors.Join(loader.HostError(path, err), eng.Close())
	}
	cfg.Outbound = loader.OutboundLog(t.stderr, false, s.quiet, cfg.NoOutbound)
	cfg.Notice = func(line string) { t.note("%s", line) }
	closeKeyValue, err := cfg.OpenKeyValue()
	if err != nil {
		return errors.Join(err, linked.Close(ctx), eng.Close())
	}
	defer closeKeyValue()
	status := runLinked(ctx, t, linked, x.Command, path, cfg)
	// The program has ended; errors of freeing its resources do not matter.
	_ = linked.Close(context.WithoutCancel(ctx))
	_ = eng.Close()
	return status
}

// programLinker returns the interfaces that programs find. The data of their stores is a
// *wasi.State.
func programLinker() *component.Linker {
	l := component.NewLinker()
	view := func(data any) *wasi.State { return data.(*wasi.State) }
	wasi.AddTo(l, view)
	return l
}

// runLinked runs the exported interface export of a linked component and says how that ended.
func runLinked(ctx context.Context, t *state, linked *component.Linked, export, path string,
	cfg loader.Config,
) error {
	// The guest is to notice that the reader of its output has gone.
	defer t.surviveReaders()()
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

		Stdin:  wasi.NewStdin(t.in),
		Stdout: t.stdout, Stderr: t.stderr,
		StdinTerminal:  isTerminal(t.in),
		StdoutTerminal: t.stdout.IsTerminal(), StderrTerminal: t.stderr.IsTerminal(),
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
	return ended(ctx, t, path, ok, err)
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
func ended(ctx context.Context, t *state, path string, ok bool, err error) error {
	var ended wasi.Exit
	switch {
	case errors.As(err, &ended):
		return status(int(ended.Code))
	case err == nil && ok:
		return nil
	case err == nil:
		return exit.Guest(1)
	}
	if errors.Is(context.Cause(ctx), context.Canceled) {
		return exit.Guest(interruptedCode(ctx))
	}
	fmt.Fprintf(t.stderr, "%s: %s %s: the guest trapped: %s\n", programName, t.stderr.Bad("error:"),
		term.Clean(path), term.Clean(err.Error()))
	for _, f := range host.Backtrace(err) {
		line := "    at " + f.Func
		if f.File != "" {
			line += fmt.Sprintf(" (%s:%d)", f.File, f.Line)
		}
		fmt.Fprintln(t.stderr, t.stderr.Dim(term.Clean(line)))
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
