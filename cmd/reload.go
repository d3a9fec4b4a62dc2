package cmd

import (
	"cmp"
	"context"
	"os/exec"
	"slices"

	"github.com/urfave/cli/v2"

	"github.com/wasihttp/wasihttp/cmd/internal/building"
	"github.com/wasihttp/wasihttp/cmd/internal/cmdline"
	"github.com/wasihttp/wasihttp/cmd/internal/exit"
	"github.com/wasihttp/wasihttp/cmd/internal/loader"
	"github.com/wasihttp/wasihttp/internal/reload"
	"github.com/wasihttp/wasihttp/internal/term"
	"github.com/wasihttp/wasihttp/watch"
)

// guardName is the command by which the program runs itself to guard the processes of --exec.
const guardName = "exec-guard"

// guardCommand describes the command, which is for the program itself alone.
func guardCommand(t *state) *cli.Command {
	return command(&cli.Command{
		Name:   guardName,
		Usage:  "run the command of --exec until stdin ends, for " + programName + " itself",
		Hidden: true,
		Action: func(c *cli.Context) error {
			if c.NArg() != 1 {
				return exit.Usagef("", "%s is for %s itself", guardName, programName)
			}
			t.orderly.Store(true)
			return reload.Guard(c.Args().First(), t.in, t.ignore)
		},
	})
}

// newDecider returns the decider about builds of the component at path, which cfg loads.
func (t *server) newDecider(path string, cfg loader.Config, s *serveSettings) *reload.Decider {
	cfg.Reload = true
	return reload.New(reload.Options{
		Path: path, Changes: loader.Changes,
		Drain: s.drainTimeout, Abort: t.abort, Grace: lastGrace,
		Wait: t.waits(s),
		Log:  &reload.Log{Out: t.stderr, JSON: s.jsonLog, Quiet: s.quiet, Command: s.execFrom},
		Read: func() ([]byte, error) {
			data, problem := cfg.Parts.Read(path, cfg.MaxComponentSize)
			return data, exit.Problem(problem)
		},
		Load: func(ctx context.Context, data []byte) (*reload.Build, error) {
			cfg := cfg
			cfg.Data = data
			a, err := t.load(ctx, path, cfg)
			if err != nil {
				return nil, err
			}
			return a.Build(), nil
		},
	})
}

// execSources returns what the command of --exec depends on.
func (s *serveSettings) execSources() []string {
	if len(s.sources) == 0 {
		return []string{cmp.Or(s.execDir, ".")}
	}
	return s.sources
}

// startExec starts the command of --exec and waits until its first run has
// ended. The function it returns stops it.
func (t *server) startExec(
	ctx context.Context, d *reload.Decider, s *serveSettings,
) (stop func(), err error) {
	parts := s.load.Parts.Paths(d.Path)
	command, stop, err := t.job(s.exec, s.execDir, s.execSources()).Start(building.Watching{
		Options: watch.Options{Poll: s.poll, Problem: t.watchProblem},
		// Files that this process itself writes are not sources.
		Exclude: append(slices.Clone(parts), s.record.Dir, s.load.CacheDir),
		Outputs: []*term.Output{t.stdout, t.stderr}, Dir: t.dir, Notice: t.note,
	})
	if err != nil {
		return nil, err
	}
	d.Command = command
	if err := d.AwaitCommand(ctx); err != nil {
		stop()
		return nil, err
	}
	return stop, nil
}

// job returns the job of a command that builds a component in the folder dir.
func (t *state) job(command, dir string, sources []string) *building.Job {
	return &building.Job{
		Command: command, Dir: dir, Sources: sources, Out: t.stderr,
		Environ: t.environ, Getenv: t.getenv,
		Guard: func(command string) *exec.Cmd {
			guard := t.self(guardName, command)
			guard.Dir = dir
			return guard
		},
	}
}

// getenv returns a variable of the environment; "" if it is not set.
func (t *state) getenv(name string) string { return cmdline.Lookup(t.environ, name) }
