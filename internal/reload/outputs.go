package reload

import (
	"path/filepath"
	"slices"
	"time"

	"github.com/wasihttp/wasihttp/watch"
)

// outputs distinguishes the files that the command writes from its sources.
type outputs struct {
	dir    string // the working folder, for messages
	notice func(format string, args ...any)

	began, ended time.Time       // of the command's last run
	known        map[string]bool // files that the command makes
	edited       map[string]bool // files that changed while it did not run
	removed      map[string]bool // files that went away during this run
	suspect      suspect
}

func newOutputs(dir string, notice func(string, ...any)) *outputs {
	return &outputs{
		dir: dir, notice: notice,
		known: map[string]bool{}, edited: map[string]bool{}, removed: map[string]bool{},
	}
}

// begin records that a run begins.
func (o *outputs) begin() { o.began, o.removed = time.Now(), map[string]bool{} }

// end records that the run has ended.
func (o *outputs) end() { o.ended = time.Now() }

// suspect is the one file that keeps changing while the command runs.
type suspect struct {
	path    string
	offsets []time.Duration // after the start of each run
}

// lateSign is how long after the end of the command events about files that it wrote may arrive.
const lateSign = 100 * time.Millisecond

// concerns decides whether the command has to run for a batch of changes. The
// command itself may have caused changes during its run: files that it creates
// or removes, lock files, and a file that changes in each run at about the same
// moment.
func (o *outputs) concerns(batch watch.Batch, running bool) bool {
	during := running || batch.First.Sub(o.ended) < lateSign
	var causes []string
	certain := false
	for _, f := range batch.Files {
		switch {
		case !during, !running && f.Modified.After(o.ended):
			certain = true
			delete(o.known, f.Path)
			o.edited[f.Path] = true
			causes = append(causes, f.Path)
		case o.known[f.Path] || isLockFile(f.Path):
		case f.Op == watch.Removed:
			o.removed[f.Path] = true
		case f.Op == watch.Created && !o.removed[f.Path]:
			o.known[f.Path] = true
		default:
			causes = append(causes, f.Path)
		}
	}
	if certain || len(causes) != 1 {
		o.suspect = suspect{}
		return len(causes) > 0
	}
	runs := suspectRuns
	if o.edited[causes[0]] {
		runs = editedRuns
	}
	if o.suspect.again(causes[0], batch.First.Sub(o.began), runs) {
		o.known[causes[0]] = true
		o.notice("%s changes whenever the command runs: it is treated as output of the command, "+
			"and its changes during a run are ignored", o.relative(causes[0]))
		return false
	}
	return true
}

// How often, and how regularly, a file has to change during the command to count
// as its output. The bounds are strict, because editors save files by themselves,
// every second.
const (
	suspectRuns   = 3
	editedRuns    = 8
	suspectSpread = 300 * time.Millisecond
)

// again records a change and reports whether the file has now changed in enough
// runs to count as an output.
func (s *suspect) again(path string, offset time.Duration, runs int) bool {
	if s.path != path {
		*s = suspect{path: path}
	}
	s.offsets = append(s.offsets, offset)
	if len(s.offsets) < runs {
		return false
	}
	s.offsets = s.offsets[len(s.offsets)-runs:]
	return slices.Max(s.offsets)-slices.Min(s.offsets) < suspectSpread
}

// isLockFile reports whether build tools write the file themselves.
func isLockFile(path string) bool {
	switch filepath.Base(path) {
	case "Cargo.lock", "package-lock.json", "npm-shrinkwrap.json", "yarn.lock", "pnpm-lock.yaml",
		"bun.lock", "deno.lock", "poetry.lock", "uv.lock", "Pipfile.lock", "go.sum", "wkg.lock",
		"wit.lock":
		return true
	}
	return false
}

// relative shortens a path for the user.
func (o *outputs) relative(path string) string {
	if short, err := filepath.Rel(o.dir, path); err == nil && filepath.IsLocal(short) {
		return short
	}
	return path
}
