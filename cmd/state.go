package cmd

import (
	"io"
	"os"
	"os/exec"
	"os/signal"
	"sync/atomic"
	"syscall"

	"github.com/wasihttp/wasihttp/internal/term"
)

// state is what the program takes from its process. Only newState touches it: in a test, a command
// runs in process with a state of buffers and channels.
type state struct {
	// args are the arguments, the name of the program first.
	args []string
	// environ is the environment, an entry NAME=VALUE each.
	environ []string
	// dir is the working folder; "" if the system does not say.
	dir string
	// cacheDir is the folder of the user's caches; "" if the system does not say.
	cacheDir string
	// program is the file that this program is in, by which it runs itself.
	program string

	in             io.Reader
	stdout, stderr *term.Output

	// notify delivers signals of these kinds, which then do not act on the process, until stop is
	// called.
	notify func(kinds ...os.Signal) (signals <-chan os.Signal, stop func())
	// closed reports whether the terminal of the process was closed, which ends the process. It is
	// nil if there was none, or if the process was started so that it survives that, as nohup does.
	closed func() bool

	// ignore ends the delivery of the signals that main waits for.
	ignore func()
	// abort is closed by the second signal. It is for what a command may cut short when its context
	// has ended: the process ends a moment later, whatever the command does.
	abort chan struct{}
	// orderly is set by a command that has something to finish when its context ends. Without it
	// the first signal ends the process at once.
	orderly atomic.Bool
	// keys are those of the terminal while a command reads them.
	keys atomic.Pointer[term.Keys]
}

// newState returns the state of this process.
func newState() *state {
	t := &state{
		args:    os.Args,
		environ: os.Environ(),
		in:      os.Stdin,
		stdout:  term.New(os.Stdout, os.Getenv),
		stderr:  term.New(os.Stderr, os.Getenv),
		notify:  notify,
		abort:   make(chan struct{}),
	}
	if !signal.Ignored(syscall.SIGHUP) && term.HasControlling() {
		t.closed = func() bool { return !term.HasControlling() }
	}
	if dir, err := os.Getwd(); err == nil {
		t.dir = dir
	}
	if dir, err := os.UserCacheDir(); err == nil {
		t.cacheDir = dir
	}
	if program, err := os.Executable(); err == nil {
		t.program = program
	}
	t.stdout.Share(t.stderr)
	return t
}

// openKeys begins to read keys; nil if there are none. The caller must call closeKeys.
func (t *state) openKeys() *term.Keys {
	keys := term.OpenKeys(t.in)
	t.keys.Store(keys)
	return keys
}

// closeKeys puts the terminal back. It may be called more than once.
func (t *state) closeKeys() { t.keys.Load().Close() }

// self returns a process of this program, with the arguments.
func (t *state) self(args ...string) *exec.Cmd {
	c := exec.Command(t.program, args...)
	c.Args[0] = programName
	return c
}

// notify catches signals until stop is called. Each is delivered unless two are waiting.
func notify(kinds ...os.Signal) (signals <-chan os.Signal, stop func()) {
	c := make(chan os.Signal, 2)
	signal.Notify(c, kinds...)
	return c, func() { signal.Stop(c) }
}

// surviveReaders has writes to an output whose reader has gone fail instead of ending the process,
// until stop is called. Ignoring the signal would do that, too, but for all programs that this one
// starts as well.
func (t *state) surviveReaders() (stop func()) {
	_, stop = t.notify(syscall.SIGPIPE)
	return stop
}
