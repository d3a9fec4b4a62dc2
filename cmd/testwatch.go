package cmd

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/wasihttp/wasihttp/internal/term"
	"github.com/wasihttp/wasihttp/testrunner"
	"github.com/wasihttp/wasihttp/watch"
)

// testWatch runs fixtures, and again what a change concerns.
type testWatch struct {
	*tester
	settings *testSettings
	host     *testHost // of the components as they are; nil until there is a run
	fallback string    // the component of fixtures that name none; "" if there is none
}

// watchTests runs fixtures, and again what a change concerns, until the user
// ends it.
func (t *tester) watchTests(ctx context.Context, s *testSettings) error {
	if slices.Contains(s.paths, testrunner.Stdin) {
		return usagef("name files or folders", "--watch cannot watch standard input")
	}
	w := &testWatch{tester: t, settings: s, fallback: s.flags.component}
	if w.fallback == "" {
		// Fixtures may all name their own.
		w.fallback, _ = t.discover("test", "--component", s.load.MaxComponentSize)
	}
	roots, err := w.roots()
	if err != nil {
		return err
	}
	tree, err := watch.NewTree(roots, watch.TreeOptions{Options: watch.Options{Problem: t.watchProblem}})
	if err != nil {
		return usagef("", "--watch: %v", err)
	}
	defer func() {
		// Nothing is lost when a watch does not end well, nor when a component
		// is not freed.
		_ = tree.Close()
		w.drop(ctx)
	}()
	w.run(ctx, nil)
	for {
		fmt.Fprintln(s.out, s.out.Dim("waiting for changes; Ctrl-C ends"))
		select {
		case batch := <-tree.Changes():
			fmt.Fprintf(s.out, "\n%s %s\n", s.out.Fair(term.SymbolItem), changedText(batch))
			w.run(ctx, &batch)
		case <-ctx.Done():
			return nil
		}
	}
}

func (w *testWatch) drop(ctx context.Context) {
	if w.host != nil {
		_ = closeHost(ctx, w.host)
		w.host = nil
	}
}

// roots returns what to watch: the paths of the fixtures and the components.
func (w *testWatch) roots() ([]string, error) {
	var roots []string
	for _, path := range w.settings.paths {
		if _, err := os.Stat(path); err == nil {
			roots = append(roots, path)
		} else if matches, err := filepath.Glob(path); err == nil {
			roots = append(roots, matches...)
		}
	}
	paths, err := w.settings.find()
	if err != nil {
		return nil, err
	}
	for _, source := range readSources(paths, w.in) {
		roots = append(roots, w.components(source)...)
	}
	slices.Sort(roots)
	return slices.Compact(roots), nil
}

// components returns the paths of the components that a fixture runs against.
func (w *testWatch) components(source *testrunner.Source) []string {
	if named := w.settings.flags.component; named != "" {
		return []string{named}
	}
	paths := source.Components()
	for i, path := range paths {
		if path == "" {
			paths[i] = w.fallback
		}
	}
	return slices.DeleteFunc(paths, func(path string) bool { return path == "" })
}

func changedText(b watch.Batch) string {
	if len(b.Files) == 1 {
		what := " changed"
		if b.Files[0].Op == watch.Removed {
			what = " removed"
		}
		return term.Clean(filepath.Base(b.Files[0].Path)) + what
	}
	return plural(len(b.Files), "file") + " changed"
}

// run runs what a batch of changes concerns, all fixtures if it is nil. What is
// wrong is printed; the watch goes on.
func (w *testWatch) run(ctx context.Context, batch *watch.Batch) {
	s := w.settings
	paths, err := s.find()
	if err == nil {
		err = w.runPaths(ctx, paths, batch)
	}
	if err != nil && ctx.Err() == nil {
		fmt.Fprintf(w.stderr, "%s: %s %v\n", programName, w.stderr.Bad("error:"), term.Sprintf("%v", err))
	}
}

func (w *testWatch) runPaths(ctx context.Context, paths []string, batch *watch.Batch) error {
	sources := readSources(paths, w.in)
	if batch != nil {
		components := make(map[string]bool)
		for _, source := range sources {
			for _, path := range w.components(source) {
				components[absolute(path)] = true
			}
		}
		if slices.ContainsFunc(batch.Files, func(f watch.FileChange) bool { return components[f.Path] }) {
			w.drop(ctx)
		}
		sources = slices.DeleteFunc(sources, func(source *testrunner.Source) bool {
			return !slices.ContainsFunc(batch.Files, func(f watch.FileChange) bool { return w.concerns(f.Path, source, components) })
		})
	}
	if len(sources) == 0 {
		return nil
	}
	if w.host == nil {
		w.host = w.testHost(w.settings)
	}
	run, err := w.runLoaded(ctx, w.settings, w.host, sources, time.Now())
	if run != nil && err == nil {
		err = w.settings.writeReports(run)
	}
	return err
}

// concerns reports whether a changed file can change what comes of a fixture: it
// is the fixture, its component, or a file that it may read.
func (w *testWatch) concerns(changed string, source *testrunner.Source, components map[string]bool) bool {
	fixture := absolute(source.Path)
	switch {
	case changed == fixture:
		return true
	case components[changed]:
		return slices.ContainsFunc(w.components(source), func(path string) bool { return absolute(path) == changed })
	case testrunner.IsFixture(changed):
		return false
	}
	root := filepath.Dir(fixture)
	if w.settings.flags.fileRoot != "" {
		root = absolute(w.settings.flags.fileRoot)
	}
	rel, err := filepath.Rel(root, changed)
	return err == nil && filepath.IsLocal(rel)
}

// absolute returns a path as changes name it.
func absolute(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path
}
