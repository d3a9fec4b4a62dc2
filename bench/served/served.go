// Package served runs a server program as a child process: it starts it, waits until the program
// says where it listens, gathers what it prints, and stops it. The end-to-end tests and the
// benchmark share it.
package served

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync/atomic"
	"time"
)

// announcement is the line by which wasihttp and wasmtime both say where they listen.
const announcement = `(?m)^Serving HTTP on (http://\S+?)/?\s*\n`

// stopGrace is how long Stop waits between asking the process to end and killing it.
const stopGrace = 15 * time.Second

// Server is a running server program. Its methods are safe for concurrent use.
type Server struct {
	// URL is the address the program announced, without a slash at the end.
	URL string

	command *exec.Cmd
	output  *output
	ended   chan struct{} // closed when the process has ended and all its output is in
	result  error         // of the process; read after ended
	killed  atomic.Bool   // by Kill
}

// Start runs the program and waits until it announces its address, it ends, or ctx is done; in the
// last two cases the error holds what it printed. The process outlives ctx: the caller must call
// Stop.
func Start(ctx context.Context, program string, arguments ...string) (*Server, error) {
	s := &Server{
		command: exec.Command(program, arguments...),
		output:  newOutput(),
		ended:   make(chan struct{}),
	}
	s.command.Stdout, s.command.Stderr = s.output, s.output
	s.command.SysProcAttr = attributes()
	if err := s.command.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", program, err)
	}
	go func() {
		s.result = s.command.Wait()
		close(s.ended)
	}()
	line := regexp.MustCompile(announcement)
	err := s.wait(ctx, func(text string) bool {
		found := line.FindStringSubmatch(text)
		if found != nil {
			s.URL = found[1]
		}
		return found != nil
	})
	if err != nil {
		_ = s.Stop()
		return nil, fmt.Errorf("%s %s: no address announced: %w\n%s", program,
			strings.Join(arguments, " "), err, s.Output())
	}
	return s, nil
}

// Output is all that the program has printed so far, stdout and stderr as they came.
func (s *Server) Output() string { return s.output.text() }

// WaitOutput waits until the program has printed the text.
func (s *Server) WaitOutput(ctx context.Context, text string) error {
	return s.WaitOutputs(ctx, text, 1)
}

// WaitOutputs waits until the program has printed the text n times.
func (s *Server) WaitOutputs(ctx context.Context, text string, n int) error {
	err := s.wait(ctx, func(all string) bool { return strings.Count(all, text) >= n })
	if err != nil {
		return fmt.Errorf("waiting for the output %q: %w", text, err)
	}
	return nil
}

// Pid is the process id of the program.
func (s *Server) Pid() int { return s.command.Process.Pid }

// Stop asks the program to end as Ctrl-C does, kills it when it takes too long, and returns how it
// ended: nil for the exit code 0. Calling it again returns the same. Where there is no way to ask,
// as on Windows without a console, it is Kill.
func (s *Server) Stop() error {
	select {
	case <-s.ended:
		if s.killed.Load() {
			return nil
		}
		return s.result
	default:
	}
	if err := interrupt(s.command.Process); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return s.Kill()
	}
	grace := time.NewTimer(stopGrace)
	defer grace.Stop()
	select {
	case <-s.ended:
		return s.result
	case <-grace.C:
		_ = s.command.Process.Kill()
		<-s.ended
		return fmt.Errorf("still running %v after an interrupt: killed", stopGrace)
	}
}

// Kill ends the process at once, without a word to it, and waits until it has ended. Stop then
// returns nil.
func (s *Server) Kill() error {
	s.killed.Store(true)
	if err := s.command.Process.Kill(); err != nil {
		return err
	}
	<-s.ended
	return nil
}

// wait returns when the output satisfies the condition; the error says why it never will or did not
// in time.
func (s *Server) wait(ctx context.Context, condition func(string) bool) error {
	for {
		text, changed := s.output.watch()
		if condition(text) {
			return nil
		}
		select {
		case <-changed:
		case <-s.ended:
			if condition(s.Output()) {
				return nil
			}
			return errors.Join(errors.New("the program has ended"), s.result)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
