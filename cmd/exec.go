package cmd

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/wasihttp/wasihttp/watch"
)

// builder runs the command of --exec, at once and whenever a source changes.
type builder struct {
	command string
	out     io.Writer
	tree    *watch.Tree
	notice  func(format string, args ...any)
	events  chan buildEvent
	stop    chan struct{}
	done    chan struct{}

	// The rest belongs to the goroutine.

	began, ended time.Time       // of the command's last run
	outputs      map[string]bool // files that the command makes
	edited       map[string]bool // files that changed while it did not run
	removed      map[string]bool // files that went away during this run
	suspect      suspect
}

// buildEvent says that the command was started, or has ended with err.
type buildEvent struct {
	running bool
	err     error
	took    time.Duration
}

// suspect is the one file that keeps changing while the command runs.
type suspect struct {
	path    string
	offsets []time.Duration // after the start of each run
}

// startBuilder runs the command in a shell until close is called.
func startBuilder(command string, tree *watch.Tree, out io.Writer, notice func(string, ...any)) *builder {
	b := &builder{
		command: command, out: out, tree: tree, notice: notice,
		events: make(chan buildEvent), stop: make(chan struct{}), done: make(chan struct{}),
		outputs: map[string]bool{}, edited: map[string]bool{},
	}
	go b.run()
	return b
}

// close stops the command and waits until it has ended. It does not close the
// tree.
func (b *builder) close() {
	close(b.stop)
	<-b.done
}

func (b *builder) run() {
	defer close(b.done)
	p := b.start()
	for {
		var exited <-chan error
		if p != nil {
			exited = p.exited
		}
		select {
		case <-b.stop:
			p.kill()
			return
		case batch := <-b.tree.Changes():
			if b.concerns(batch, p != nil) {
				p.kill()
				p = b.start()
			}
		case err := <-exited:
			p, b.ended = nil, time.Now()
			b.tell(buildEvent{err: err, took: b.ended.Sub(b.began)})
		}
	}
}

func (b *builder) tell(e buildEvent) {
	select {
	case b.events <- e:
	case <-b.stop:
	}
}

// start runs the command. It returns nil when there is no process to wait for.
func (b *builder) start() *process {
	b.began, b.removed = time.Now(), map[string]bool{}
	b.tell(buildEvent{running: true})
	p, err := startProcess(b.command, b.out)
	if err != nil {
		b.ended = time.Now()
		b.tell(buildEvent{err: err})
		return nil
	}
	return p
}

// lateSign is how long after its end a sign of what the command wrote may come.
const lateSign = 100 * time.Millisecond

// concerns decides whether the command has to run for a batch of changes. What
// comes while it runs may be its own doing: files that it makes or removes, lock
// files, and a file that changes run after run at about the same moment.
func (b *builder) concerns(batch watch.Batch, running bool) bool {
	during := running || batch.First.Sub(b.ended) < lateSign
	var causes []string
	certain := false
	for _, f := range batch.Files {
		switch {
		case !during, !running && f.Modified.After(b.ended):
			certain = true
			delete(b.outputs, f.Path)
			b.edited[f.Path] = true
			causes = append(causes, f.Path)
		case b.outputs[f.Path] || isLockFile(f.Path):
		case f.Op == watch.Removed:
			b.removed[f.Path] = true
		case f.Op == watch.Created && !b.removed[f.Path]:
			b.outputs[f.Path] = true
		default:
			causes = append(causes, f.Path)
		}
	}
	if certain || len(causes) != 1 {
		b.suspect = suspect{}
		return len(causes) > 0
	}
	runs := suspectRuns
	if b.edited[causes[0]] {
		runs = editedRuns
	}
	if b.suspect.again(causes[0], batch.First.Sub(b.began), runs) {
		b.outputs[causes[0]] = true
		b.notice("%s changes whenever the command runs: taken for its output, its changes meanwhile are left out", relative(causes[0]))
		return false
	}
	return true
}

// How often, and how regularly, a file has to change during the command to be
// taken for its output. A file that somebody else has written is so only if it is
// hardly possible that this goes on: editors save by themselves, every second.
const (
	suspectRuns   = 3
	editedRuns    = 8
	suspectSpread = 300 * time.Millisecond
)

// again takes note of a change and reports whether it makes the file an output,
// for it was seen in so many runs.
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
	case "Cargo.lock", "package-lock.json", "npm-shrinkwrap.json", "yarn.lock", "pnpm-lock.yaml", "bun.lock", "deno.lock",
		"poetry.lock", "uv.lock", "Pipfile.lock", "go.sum", "wkg.lock", "wit.lock":
		return true
	}
	return false
}

// relative shortens a path for the user.
func relative(path string) string {
	if folder, err := os.Getwd(); err == nil {
		if short, err := filepath.Rel(folder, path); err == nil && !strings.HasPrefix(short, "..") {
			return short
		}
	}
	return path
}

// process is a command with all the processes that it starts.
type process struct {
	cmd    *exec.Cmd
	exited chan error // gets one value
}

// stopGrace is how long a command has to end before it is killed.
const stopGrace = 2 * time.Second

// outputGrace is how long the output of a command is read after its end, when
// something it has started keeps it open.
const outputGrace = 500 * time.Millisecond

// startProcess runs the command in a shell, as a process group of its own.
func startProcess(command string, out io.Writer) (*process, error) {
	cmd := shellCommand(command)
	cmd.Stdout, cmd.Stderr = out, out
	cmd.WaitDelay = outputGrace
	ownGroup(cmd)
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &process{cmd: cmd, exited: make(chan error, 1)}
	go func() { p.exited <- cmd.Wait() }()
	return p, nil
}

// kill ends the group, in order if it does so in time, and waits for it. nil is
// allowed.
func (p *process) kill() {
	if p == nil {
		return
	}
	interruptGroup(p.cmd.Process)
	timer := time.NewTimer(stopGrace)
	defer timer.Stop()
	select {
	case <-p.exited:
	case <-timer.C:
		killGroup(p.cmd.Process)
		<-p.exited
		return
	}
	// The shell has ended; what it has started must have, too.
	killGroup(p.cmd.Process)
}
