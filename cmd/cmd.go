// Package cmd is the command line: it reads flags, puts the two halves of the
// program together, and turns errors into messages and exit codes. It is the
// only package that knows both the server and the engine, and the only one with
// exit codes, signals and the process's environment.
package cmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/wasihttp/wasihttp/internal/engine"
	"github.com/wasihttp/wasihttp/internal/term"
)

// Main runs the program with the process's arguments, args[0] being its name,
// and returns the exit code: 0 for success, 1 for wrong usage, 3 when the
// component cannot be loaded or run.
//
// An interrupt or a termination signal ends a running command in order, a
// second one at once.
func Main(args []string, in io.Reader, out, errOut io.Writer) int {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(signals)
	t := &tool{
		in:       in,
		stdout:   term.New(out, os.Getenv),
		stderr:   term.New(errOut, os.Getenv),
		environ:  os.Environ,
		signals:  signals,
		hangups:  notifyHangups,
		load:     load,
		helper:   compileAside,
		inspect:  inspectFile,
		servable: isServable,
	}
	t.stdout.Share(t.stderr)
	return t.main(context.Background(), args)
}

// notifyHangups catches hangup signals until stop is called.
func notifyHangups() (signals <-chan os.Signal, stop func()) {
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGHUP)
	return c, func() { signal.Stop(c) }
}

// tool is the program with everything it takes from the process, and the doors
// to the engine.
type tool struct {
	in             io.Reader
	stdout, stderr *term.Output
	environ        func() []string
	signals        <-chan os.Signal
	// hangups catches hangup signals; nil for none.
	hangups func() (signals <-chan os.Signal, stop func())

	load     func(ctx context.Context, path string, cfg loadConfig) (*app, error)
	inspect  func(ctx context.Context, path string, asJSON bool, out *term.Output) error
	servable func(path string) (ok bool, reason string)
	// helper compiles in another process; nil for none.
	helper engine.Helper

	// abort is closed when the user does not want to wait any longer.
	abort chan struct{}
}

// main runs one command to its end.
func (t *tool) main(ctx context.Context, args []string) int {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	t.abort = make(chan struct{})
	ended, listening := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(listening)
		t.watchSignals(cancel, ended)
	}()
	err := t.run(ctx, args)
	close(ended)
	<-listening
	return t.exit(err)
}

// watchSignals cancels at the first signal and aborts at the second.
func (t *tool) watchSignals(cancel context.CancelFunc, ended <-chan struct{}) {
	for _, act := range []func(){cancel, func() { close(t.abort) }} {
		select {
		case <-t.signals:
			act()
		case <-ended:
			return
		}
	}
}

// run parses the arguments and runs the command they name.
func (t *tool) run(ctx context.Context, args []string) error {
	if len(args) == 0 {
		args = []string{programName}
	}
	app := t.app()
	width := 0
	if t.stdout.IsTerminal() {
		width = t.stdout.Width()
	}
	writeHelp(app, width)
	return app.RunContext(ctx, flagsFirst(app, args))
}

// exit reports err to the user and returns the exit code for it.
func (t *tool) exit(err error) int {
	if err == nil || errors.Is(err, context.Canceled) {
		return exitOK
	}
	var guest guestExit
	if errors.As(err, &guest) {
		return int(guest)
	}
	var user *userError
	if !errors.As(err, &user) {
		// The parser of the flags has errors of its own.
		user = &userError{msg: err.Error(), code: exitUsage}
	}
	fmt.Fprintf(t.stderr, "%s %s %s\n", programName+":", t.stderr.Bad("error:"), user.msg)
	if user.hint != "" {
		fmt.Fprintf(t.stderr, "%s %s\n", t.stderr.Fair("hint:"), user.hint)
	}
	return user.code
}

// surviveReaders has writes to an output whose reader has gone fail instead of ending the process, until stop is called. Ignoring the signal would
// do that, too, but for all programs that this one starts as well.
func surviveReaders() (stop func()) {
	lost := make(chan os.Signal, 1)
	signal.Notify(lost, syscall.SIGPIPE)
	return func() { signal.Stop(lost) }
}
