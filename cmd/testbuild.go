package cmd

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"

	"github.com/wasihttp/wasihttp/cmd/internal/config"
	"github.com/wasihttp/wasihttp/cmd/internal/exit"
	"github.com/wasihttp/wasihttp/internal/reload"
	"github.com/wasihttp/wasihttp/internal/scaffold"
	"github.com/wasihttp/wasihttp/internal/term"
	"github.com/wasihttp/wasihttp/watch"
)

// fixturesFolder has the fixtures of a project, for a command line without a PATH.
const fixturesFolder = "fixtures"

// ownFixtures returns the folder of fixtures beside the settings file, or else in the working
// folder, if there is one.
func ownFixtures(s *config.Settings) []string {
	path := filepath.Join(s.Folder(), fixturesFolder)
	if info, err := os.Stat(path); err != nil || !info.IsDir() {
		return nil
	}
	return []string{path}
}

// buildFirst runs the command that builds the component if that is missing or older than one of its
// sources.
func (s *testSettings) buildFirst(ctx context.Context, t *state, d doors) error {
	if s.build == nil {
		return nil
	}
	path, err := s.find(d)
	if err == nil {
		stale, err := isStale(path, s.build.Sources)
		if err != nil {
			return exit.Loadf(err, "name the sources with source = […] in wasihttp.toml, or use "+
				"--no-build", "cannot look at the sources: %v", err)
		}
		if !stale {
			return nil
		}
	}
	if !s.suite.Quiet {
		t.note("building: %s", s.build.Command)
	}
	var out io.Writer = t.stderr
	if f := t.stderr.File(); f != nil {
		out = f // the command may ask whether it is a terminal
	}
	err = reload.RunCommand(ctx, reload.CommandOptions{
		Command: s.build.Command, Out: out, Guard: t.guard(s.build.Dir),
	})
	if err == nil || errors.Is(err, context.Canceled) {
		return err
	}
	hint := scaffold.Hint(s.build.Command, s.build.Dir, t.getenv)
	if hint == "" {
		hint = "its own messages are above; --no-build tests the component as it is"
	}
	return exit.Loadf(err, hint, "the build failed: %s: %v", term.Clean(s.build.Command), err)
}

// isStale reports whether the component is missing or older than a source.
func isStale(path string, sources []string) (bool, error) {
	info, err := os.Stat(path)
	if err != nil {
		return true, nil // if it cannot be read, loading it says why
	}
	// Without a source, the component is as new as it can be.
	sources = slices.DeleteFunc(slices.Clone(sources), func(path string) bool {
		_, err := os.Stat(path)
		return errors.Is(err, fs.ErrNotExist)
	})
	return watch.ChangedSince(info.ModTime(), sources, watch.TreeOptions{
		Exclude: []string{path},
		Options: watch.Options{Problem: func(watch.Problem) {}},
	})
}

// guard returns a function that starts the guard of a build command that runs in the folder dir.
func (t *state) guard(dir string) func(command string) *exec.Cmd {
	return func(command string) *exec.Cmd {
		guard := t.self(guardName, command)
		guard.Dir = dir
		return guard
	}
}

// getenv returns a variable of the environment; "" if it is not set.
func (t *state) getenv(name string) string { return lookupEnv(t.environ, name) }
