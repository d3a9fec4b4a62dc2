package record

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io/fs"
	"mime"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/wasihttp/wasihttp/internal/fixture"
	"github.com/wasihttp/wasihttp/internal/fixture/hurl"
	"github.com/wasihttp/wasihttp/internal/regular"
)

// attachments are the files that forms send, beside the fixtures of a folder. A fixture names such
// a file as its form does, so that two forms can have the same name only for the same content.
type attachments struct {
	dir string
	// force overwrites files that are there.
	force bool
	// sums are those of the files that were written.
	sums map[string][sha256.Size]byte
}

// put writes files. It reports whether all of them are there then.
func (a *attachments) put(list []hurl.FormFile) bool {
	for _, f := range list {
		if !a.fits(f) {
			return false
		}
	}
	for _, f := range list {
		if _, written := a.sums[f.Name]; written {
			continue
		}
		path := filepath.Join(a.dir, f.Name)
		err := writeFile(path, f.Content, a.force)
		if err != nil && !errors.Is(err, fs.ErrExist) { // else it has that content
			return false
		}
		if a.sums == nil {
			a.sums = make(map[string][sha256.Size]byte)
		}
		a.sums[f.Name] = sha256.Sum256(f.Content)
	}
	return true
}

// fits reports whether a file may be written, or is there already.
func (a *attachments) fits(f hurl.FormFile) bool {
	if !isFileName(f.Name) {
		return false
	}
	if sum, ok := a.sums[f.Name]; ok {
		return sum == sha256.Sum256(f.Content)
	}
	path := filepath.Join(a.dir, f.Name)
	if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) || err == nil && a.force {
		return true
	}
	there, err := regular.ReadFile(path, regular.MaxFile)
	return err == nil && bytes.Equal(there, f.Content)
}

// notInNames are characters that names of files do not have on every system, or that have a meaning
// in paths, and reserved are names that some systems give to devices.
var (
	notInNames = regexp.MustCompile(`[\x00-\x1f\x7f<>:"/\\|?*{}]|^[. -]|[. ]$`)
	reserved   = regexp.MustCompile(`(?i)^(con|prn|aux|nul|com[0-9]|lpt[0-9])(\.|$)`)
)

// isFileName reports whether a name is one for a file on every system, and not one that has a
// meaning in a folder of fixtures.
func isFileName(name string) bool {
	const longest = 100
	if name == "" || len(name) > longest || notInNames.MatchString(name) ||
		reserved.MatchString(name) {
		return false
	}
	for _, suffix := range []string{".hurl", ".har", ".har.zip", ".wasm"} {
		if strings.HasSuffix(strings.ToLower(name), suffix) {
			return false
		}
	}
	return true
}

// sendsFiles reports whether a request is a form that may send files.
func sendsFiles(r *fixture.Request) bool {
	kind, _, err := mime.ParseMediaType(r.Headers.Get("content-type"))
	return err == nil && kind == "multipart/form-data" &&
		bytes.Contains(r.Body, []byte("filename="))
}

// attach lets the fixtures that are still in memory have files beside them: at the end, when all
// secrets in these are known.
func (r *Recorder) attach() {
	r.attached.dir = r.options.Dir
	for _, f := range r.files.list {
		if f.held != nil && !f.held.options.Upstream && sendsFiles(&f.held.list[0].Request) {
			f.held.options.File = r.attached.put
			r.files.stale = true
		}
	}
}
