package record

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/wasihttp/wasihttp/internal/fixture"
	"github.com/wasihttp/wasihttp/internal/fixture/hurl"
	"github.com/wasihttp/wasihttp/internal/fixture/redact"
	"github.com/wasihttp/wasihttp/serve"
)

// maxCrashes is how many crashes a folder has at most.
const maxCrashes = 100

// Crashes keeps requests that trapped or expired as fixtures: one for each cause and place. It is
// safe for concurrent use. A nil Crashes keeps none.
type Crashes struct {
	dir     string
	options Options

	mu    sync.Mutex
	seen  map[string]bool // names of files
	full  bool
	count int // files in the folder; -1 if that is not known yet
}

// CrashDir is the folder of crashes unless the user names another one.
const CrashDir = ".wasihttp/crashes"

// HasCrashes reports whether a folder may have crashes in it.
func HasCrashes(dir string) bool {
	kept, err := filepath.Glob(filepath.Join(dir, "*.hurl"))
	return err != nil || len(kept) > 0
}

// NewCrashes returns Crashes in a folder, which is made with the first one. Of the options it takes
// Redact, Timeout and Say.
func NewCrashes(dir string, o Options) *Crashes {
	return &Crashes{dir: dir, options: o, seen: make(map[string]bool), count: -1}
}

// Keep keeps an exchange that failed.
func (c *Crashes) Keep(x serve.Recorded) {
	if c == nil || x.Failure == nil || x.Cut {
		return
	}
	name := crashName(&x)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.seen[name] || c.full {
		return
	}
	c.seen[name] = true
	path := filepath.Join(c.dir, name)
	text := c.render(&x)
	if len(text) == 0 {
		return
	}
	switch err := c.write(path, text); {
	case errors.Is(err, fs.ErrExist): // from before
	case err != nil:
		c.full = true
		c.options.Say(fmt.Sprintf("crashes are not kept: %v", err))
	case c.full:
		c.options.Say(fmt.Sprintf("%d crashes are kept in %s: no more are", maxCrashes, c.dir))
	default:
		c.options.Say(fmt.Sprintf(
			"the request is kept as %s; test --crashes says whether it is fixed", path))
	}
}

// crashName returns the name of the file for a failure, which the same cause at the same place has,
// too. What an expired request was doing is there by chance: its place is what was requested.
func crashName(x *serve.Recorded) string {
	f := x.Failure
	text := string(f.Outcome) + "\n"
	if f.Outcome == serve.Expired {
		target, _, _ := strings.Cut(x.Target, "?")
		text += x.Method + " " + target
	} else {
		text += f.Cause
		for _, frame := range f.Frames {
			text += "\n" + frame.String()
		}
	}
	sum := sha256.Sum256([]byte(text))
	return fmt.Sprintf("%s-%x.hurl", f.Outcome, sum[:4])
}

// render returns the fixture: the request, which is to get any response, and what happened.
func (c *Crashes) render(x *serve.Recorded) []byte {
	e, ok := (&Recorder{options: c.options}).exchangeOf(x)
	if !ok {
		return nil
	}
	session := redact.NewSession(c.options.Redact)
	session.Find(&e)
	title := []string{e.Failure + ": " + x.Failure.Cause}
	if said := x.Failure.Message; said != "" && !session.Contains(said) {
		title[0] = e.Failure + ": " + said
	}
	for _, frame := range x.Failure.Frames {
		if !frame.Runtime {
			title = append(title, "at "+frame.String())
		}
	}
	e.Name = strings.Join(title[:min(len(title), 4)], ", ")
	e.Failure = ""
	hidden := session.Hide(&e)
	o := c.options.hurl()
	if x.Failure.Outcome == serve.Expired && c.options.Timeout > 0 {
		o.Comments = []string{"@timeout " + c.options.Timeout.String()}
	}
	text, _ := hurl.FromExchanges([]fixture.Exchange{hidden}, o)
	return text
}

// write writes a file into the folder unless that is full.
func (c *Crashes) write(path string, text []byte) error {
	if c.count < 0 {
		if err := c.open(); err != nil {
			return err
		}
	}
	if _, err := os.Lstat(path); err == nil {
		return fs.ErrExist
	}
	if c.count >= maxCrashes {
		c.full = true
		return nil
	}
	if err := writeFile(path, text, false); err != nil {
		return err
	}
	c.count++
	return nil
}

// open makes the folder, in a way that version control leaves it out, and counts its files.
func (c *Crashes) open() error {
	if _, err := os.Lstat(c.dir); errors.Is(err, fs.ErrNotExist) {
		if err := os.MkdirAll(c.dir, 0o755); err != nil {
			return err
		}
		if err := writeFile(filepath.Join(c.dir, ".gitignore"), []byte("*\n"), false); err != nil {
			return err
		}
	}
	entries, err := os.ReadDir(c.dir)
	if err != nil {
		return err
	}
	c.count = 0
	for _, e := range entries {
		if IsSession(e.Name()) {
			c.count++
		}
	}
	return nil
}
