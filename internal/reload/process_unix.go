//go:build unix

package reload

import (
	"bufio"
	"errors"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

// process is a command with all the processes that it starts. They are a process group, whose
// leader is another process of this program, the guard (see Guard): it ends the group when this
// process asks for it or has ended, in whatever way.
type process struct {
	guard  *exec.Cmd
	hold   io.Closer     // the guard ends the group when it is closed
	exited chan error    // gets one value when the command has ended; nil after that
	ended  chan struct{} // closed when the guard has ended
}

// startProcess runs the command in a shell, below a guard.
func startProcess(
	guard guardFunc, command string, env []string, out *os.File,
) (*process, error) {
	program := guard(command)
	program.Env = append(program.Environ(), env...)
	program.Stdout, program.Stderr = out, out
	program.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	hold, err := program.StdinPipe()
	if err != nil {
		return nil, err
	}
	status, statusWriter, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	program.ExtraFiles = []*os.File{statusWriter}
	err = program.Start()
	// The guard has its own; without one, reading the status ends at once.
	_ = statusWriter.Close()
	if err != nil {
		_ = status.Close()
		return nil, err
	}
	p := &process{
		guard: program, hold: hold, exited: make(chan error, 1), ended: make(chan struct{}),
	}
	exited := p.exited
	go func() {
		exited <- readStatus(status)
		_ = status.Close()
		// How the guard ends does not matter: it belongs to the group, which is killed. If
		// something else has ended the guard, the group still exists.
		_ = program.Wait()
		_ = syscall.Kill(-program.Process.Pid, syscall.SIGKILL)
		close(p.ended)
	}()
	return p, nil
}

// kill ends the group, in order if it does so in time, and waits for it. nil is allowed.
func (p *process) kill() {
	if p == nil {
		return
	}
	_ = p.hold.Close()
	timer := time.NewTimer(2 * stopGrace)
	defer timer.Stop()
	select {
	case <-p.ended:
		return
	case <-timer.C: // the guard was stopped, or gets no processor
		_ = syscall.Kill(-p.guard.Process.Pid, syscall.SIGKILL)
	}
	<-p.ended
}

// statusFD is the descriptor on which a guard says how the command has ended: a line that is empty
// if it has succeeded.
const statusFD = 3

// readStatus waits for the line and returns the error that it stands for.
func readStatus(r io.Reader) error {
	line, err := bufio.NewReader(r).ReadString('\n')
	switch {
	case err != nil:
		return errors.New("the process that runs it has ended")
	case line == "\n":
		return nil
	}
	return errors.New(strings.TrimSuffix(line, "\n"))
}

// Guard runs the command in a shell. When in ends, because the process that started this one has
// ended or wants it to end, Guard ends all processes of its own group and returns. It must be a
// process of its own, the leader of its group, and have been started by a Command. Signals do not
// end it; caught is called once they are caught.
func Guard(command string, in io.Reader, caught func()) error {
	// A signal to the whole group is for the command.
	signals := []os.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGQUIT}
	if !signal.Ignored(syscall.SIGHUP) {
		signals = append(signals, syscall.SIGHUP)
	}
	ignored := make(chan os.Signal, 1)
	signal.Notify(ignored, signals...)
	caught()
	syscall.CloseOnExec(statusFD)
	shell := exec.Command("/bin/sh", "-c", command)
	shell.Stdout, shell.Stderr = os.Stdout, os.Stderr
	ended := make(chan struct{})
	err := shell.Start()
	status := os.NewFile(statusFD, "status")
	if err != nil {
		close(ended)
		writeStatus(status, err)
	} else {
		go func() {
			defer close(ended)
			writeStatus(status, shell.Wait())
		}()
	}
	// Who reads the output sees its end when the last process of the command has ended.
	_ = os.Stdout.Close()
	_ = os.Stderr.Close()
	_, _ = io.Copy(io.Discard, in)
	_ = syscall.Kill(0, syscall.SIGTERM)
	timer := time.NewTimer(stopGrace)
	defer timer.Stop()
	select {
	case <-ended:
	case <-timer.C:
	}
	// The shell has ended. Its children must end, too, and so does this process, which is one of
	// the group.
	return syscall.Kill(0, syscall.SIGKILL)
}

// writeStatus says how the command has ended.
func writeStatus(w io.WriteCloser, err error) {
	text := ""
	if err != nil {
		text = strings.ReplaceAll(err.Error(), "\n", " ")
	}
	// If the reader has gone, in ends as well.
	_, _ = io.WriteString(w, text+"\n")
	_ = w.Close()
}
