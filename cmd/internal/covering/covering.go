// Package covering watches what of the code of components runs in tests, and writes the files that
// show it.
package covering

import (
	"cmp"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/wasihttp/wasihttp/cmd/internal/cmdline"
	"github.com/wasihttp/wasihttp/cmd/internal/exit"
	"github.com/wasihttp/wasihttp/cmd/internal/loader"
	"github.com/wasihttp/wasihttp/host"
	"github.com/wasihttp/wasihttp/internal/coverage"
	"github.com/wasihttp/wasihttp/internal/inspect"
	"github.com/wasihttp/wasihttp/internal/regular"
	"github.com/wasihttp/wasihttp/internal/stable"
	"github.com/wasihttp/wasihttp/testrunner/report"
	"github.com/wasihttp/wasihttp/testrunner/suite"
)

// The flags.
const (
	Flag     = "coverage"
	HTMLFlag = "coverage-html"
	MinFlag  = "coverage-min"
)

// Wanted is what the flags say.
type Wanted struct {
	lcov, html string               // a file and a folder to write; "" for none
	min        cmdline.LeastPercent // what must run at least
}

// Paths returns the file and the folder that are written; those that are not wanted are empty.
func (w *Wanted) Paths() []string { return []string{w.lcov, w.html} }

// Flags adds the flags.
func (w *Wanted) Flags(b *cmdline.Flags) {
	b.Output(Flag, &w.lcov, "write to `FILE`, for lcov, which functions, lines and branches of "+
		"the component's code ran")
	b.Output(HTMLFlag, &w.html, "write pages that show it in the sources into `FOLDER`")
	b.ValueOr(MinFlag, &w.min, "", "fail, with 4, if less than `PERCENT` of the lines ran (of the "+
		"functions if nothing is known of lines)")
}

// collector watches components.
type collector struct {
	Wanted
	dir string

	mu         sync.Mutex
	components map[string]build
}

// build is a component as it was when it was loaded.
type build struct {
	coverage.Component
	sum [sha256.Size]byte
}

// Begin has a suite that runs in the folder dir report what of the components that load loads ran,
// if that is wanted.
func (w Wanted) Begin(dir string, s *suite.Suite, load *loader.Config, list bool) error {
	if w == (Wanted{}) || list {
		return nil
	}
	if err := w.check(); err != nil {
		return err
	}
	c := &collector{Wanted: w, dir: dir, components: map[string]build{}}
	load.Cover, s.Coverage = c.cover, c.result
	return nil
}

// check finds out before a run whether the files can be written, and creates their folders.
func (w *Wanted) check() error {
	if w.min.Percent > 100 {
		return exit.Usagef("name a percentage from 0 to 100, such as 80",
			"--%s %s is more than all", MinFlag, &w.min)
	}
	for _, f := range []struct{ flag, path, folder, file, what string }{
		{Flag, w.lcov, filepath.Dir(w.lcov), w.lcov, "file"},
		{HTMLFlag, w.html, w.html, filepath.Join(w.html, coverage.IndexFile), "folder"},
	} {
		if f.path == "" {
			continue
		}
		err := os.MkdirAll(f.folder, 0o755)
		if err == nil {
			err = regular.Writable(f.file, 0o644)
		}
		if err != nil {
			return exit.Usagef("name a "+f.what+" that can be written", "--%s %s: %v",
				f.flag, f.path, regular.Reason(err))
		}
	}
	return nil
}

// cover is a loader.CoverFunc. What earlier runs reached counts until the component is built anew.
func (c *collector) cover(
	path string, sum [sha256.Size]byte, made inspect.Toolchain,
) *host.Coverage {
	c.mu.Lock()
	defer c.mu.Unlock()
	if old, ok := c.components[path]; ok && old.sum == sum {
		return old.Coverage
	}
	one := build{coverage.Component{Path: path, Language: made.Language}, sum}
	switch made.Language {
	case "Python", "JavaScript":
		one.Engine = cmp.Or(made.Runtime, "an interpreter")
	default:
		one.Coverage = host.NewCoverage()
	}
	c.components[path] = one
	return one.Coverage
}

// result writes the files that are wanted, and returns what tests report. The instances must have
// been closed.
func (c *collector) result() (*report.Coverage, error) {
	c.mu.Lock()
	all := make([]coverage.Component, 0, len(c.components))
	for _, one := range c.components {
		all = append(all, one.Component)
	}
	c.mu.Unlock()
	if len(all) == 0 {
		return nil, nil // there is no component, which is said
	}
	stable.Sort(all, func(a, b coverage.Component) int {
		return strings.Compare(a.Path, b.Path)
	})
	r, err := coverage.New(coverage.NewSources(c.dir), all)
	if err != nil {
		return nil, exit.Loadf(err, "", "--%s: %v", Flag, err)
	}
	return c.report(r), errors.Join(
		c.write(Flag, c.lcov, func(path string) error {
			return regular.Replace(path, r.Lcov(), 0o644)
		}),
		c.write(HTMLFlag, c.html, r.HTML),
	)
}

func (c *collector) write(flag, path string, write func(path string) error) error {
	if path == "" {
		return nil
	}
	if err := write(path); err != nil {
		return exit.Loadf(err, "", "--%s %s: %v", flag, path, regular.Reason(err))
	}
	return nil
}

// report returns what tests report of the coverage.
func (c *collector) report(r *coverage.Report) *report.Coverage {
	t, missed := r.Totals(), r.Missed()
	measure, of := r.Measure()
	out := &report.Coverage{
		Lines: report.Share(t.Lines), Functions: report.Share(t.Functions),
		Branches: report.Share(t.Branches), Measure: of, Percent: measure.Percent(),
		Summary: r.Summary(), Notes: r.Notes,
		MissedFunctions: places(missed.Functions), MissedBranches: places(missed.Branches),
		All: "--" + HTMLFlag + " FOLDER shows all",
	}
	if c.html != "" {
		out.All = filepath.Join(c.html, coverage.IndexFile) + " shows all"
	}
	least := float64(c.min.Percent)
	if out.Min = least; least == 0 {
		return out
	}
	switch {
	case measure.All == 0:
		out.Below = fmt.Sprintf("nothing can be counted, and --%s wants %s", MinFlag, &c.min)
	case measure.Percent() < least:
		out.Below = fmt.Sprintf("%s of %s ran, %.1f points less than --%s %s", measure, of,
			max(least-measure.Percent(), 0.1), MinFlag, &c.min)
	}
	return out
}

func places(list []coverage.Place) []report.Place {
	out := make([]report.Place, len(list))
	for i, p := range list {
		out[i] = report.Place(p)
	}
	return out
}
