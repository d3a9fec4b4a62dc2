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

// state is everything that the program uses of its process. Only newState accesses the process
// itself; tests run commands with a state made of buffers and channels.
type state struct {
	// args are the arguments, the name of the program first.
	args []string
	// environ is the environment, an entry NAME=VALUE each.
	environ []string
	// dir is the working folder; "" if the system does not say.
	dir string
	// cacheDir is the folder of the user's caches; "" if the system does not say.
	cacheDir string
	// configDir is the folder of the user's settings; "" if the system does not say.
	configDir string
	// program is the path of this executable, for running it again.
	program string

	in             io.Reader
	stdout, stderr *term.Output

	// notify delivers signals of these kinds until stop is called. Meanwhile they do not end the
	// process.
	notify func(kinds ...os.Signal) (signals <-chan os.Signal, stop func())
	// closed reports whether the terminal of the process was closed, which ends the process. It is
	// nil if there is no terminal, or if the process was started to outlive it, as with nohup.
	closed func() bool

	// ignore stops the delivery of signals to main.
	ignore func()
	// abort is closed by the second signal. A command whose context has ended may then skip what is
	// left to do: the process ends a moment later in any case.
	abort chan struct{}
	// orderly is set by a command that has something to finish when its context ends. If it is not
	// set, the first signal ends the process at once.
	orderly atomic.Bool
	// keys reads the keys of the terminal; nil unless a command has called openKeys.
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
	if dir, err := os.UserConfigDir(); err == nil {
		t.configDir = dir
	}
	if program, err := os.Executable(); err == nil {
		t.program = program
	}
	t.stdout.Share(t.stderr)
	return t
}

// openKeys starts to read keys. It returns nil if standard input is not a terminal. The caller must
// call closeKeys.
func (t *state) openKeys() *term.Keys {
	keys := term.OpenKeys(t.in)
	t.keys.Store(keys)
	return keys
}

// closeKeys restores the terminal. It may be called more than once.
func (t *state) closeKeys() { t.keys.Load().Close() }

// self returns a command that runs this program with args.
func (t *state) self(args ...string) *exec.Cmd {
	c := exec.Command(t.program, args...)
	c.Args[0] = programName
	return c
}

// notify delivers signals until stop is called. A signal is dropped if two are waiting.
func notify(kinds ...os.Signal) (signals <-chan os.Signal, stop func()) {
	c := make(chan os.Signal, 2)
	signal.Notify(c, kinds...)
	return c, func() { signal.Stop(c) }
}

// surviveReaders makes writes to a pipe that was closed fail instead of ending the process, until
// stop is called. Ignoring SIGPIPE would have the same effect on all programs that this process
// starts.
func (t *state) surviveReaders() (stop func()) {
	_, stop = t.notify(syscall.SIGPIPE)
	return stop
}
