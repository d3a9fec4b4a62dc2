package suite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/wasihttp/wasihttp/internal/term"
	"github.com/wasihttp/wasihttp/internal/words"
	"github.com/wasihttp/wasihttp/testrunner"
	"github.com/wasihttp/wasihttp/watch"
)

// watcher runs fixtures, and after a change those that it affects.
type watcher struct {
	*Suite
	// fallback is the component of fixtures that name none; "" if there is none.
	fallback string
	// failed is what failed when it was last run, and onlyFailed leaves out everything else.
	failed     memory
	onlyFailed bool
}

// Watch runs the fixtures, and after each change those that it affects, until ctx ends or the user
// presses q. fallback is the component of fixtures that name none, "" if it is unknown.
// openKeys begins to read the keys that the user presses, and returns nil if there is no terminal.
// The error is why nothing can be watched.
func (s *Suite) Watch(
	ctx context.Context, fallback string, problem func(watch.Problem), openKeys func() <-chan byte,
) error {
	if slices.Contains(s.Paths, testrunner.Stdin) {
		return fail(nil, "name fixtures or folders", "--watch cannot watch standard input")
	}
	if named := s.Options.Component; named != "" {
		fallback = named
	}
	w := &watcher{Suite: s, fallback: fallback, failed: memory{}}
	roots, err := w.roots()
	if err != nil {
		return err
	}
	tree, err := watch.NewTree(roots, watch.TreeOptions{Options: watch.Options{Problem: problem}})
	if err != nil {
		return fail(err, "", "--watch: %v", err)
	}
	defer func() {
		// Errors of ending a watch or freeing a component have no consequences.
		_ = tree.Close()
		_ = w.drop(ctx)
	}()
	w.run(ctx, nil)
	keys := openKeys()
	for {
		hint := "waiting for changes; press Ctrl-C to stop"
		if keys != nil {
			hint = "waiting for changes; keys: u update, f failed only, a all, q quit"
		}
		fmt.Fprintln(s.Out, s.Out.Dim(hint))
		select {
		case key, ok := <-keys:
			switch {
			case !ok:
				keys = nil
			case key == 'q':
				return nil
			default:
				w.press(ctx, key)
			}
		case batch := <-tree.Changes():
			fmt.Fprintf(s.Out, "\n%s %s\n", s.Out.Fair(term.SymbolItem), changedText(batch))
			w.run(ctx, &batch)
		case <-ctx.Done():
			return nil
		}
	}
}

// press does what a key is for.
func (w *watcher) press(ctx context.Context, key byte) {
	switch key {
	case 'u':
		update, all := w.Update, w.Options.All
		w.Update, w.Options.All = true, true
		w.run(ctx, nil)
		w.Update, w.Options.All = update, all
	case 'f':
		w.onlyFailed = !w.onlyFailed
		w.run(ctx, nil)
	case 'a', '\n', '\r':
		w.onlyFailed = false
		w.run(ctx, nil)
	}
}

// roots returns what to watch: the paths of the fixtures and the components.
func (w *watcher) roots() ([]string, error) {
	var roots []string
	for _, path := range w.files() {
		if _, err := os.Stat(path); err == nil {
			roots = append(roots, path)
		} else if matches, err := filepath.Glob(path); err == nil {
			roots = append(roots, matches...)
		}
	}
	paths, err := w.find()
	if err != nil {
		return nil, err
	}
	for _, source := range testrunner.ReadAll(paths, w.In) {
		roots = append(roots, w.components(source)...)
		roots = append(roots, w.upstreams(source)...)
	}
	slices.Sort(roots)
	return slices.Compact(roots), nil
}

// components returns the paths of the components that a fixture runs against, and of their parts.
func (w *watcher) components(source *testrunner.Source) []string {
	if named := w.Options.Component; named != "" {
		return append([]string{named}, w.Parts...)
	}
	paths := source.Components()
	for i, path := range paths {
		if path == "" {
			paths[i] = w.fallback
		}
	}
	paths = slices.DeleteFunc(paths, func(path string) bool { return path == "" })
	return append(paths, w.Parts...)
}

// upstreams returns the paths of the upstream fixtures that a fixture uses.
func (w *watcher) upstreams(source *testrunner.Source) []string {
	return append(testrunner.UpstreamsOf(source), w.Options.Upstreams...)
}

func changedText(b watch.Batch) string {
	if len(b.Files) == 1 {
		what := " changed"
		if b.Files[0].Op == watch.Removed {
			what = " removed"
		}
		return term.Clean(filepath.Base(b.Files[0].Path)) + what
	}
	return words.Count(len(b.Files), "file", "files") + " changed"
}

// run runs the fixtures that a batch of changes affects, or all if batch is
// nil. It prints errors; the watch goes on.
func (w *watcher) run(ctx context.Context, batch *watch.Batch) {
	paths, err := w.find()
	if err == nil {
		err = w.runPaths(ctx, paths, batch)
	}
	if err != nil && ctx.Err() == nil {
		fmt.Fprintf(w.Err, "%s: %s %s\n", w.Program, w.Err.Bad("error:"), term.Sprintf("%v", err))
	}
}

func (w *watcher) runPaths(ctx context.Context, paths []string, batch *watch.Batch) error {
	sources := testrunner.ReadAll(paths, w.In)
	if batch != nil {
		components := make(map[string]bool)
		for _, source := range sources {
			for _, path := range w.components(source) {
				components[absolute(path)] = true
			}
		}
		if slices.ContainsFunc(batch.Files, func(f watch.FileChange) bool {
			return components[f.Path]
		}) {
			_ = w.drop(ctx) // they are loaded anew in any case
		}
		sources = slices.DeleteFunc(sources, func(source *testrunner.Source) bool {
			return !slices.ContainsFunc(batch.Files, func(f watch.FileChange) bool {
				return w.concerns(f.Path, source, components)
			})
		})
	}
	if len(sources) == 0 {
		return nil
	}
	if w.onlyFailed {
		selection := w.Options.Selection
		defer func() { w.Options.Selection = selection }()
		if !w.failed.only(&w.Options.Selection, sources) {
			if batch != nil {
				return nil
			}
			fmt.Fprintln(w.Out, w.Out.Dim("nothing has failed: all are run"))
		}
	}
	run, err := w.loaded(ctx, sources, time.Now())
	if err != nil {
		return err
	}
	if w.Coverage != nil {
		// Instances say what ran when they are closed.
		if err := errors.Join(w.drop(ctx), w.cover(run.Run)); err != nil {
			return err
		}
	}
	w.failed.update(run.Files)
	w.remember(run.Files)
	return w.Reports.write(run.Run)
}

// concerns reports whether a changed file can affect the result of a fixture: it
// is the fixture, its component, or a file that the fixture may read.
func (w *watcher) concerns(
	changed string, source *testrunner.Source, components map[string]bool,
) bool {
	fixture := absolute(source.Path)
	switch {
	case changed == fixture:
		return true
	case components[changed]:
		return slices.ContainsFunc(w.components(source),
			func(path string) bool { return absolute(path) == changed })
	case slices.ContainsFunc(w.upstreams(source),
		func(path string) bool { return absolute(path) == changed }):
		return true
	case testrunner.IsFixture(changed), testrunner.IsUpstream(changed):
		return false
	}
	root := filepath.Dir(fixture)
	if w.Options.FileRoot != "" {
		root = absolute(w.Options.FileRoot)
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
