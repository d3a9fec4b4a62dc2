package cmd

import (
	"cmp"
	"context"
	"os"

	"github.com/urfave/cli/v2"

	"github.com/wasihttp/wasihttp/cmd/internal/exit"
	"github.com/wasihttp/wasihttp/cmd/internal/loader"
	"github.com/wasihttp/wasihttp/component"
	"github.com/wasihttp/wasihttp/internal/inspect"
	"github.com/wasihttp/wasihttp/internal/reload"
	"github.com/wasihttp/wasihttp/internal/scaffold"
	"github.com/wasihttp/wasihttp/serve"
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

// buildOf returns the app as a build.
func buildOf(a *loader.App) *reload.Build {
	return &reload.Build{
		Build:     serve.Build{Handler: a.Handler, Digest: a.About.Digest, Close: a.Close},
		FromCache: a.About.FromCache,
		Sum:       a.Sum,
		Component: a.Component,
	}
}

// newDecider returns the decider about builds of the component at path, which cfg loads.
func (t *server) newDecider(path string, cfg loader.Config, s *serveSettings) *reload.Decider {
	cfg.Reload = true
	return reload.New(reload.Options{
		Path: path, Changes: whatChanged, Drain: s.drainTimeout, Abort: t.abort, Grace: lastGrace,
		Wait: t.waits(s),
		Log:  &reload.Log{Out: t.stderr, JSON: s.jsonLog, Quiet: s.quiet},
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
			return buildOf(a), nil
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
	sources := s.execSources()
	// Files that this process itself writes are not sources.
	options := watch.TreeOptions{
		Options: watch.Options{Poll: s.poll, Problem: t.watchProblem},
		Exclude: s.load.Parts.Paths(d.Path),
	}
	if s.record.Dir != "" {
		options.Exclude = append(options.Exclude, s.record.Dir)
	}
	if s.load.CacheDir != "" {
		options.Exclude = append(options.Exclude, s.load.CacheDir)
	}
	for _, f := range []*os.File{t.stdout.File(), t.stderr.File()} {
		if f == nil {
			continue
		}
		if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
			options.Open = append(options.Open, info)
		}
	}
	tree, err := watch.NewTree(sources, options)
	if err != nil {
		hint := "name a file or folder with sources with --source"
		return nil, exit.Loadf(err, hint, "cannot watch the sources: %v", err)
	}
	d.Command = reload.StartCommand(reload.CommandOptions{
		Command: s.exec, Tree: tree, Out: t.stderr, Dir: t.dir, Notice: t.note,
		Env:   reload.ColourEnv(t.stderr, t.environ),
		Guard: t.guard(s.execDir), Missing: func(command string) string {
			return scaffold.Hint(command, s.execDir, t.getenv)
		},
	})
	stop = func() {
		d.Command.Close()
		// It only closes descriptors.
		_ = tree.Close()
	}
	if err := d.AwaitCommand(ctx); err != nil {
		stop()
		return nil, err
	}
	return stop, nil
}

// whatChanged describes the differences between two builds.
func whatChanged(before, now *reload.Build) reload.Changes {
	old, isOld := before.Component.(*component.Component)
	next, isNext := now.Component.(*component.Component)
	if !isOld || !isNext || old == nil || next == nil {
		return reload.Changes{}
	}
	if before.Digest == now.Digest {
		same := "the same build again"
		return reload.Changes{Summary: same, List: []string{same}}
	}
	d := inspect.Compare(old, next)
	return reload.Changes{Summary: d.Summary(), List: d.List()}
}
