//go:build unix

package term

import (
	"io"
	"os"
	"os/signal"
	"sync"

	"golang.org/x/sys/unix"
)

// singleKeys makes reads from the terminal return each key, and nothing after a
// tenth of a second, so that reading can end. It does so again when the process
// continues after a suspension. golang.org/x/term cannot be used here: its raw
// mode changes how output looks and what Ctrl-C does.
func singleKeys(fd int) (restore func(), ok bool) {
	before, err := unix.IoctlGetTermios(fd, getTermios)
	if err != nil {
		return nil, false
	}
	// The system would stop a process in the background for this.
	if group, err := unix.IoctlGetInt(fd, unix.TIOCGPGRP); err != nil || group != unix.Getpgrp() {
		return nil, false
	}
	single := *before
	single.Lflag &^= unix.ICANON | unix.ECHO
	single.Cc[unix.VMIN], single.Cc[unix.VTIME] = 0, 1
	if unix.IoctlSetTermios(fd, setTermios, &single) != nil {
		return nil, false
	}
	// If the process moves to the background later, neither reading nor
	// restoring the terminal may stop it.
	signal.Ignore(unix.SIGTTIN, unix.SIGTTOU)
	continued, quit := make(chan os.Signal, 1), make(chan os.Signal, 1)
	signal.Notify(continued, unix.SIGCONT)
	signal.Notify(quit, unix.SIGQUIT)
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-continued:
				if inForeground(fd) {
					_ = unix.IoctlSetTermios(fd, setTermios, &single)
				}
			case <-quit:
				// It ends the process at once and prints its goroutines.
				_ = unix.IoctlSetTermios(fd, setTermios, before)
				signal.Reset(unix.SIGQUIT)
				_ = unix.Kill(unix.Getpid(), unix.SIGQUIT)
			case <-stop:
				return
			}
		}
	}()
	return sync.OnceFunc(func() {
		signal.Stop(continued)
		signal.Stop(quit)
		close(stop)
		<-done
		if inForeground(fd) {
			// A terminal that has gone needs nothing.
			_ = unix.IoctlSetTermios(fd, setTermios, before)
		}
		signal.Reset(unix.SIGTTIN, unix.SIGTTOU)
	}), true
}

// inForeground reports whether the terminal is this process's to set.
func inForeground(fd int) bool {
	group, err := unix.IoctlGetInt(fd, unix.TIOCGPGRP)
	return err == nil && group == unix.Getpgrp()
}

// readKey waits a moment for a key. An error says that the terminal has gone.
func readKey(fd int) (key byte, pressed bool, err error) {
	var b [1]byte
	n, err := unix.Read(fd, b[:])
	switch {
	case n == 1:
		return b[0], true, nil
	case err == unix.EINTR || err == unix.EAGAIN:
		return 0, false, nil
	case err == unix.EIO && !inForeground(fd) && hasTerminal(fd):
		// The process is in the background: keys are not for it.
		return 0, false, waitInBackground()
	case err != nil:
		return 0, false, err
	case !hasTerminal(fd):
		return 0, false, io.EOF
	}
	return 0, false, nil
}

// hasTerminal reports whether there is still a terminal.
func hasTerminal(fd int) bool {
	_, err := unix.IoctlGetTermios(fd, getTermios)
	return err == nil
}

// waitInBackground lets a tenth of a second pass, as a read would.
func waitInBackground() error {
	_, err := unix.Poll(nil, 100)
	if err == unix.EINTR {
		return nil
	}
	return err
}
