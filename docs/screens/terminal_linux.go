package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/wasihttp/wasihttp/internal/term"
)

// A terminal is a pseudo terminal with a program in it.
type terminal struct {
	command *exec.Cmd
	master  *os.File

	mu   sync.Mutex
	text strings.Builder
}

// startIn starts a program in a terminal of a number of columns.
func startIn(command *exec.Cmd, columns uint16) (*terminal, error) {
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		return nil, err
	}
	raw, err := master.SyscallConn()
	if err != nil {
		return nil, err
	}
	var n int
	var failed error
	err = raw.Control(func(fd uintptr) {
		size := &unix.Winsize{Row: 50, Col: columns}
		failed = errors.Join(unix.IoctlSetPointerInt(int(fd), unix.TIOCSPTLCK, 0),
			unix.IoctlSetWinsize(int(fd), unix.TIOCSWINSZ, size))
		if failed == nil {
			n, failed = unix.IoctlGetInt(int(fd), unix.TIOCGPTN)
		}
	})
	if err := errors.Join(err, failed); err != nil {
		return nil, err
	}
	slave, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		return nil, err
	}
	defer slave.Close()
	t := &terminal{command: command, master: master}
	command.Stdin, command.Stdout, command.Stderr = slave, slave, slave
	command.SysProcAttr = &unix.SysProcAttr{Setsid: true, Setctty: true}
	if err := command.Start(); err != nil {
		return nil, err
	}
	go func() { _, _ = io.Copy(t, master) }() // ends with the program
	return t, nil
}

// Write takes output of the program.
func (t *terminal) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.text.Write(p)
}

// lines returns what the terminal shows.
func (t *terminal) lines() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	text := strings.ReplaceAll(t.text.String(), "\r\n", "\n")
	return strings.Split(strings.TrimRight(text, "\n"), "\n")
}

// until waits until the terminal shows a text, and returns all that it shows.
func (t *terminal) until(text string) ([]string, error) {
	for end := time.Now().Add(time.Minute); time.Now().Before(end); {
		lines := t.lines()
		if strings.Contains(term.StripEscapes(strings.Join(lines, "\n")), text) {
			return lines, nil
		}
		time.Sleep(20 * time.Millisecond)
	}
	return nil, fmt.Errorf("%q is not shown within a minute:\n%s", text,
		strings.Join(t.lines(), "\n"))
}

// end ends the program.
func (t *terminal) end() {
	_ = t.command.Process.Signal(os.Interrupt)
	_ = t.command.Wait()
	_ = t.master.Close()
}
