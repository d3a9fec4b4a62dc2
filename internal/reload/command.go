package reload

import (
	"context"
	"io"
	"os/exec"
	"time"

	"github.com/wasihttp/wasihttp/watch"
)

// CommandOptions configures a Command.
type CommandOptions struct {
	// Command is a line for the system's shell.
	Command string
	// Guard returns a process of this program that calls Guard with the command. It is not used on
	// Windows.
	Guard guardFunc
	// Tree watches the sources. The caller closes it after the Command.
	Tree *watch.Tree
	// Out receives the output of the command, line by line.
	Out io.Writer
	// Idle says that the first run waits for a change, too.
	Idle bool
	// Env is added to the environment of the command, an entry NAME=VALUE each.
	Env []string
	// Dir is the working folder, for messages.
	Dir string
	// Missing returns how to install a program that the command needs and that is not here; "" if
	// nothing is missing. nil is allowed. RunCommand does not use it.
	Missing func(command string) string
	// Notice prints a line for the user.
	Notice func(format string, args ...any)
}

// guardFunc returns a process that calls Guard with the command.
type guardFunc = func(command string) *exec.Cmd

// Command runs the command that builds the component, at once (unless it is to be idle first) and
// whenever a source changes.
type Command struct {
	options CommandOptions
	events  chan buildEvent
	stop    chan struct{}
	done    chan struct{}
	outputs *outputs // the goroutine's
}

// buildEvent says that the command was started, or has ended with err.
type buildEvent struct {
	running bool
	err     error
	took    time.Duration
	output  []string // the last lines, if it has failed
}

// RunCommand runs the command once, with the Guard and Out of o. It returns the command's error, or
// that of ctx if it has ended the command. No process of the command is left then.
func RunCommand(ctx context.Context, o CommandOptions) error {
	out, err := startOutput(o.Out)
	if err != nil {
		return err
	}
	defer out.close()
	p, err := startProcess(o.Guard, o.Command, o.Env, out.write)
	out.started()
	if err != nil {
		return err
	}
	defer p.kill()
	select {
	case err := <-p.exits():
		out.last()
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// StartCommand runs the command until Close is called. Its events go to a Decider, or to whoever
// calls Await.
func StartCommand(o CommandOptions) *Command {
	c := &Command{
		options: o, events: make(chan buildEvent), stop: make(chan struct{}),
		done: make(chan struct{}), outputs: newOutputs(o.Dir, o.Notice),
	}
	go c.run()
	return c
}

// Await calls began when a run of the command begins, and returns when one has ended: with the
// error of the command, or with that of ctx if it ends first. A run that a change of a source cuts
// short is followed by another that counts. It is not for a Command that a Decider has.
func (c *Command) Await(ctx context.Context, began func()) error {
	for {
		select {
		case e := <-c.events:
			if !e.running {
				return e.err
			}
			began()
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// hint returns what to do about the command, which has failed: what it lacks, or else usual.
func (c *Command) hint(usual string) string {
	if c.options.Missing != nil {
		if missing := c.options.Missing(c.options.Command); missing != "" {
			return missing
		}
	}
	return usual
}

// Close stops the command and waits until it has ended, with all the processes that it has started.
func (c *Command) Close() {
	close(c.stop)
	<-c.done
}

func (c *Command) run() {
	defer close(c.done)
	var p *process
	var out *output
	if !c.options.Idle {
		p, out = c.start()
	}
	defer func() { out.close() }()
	for {
		// Processes that a command has left running end before the next run, or with this program.
		select {
		case <-c.stop:
			p.kill()
			return
		case batch := <-c.options.Tree.Changes():
			if c.outputs.concerns(batch, p.running()) {
				p.kill()
				out.close()
				p, out = c.start()
			}
		case err := <-p.exits():
			p.exited = nil
			c.outputs.end()
			c.tell(buildEvent{
				err: err, took: c.outputs.ended.Sub(c.outputs.began), output: out.last(),
			})
		}
	}
}

func (c *Command) tell(e buildEvent) {
	select {
	case c.events <- e:
	case <-c.stop:
	}
}

// start runs the command. It returns nil if there is no process to wait for.
func (c *Command) start() (*process, *output) {
	c.outputs.begin()
	c.tell(buildEvent{running: true})
	out, err := startOutput(c.options.Out)
	var p *process
	if err == nil {
		p, err = startProcess(c.options.Guard, c.options.Command, c.options.Env, out.write)
		out.started()
	}
	if err != nil {
		c.outputs.end()
		c.tell(buildEvent{err: err})
		return nil, out
	}
	return p, out
}

// stopGrace is how long a command has to end before it is killed.
const stopGrace = 2 * time.Second

// running reports whether the command itself has not ended yet. nil is allowed.
func (p *process) running() bool { return p != nil && p.exited != nil }

// exits gets one value when the command itself has ended. nil is allowed.
func (p *process) exits() <-chan error {
	if p == nil {
		return nil
	}
	return p.exited
}
