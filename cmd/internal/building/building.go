// Package building runs the command that builds a component: whenever a source changes, or once if
// the component is older than its sources.
package building

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"slices"

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
	// Exclude are files and folders that are no sources; an empty path is ignored. The files that
	// Outputs write to are none, either.
	Exclude []string
	Outputs []*term.Output
	// Dir is the working folder, for messages, and Notice prints one.
	Dir    string
	Notice func(format string, args ...any)
}

// Start starts the command, which runs at once and whenever a source changes, until stop is called.
func (j *Job) Start(o Watching) (command *reload.Command, stop func(), err error) {
	options := watch.TreeOptions{
		Options: o.Options,
		Exclude: slices.DeleteFunc(o.Exclude, func(path string) bool { return path == "" }),
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
		Env: reload.ColourEnv(j.Out, j.Environ), Guard: j.Guard, Missing: j.missing,
	})
	return command, func() {
		command.Close()
		// It only closes descriptors.
		_ = tree.Close()
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
	if err == nil || errors.Is(err, context.Canceled) {
		return err
	}
	hint := j.missing(j.Command)
	if hint == "" {
		hint = "its own messages are above; --no-build tests the component as it is"
	}
	return exit.Loadf(err, hint, "the build failed: %s: %v", term.Clean(j.Command), err)
}
