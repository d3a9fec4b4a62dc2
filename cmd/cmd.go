// Package cmd is the command line: it reads flags, joins the two halves of the program, and turns
// errors into messages and exit codes. It is the only package that knows both the server and the
// engine, and the only one with exit codes, signals and the environment of the process.
package cmd

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"github.com/wasihttp/wasihttp/cmd/internal/cmdline"
	"github.com/wasihttp/wasihttp/cmd/internal/exit"
	"github.com/wasihttp/wasihttp/cmd/internal/loader"
	"github.com/wasihttp/wasihttp/internal/engine"
	"github.com/wasihttp/wasihttp/internal/term"
)

// Main runs the program with the arguments, the environment, the streams and the signals of this
// process, and returns the exit code: 0 for success, 1 for wrong usage, 3 when the component cannot
// be loaded or run. The caller must end the process with that code.
//
// The first interrupt or termination signal ends a running command in order, the second one at
// once, whatever the command is doing: Main then returns 128 plus the number of the signal.
func Main() int {
	t := newState()
	return t.main(context.Background(), engineDoors(t))
}

// doors are the functions through which commands reach the engine. Tests replace them.
type doors struct {
	load loader.Func
	// servable reports whether a file, of limit bytes at most, is a component that serve can run,
	// or why not.
	servable func(path string, limit int64) (ok bool, reason string)
	// helper compiles in another process; nil for none.
	helper engine.Helper
}

// engineDoors returns the doors to the real engine.
func engineDoors(t *state) doors {
	return doors{load: loader.Load, servable: loader.Servable, helper: compileAside(t)}
}

// once is for how long the same signal counts once. What starts the program often sends it to the
// process and to its group, or passes on one that the terminal has sent to both: timeout(1), npm.
const once = 100 * time.Millisecond

// lastGrace is how long a command may go on after the second signal.
const lastGrace = 300 * time.Millisecond

// main runs the command that the arguments name. The command has a goroutine of its own; this one
// only waits, and never for a lock or a stream, so that signals always act.
func (t *state) main(ctx context.Context, d doors) int {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	signals, stop := t.notify(os.Interrupt, syscall.SIGTERM)
	t.ignore = stop
	ended := make(chan int, 1)
	go func() { ended <- t.report(ctx, t.run(ctx, d)) }()
	return t.await(ended, signals, cancel)
}

// await returns the exit code of a command: that which it ended with, or that of a signal.
func (t *state) await(
	ended <-chan int, signals <-chan os.Signal, cancel context.CancelCauseFunc,
) int {
	var first os.Signal
	select {
	case code := <-ended:
		return code
	case first = <-signals:
		cancel(&exit.Ended{Signal: first})
		if !t.orderly.Load() {
			return exit.OfSignal(first)
		}
	}
	for began := time.Now(); ; {
		select {
		case code := <-ended:
			return code
		case s := <-signals:
			if s == first && time.Since(began) < once {
				continue
			}
			close(t.abort)
			timer := time.NewTimer(lastGrace)
			defer timer.Stop()
			select {
			case <-ended:
			case <-timer.C:
				t.leave()
			}
			return exit.OfSignal(s)
		}
	}
}

// leave restores the terminal for a command that does not end. It waits for lastGrace at most: the
// terminal may not respond.
func (t *state) leave() {
	done := make(chan struct{})
	go func() {
		defer close(done)
		t.closeKeys()
	}()
	timer := time.NewTimer(lastGrace)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
	}
}

// run parses the arguments and runs the command they name.
func (t *state) run(ctx context.Context, d doors) error {
	args := t.args
	if len(args) == 0 {
		args = []string{programName}
	}
	app := commandLine(t, d)
	if text, ok := completed(app, args); ok {
		_, err := fmt.Fprint(t.stdout, text)
		return err
	}
	width := 0
	if t.stdout.IsTerminal() {
		width = t.stdout.Width()
	}
	cmdline.WriteHelp(app, width)
	args, err := cmdline.First(app, args, runName, configName)
	if err != nil {
		return err
	}
	return app.RunContext(ctx, args)
}

// report writes err for the user and returns the exit code for it.
func (t *state) report(ctx context.Context, err error) int {
	if err == nil {
		return exit.OK
	}
	var guest exit.Guest
	if errors.As(err, &guest) {
		return int(guest)
	}
	if errors.Is(err, context.Canceled) {
		return exit.OfContext(ctx)
	}
	var user *exit.Error
	if !errors.As(err, &user) {
		// The flag parser has its own errors.
		user = &exit.Error{Msg: term.Sprintf("%v", err), Code: exit.Usage}
	}
	fmt.Fprintf(t.stderr, "%s %s %s\n", programName+":", t.stderr.Bad("error:"), user.Msg)
	if hint := user.Hint(); hint != "" {
		fmt.Fprintf(t.stderr, "%s %s\n", t.stderr.Fair("hint:"), term.Clean(hint))
	}
	return user.Code
}

// awaited returns the result of work. If ctx ends first, it waits for lastGrace at most, since
// reading and compiling may notice the end of ctx late. ok reports whether work has ended.
func awaited[T any](ctx context.Context, t *state, work func() T) (result T, ok bool) {
	done := make(chan T, 1)
	// If the user ends the program, this goroutine ends with the process.
	go func() { done <- work() }()
	select {
	case result = <-done:
		return result, true
	case <-ctx.Done():
	}
	timer := time.NewTimer(lastGrace)
	defer timer.Stop()
	select {
	case result = <-done:
		return result, true
	case <-timer.C:
	case <-t.abort:
	}
	return result, false
}
