package record

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/wasihttp/wasihttp/internal/fixture"
	"github.com/wasihttp/wasihttp/internal/fixture/hurl"
	"github.com/wasihttp/wasihttp/internal/fixture/redact"
	"github.com/wasihttp/wasihttp/internal/regular"
)

const (
	// maxKept bounds the exchanges that are kept to write their files anew, in
	// bytes, together.
	maxKept = 32 << 20
	// While the server runs, files are searched only if that costs little
	// compared with what was recorded meanwhile: no more than reviseRatio times
	// as many bytes, or reviseFree bytes in all.
	reviseRatio = 8
	reviseFree  = 1 << 20
)

// files are the fixtures that were written. A value may be recorded before a
// name in a later exchange shows that it is a secret: its file is then
// rewritten.
type files struct {
	list  []file
	first int // of those whose exchange is kept
	kept  int // bytes
	limit int // of kept
	// stale reports whether files may hold secrets that were found after the
	// files were searched; since is how much was recorded meanwhile, in bytes.
	stale bool
	since int
	lines []string
}

// file is a fixture that was written.
type file struct {
	path string
	sum  [sha256.Size]byte
	held *document // nil: not kept
}

// document is the contents of a file.
type document struct {
	list    []*fixture.Exchange
	options hurl.RecordOptions
}

// render returns the text, with exchanges as hide returns them; nil if no fixture can express them.
func (d *document) render(hide func(*fixture.Exchange) fixture.Exchange) []byte {
	var list []fixture.Exchange
	for _, x := range d.list {
		list = append(list, hide(x))
	}
	text, _ := hurl.FromExchanges(list, d.options)
	return text
}

// size returns about how many bytes it takes.
func (d *document) size() int {
	n := 0
	for _, x := range d.list {
		n += sizeOf(x)
	}
	return n
}

// add adds a file.
func (f *files) add(path string, text []byte, d *document) {
	f.list = append(f.list, file{path, sha256.Sum256(text), d})
	f.kept += d.size()
	f.since += d.size()
	for ; f.kept > f.limit; f.first++ {
		f.kept -= f.list[f.first].held.size()
		f.list[f.first].held = nil
	}
}

// sizeOf returns about how many bytes an exchange takes.
func sizeOf(x *fixture.Exchange) int {
	n := 1 << 10
	fields := func(list fixture.Fields) {
		for _, field := range list {
			n += len(field.Name) + len(field.Value) + 32
		}
	}
	n += len(x.Request.URL) + len(x.Request.Body)
	fields(x.Request.Headers)
	if x.Response != nil {
		n += len(x.Response.Body)
		fields(x.Response.Headers)
	}
	return n
}

// mayHoldSecrets records that files may hold values that turned out to be secrets.
func (f *files) mayHoldSecrets() { f.stale = f.stale || len(f.list) > 0 }

// revise hides secrets in files that were written before the secrets were found.
// Unless this is the last call, it postpones the work if that would take long.
func (f *files) revise(s *redact.Session, last bool) {
	if !f.stale || !last && f.kept > reviseFree+reviseRatio*f.since {
		return
	}
	f.stale, f.since = false, 0
	first := f.first
	if last {
		first = 0
	}
	for i := first; i < len(f.list); i++ {
		f.hide(&f.list[i], s)
	}
	if !last && f.first > 0 {
		f.stale = true // those that are not kept
	}
}

// hide hides secrets in one file.
func (f *files) hide(file *file, s *redact.Session) {
	if file.held == nil {
		text, err := regular.ReadFile(file.path, regular.MaxFile)
		if err == nil && s.Contains(string(text)) {
			f.say("%s: holds a value that later turned out to be a secret", file.path)
		}
		return
	}
	text := file.held.render(s.HideAgain)
	sum := sha256.Sum256(text)
	if sum == file.sum {
		return
	}
	now, err := regular.ReadFile(file.path, regular.MaxFile)
	changed := err == nil && sha256.Sum256(now) != file.sum
	if changed && !s.Contains(string(now)) {
		return // what the user has made of it stays
	}
	file.sum = sum
	if err == nil && !changed {
		err = regular.Replace(file.path, text, 0o644)
	}
	switch {
	case errors.Is(err, fs.ErrNotExist): // the user has removed it
	case changed:
		f.say("%s: was changed since it was recorded, and may hold a value that later turned out "+
			"to be a secret", file.path)
	case err != nil && s.Contains(string(now)):
		f.say(
			"%s: holds a value that later turned out to be a secret, and cannot be rewritten: %v",
			file.path, err)
	case err != nil:
		f.say("%s: cannot be rewritten: %v", file.path, err)
	}
}

func (f *files) say(format string, args ...any) {
	if line := fmt.Sprintf(format, args...); !slices.Contains(f.lines, line) {
		f.lines = append(f.lines, line)
	}
}

// maxTold is the largest number of files that are named.
const maxTold = 5

// told returns a line for each file that may still hold secrets.
func (f *files) told() []string {
	if len(f.lines) <= maxTold {
		return f.lines
	}
	more := fmt.Sprintf("%d more files may hold secrets as well", len(f.lines)-maxTold)
	return append(f.lines[:maxTold:maxTold], more)
}
