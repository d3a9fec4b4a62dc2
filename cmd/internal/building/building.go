// Package building runs the command that builds a component: whenever a source changes, or once if
// the component is older than its sources.
package building

import (
	"cmp"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"

	"github.com/wasihttp/wasihttp/cmd/internal/exit"
	"github.com/wasihttp/wasihttp/internal/reload"
	"github.com/wasihttp/wasihttp/internal/scaffold"
	"github.com/wasihttp/wasihttp/internal/term"
	"github.com/wasihttp/wasihttp/watch"
)

// Job is a command that builds a component.
type Job struct {
	// Command is a line for the system's shell, which runs in the folder Dir, "" being the working
	// folder.
	Command, Dir string
	// Sources are the files and folders that the component is built from.
	Sources []string
	// Guard returns a process of this program that calls reload.Guard with the command in Dir.
	Guard func(command string) *exec.Cmd
	// Out receives the output of the command.
	Out *term.Output
	// Environ is the environment of this process, an entry NAME=VALUE each, and Getenv returns a
	// variable of it.
	Environ []string
	Getenv  scaffold.Getenv
}

// Watching configures Start.
type Watching struct {
	watch.Options
	// Exclude are files and folders that are no sources; an empty path is ignored, and a folder
	// with a source in it. The files that Outputs write to are none, either.
	Exclude []string
	Outputs []*term.Output
	// Idle says that the first run waits for a change, too.
	Idle bool
	// Dir is the working folder, for messages, and Notice prints one.
	Dir    string
	Notice func(format string, args ...any)
}

// Start starts the command, which runs at once unless it is to be idle first, and whenever a source
// changes, until stop is called.
func (j *Job) Start(o Watching) (command *reload.Command, stop func(), err error) {
	options := watch.TreeOptions{
		Options: o.Options,
		Exclude: slices.DeleteFunc(o.Exclude, j.isSource),
	}
	for _, out := range o.Outputs {
		f := out.File()
		if f == nil {
			continue
		}
		if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
			options.Open = append(options.Open, info)
		}
	}
	tree, err := watch.NewTree(j.Sources, options)
	if err != nil {
		hint := "name a file or folder with sources with --source"
		return nil, nil, exit.Loadf(err, hint, "cannot watch the sources: %v", err)
	}
	command = reload.StartCommand(reload.CommandOptions{
		Command: j.Command, Tree: tree, Out: j.Out, Dir: o.Dir, Notice: o.Notice,
		Idle: o.Idle, Env: reload.ColourEnv(j.Out, j.Environ), Guard: j.Guard, Missing: j.missing,
	})
	return command, func() {
		command.Close()
		// It only closes descriptors.
		_ = tree.Close()
	}, nil
}

// isSource reports whether a path is empty, a source, or a folder above one.
func (j *Job) isSource(path string) bool {
	if path == "" {
		return true
	}
	folder, err := filepath.Abs(path)
	return err != nil || slices.ContainsFunc(j.Sources, func(source string) bool {
		source, err := filepath.Abs(source)
		if err != nil {
			return false
		}
		rel, err := filepath.Rel(folder, source)
		return err == nil && filepath.IsLocal(rel)
	})
}

// Follow runs the command if the component in the file at path is missing or older than a source,
// and returns when it has ended; then the command runs whenever a source changes, until stop is
// called. began is called when a run begins, and failed when a later one has failed, never both at
// once. The error is why nothing is watched, or why the first run has failed; if ctx ends first, it
// is that of ctx.
func (j *Job) Follow(
	ctx context.Context, path string, o Watching, began func(), failed func(error),
) (stop func(), err error) {
	due, err := j.Due(path)
	if err != nil {
		return nil, err
	}
	o.Idle = !due
	command, end, err := j.Start(o)
	if err != nil {
		return nil, err
	}
	if due {
		if err := command.Await(ctx, began); err != nil {
			end()
			return nil, j.failure(err, asItIs)
		}
	}
	ctx, cancel := context.WithCancel(ctx)
	var followed sync.WaitGroup
	followed.Go(func() {
		for {
			err := command.Await(ctx, began)
			if ctx.Err() != nil {
				return
			}
			if err != nil {
				failed(j.failure(err, "fix the sources; the command runs again when one changes"))
			}
		}
	})
	return func() {
		cancel()
		end()
		followed.Wait()
	}, nil
}

// missing returns how to install a program that the command needs and that is not here.
func (j *Job) missing(command string) string { return scaffold.Hint(command, j.Dir, j.Getenv) }

// Due reports whether the component in the file at path is missing or older than a source.
func (j *Job) Due(path string) (bool, error) {
	info, err := os.Stat(path)
	if err != nil {
		return true, nil // if it cannot be read, loading it says why
	}
	// Without a source, the component is as new as it can be.
	sources := slices.DeleteFunc(slices.Clone(j.Sources), func(path string) bool {
		_, err := os.Stat(path)
		return errors.Is(err, fs.ErrNotExist)
	})
	due, err := watch.ChangedSince(info.ModTime(), sources, watch.TreeOptions{
		Exclude: []string{path},
		Options: watch.Options{Problem: func(watch.Problem) {}},
	})
	if err != nil {
		return false, exit.Loadf(err,
			"name the sources with source = […] in wasihttp.toml, or use --no-build",
			"cannot look at the sources: %v", err)
	}
	return due, nil
}

// Run runs the command once. If ctx ends first, it returns the error of ctx.
func (j *Job) Run(ctx context.Context) error {
	var out io.Writer = j.Out
	if f := j.Out.File(); f != nil {
		out = f // the command may ask whether it is a terminal
	}
	err := reload.RunCommand(ctx, reload.CommandOptions{
		Command: j.Command, Out: out, Guard: j.Guard,
	})
	return j.failure(err, asItIs)
}

// asItIs is what to do about a first run that has failed.
const asItIs = "its own messages are above; --no-build tests the component as it is"

// failure returns the error of a run as the user reads it: with how to install what is missing, or
// else with the hint usual.
func (j *Job) failure(err error, usual string) error {
	if err == nil || errors.Is(err, context.Canceled) {
		return err
	}
	hint := cmp.Or(j.missing(j.Command), usual)
	return exit.Loadf(err, hint, "the build failed: %s: %v", term.Clean(j.Command), err)
}
