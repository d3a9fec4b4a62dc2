package cmd

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"

	"github.com/wasihttp/wasihttp/term"
	"github.com/wasihttp/wasihttp/testrunner"
	"github.com/wasihttp/wasihttp/watch"
)

// watchTests runs fixtures, and again what a change concerns, until the user
// ends it. A fixture that changed is run by itself; a new component, and any
// other file beside the fixtures, concerns all of them.
func (t *tool) watchTests(ctx context.Context, s *testSettings) error {
	if slices.Contains(s.paths, testrunner.Stdin) {
		return usagef("name files or folders", "--watch cannot watch standard input")
	}
	roots, err := t.watchRoots(s)
	if err != nil {
		return err
	}
	tree, err := watch.NewTree(roots, watch.TreeOptions{})
	if err != nil {
		return usagef("", "--watch: %v", err)
	}
	defer func() {
		// Nothing is lost when a watch does not end well.
		_ = tree.Close()
	}()
	var only []string
	for {
		t.watchedRun(ctx, s, only)
		select {
		case batch := <-tree.Changes():
			only = changedFixtures(batch)
			fmt.Fprintf(s.out, "\n%s %s\n", s.out.Fair(term.SymbolItem), changedText(batch))
		case <-ctx.Done():
			return nil
		}
	}
}

// watchRoots returns what to watch: the paths of the fixtures and the
// components.
func (t *tool) watchRoots(s *testSettings) ([]string, error) {
	roots := slices.Clone(s.paths)
	component := s.flags.component
	if component == "" {
		// Fixtures may all name their own.
		component, _ = discoverTo("test", "--component", t.servable)
	}
	if component != "" {
		roots = append(roots, component)
	}
	paths, err := testrunner.Find(s.paths)
	if err != nil {
		return nil, usagef("", "%v", err)
	}
	for _, source := range readSources(paths, t.in) {
		if source.File != nil && source.File.Settings.Component != nil {
			roots = append(roots, filepath.Join(filepath.Dir(source.Path), source.File.Settings.Component.Path))
		}
	}
	slices.Sort(roots)
	return slices.Compact(roots), nil
}

// changedFixtures returns the fixtures that a batch consists of; nil if there
// is anything else in it.
func changedFixtures(b watch.Batch) []string {
	var out []string
	for _, f := range b.Files {
		if filepath.Ext(f.Path) != ".hurl" || f.Op == watch.Removed {
			return nil
		}
		out = append(out, f.Path)
	}
	return out
}

func changedText(b watch.Batch) string {
	if len(b.Files) == 1 {
		return term.Clean(filepath.Base(b.Files[0].Path)) + " changed"
	}
	return plural(len(b.Files), "file") + " changed"
}

// watchedRun runs once, only the fixtures in only unless it is nil. What is
// wrong is printed; the watch goes on.
func (t *tool) watchedRun(ctx context.Context, s *testSettings, only []string) {
	paths, err := testrunner.Find(s.paths)
	if err == nil && only != nil {
		paths = slices.DeleteFunc(paths, func(p string) bool {
			abs, err := filepath.Abs(p)
			return err != nil || !slices.Contains(only, abs)
		})
	}
	if err == nil {
		_, err = t.runOnce(ctx, s, paths)
	}
	if err != nil && ctx.Err() == nil {
		fmt.Fprintf(t.stderr, "%s: %s %v\n", programName, t.stderr.Bad("error:"), err)
	}
}
