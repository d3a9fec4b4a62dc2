package files

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/wasihttp/wasihttp/internal/wasi"
)

const (
	// maxPath is the length of the longest path, in bytes.
	maxPath = 4096
	// maxLinks is how many links in a row are followed at the end of a path.
	maxLinks = 40
)

// target is what a path leads to: a name in a folder, which there may be nothing under.
type target struct {
	place
	// path is where it is below the root of the descriptor.
	path string
	// slash is true if the path had a slash at its end: it can only be a folder.
	slash bool
	// here is true if the path ends in a folder without its name, as "." and ".." do.
	here bool
	// stat has the attributes, those of a link's target if the link was followed; missing is true
	// if there is nothing.
	stat    Stat
	missing bool
}

// exists returns the error for an operation on something that is there.
func (t *target) exists() error {
	switch {
	case t.missing:
		return wasi.FileCode("no-entry")
	case t.slash && t.stat.Type != Directory:
		return wasi.FileCode("not-directory")
	}
	return nil
}

// checkPath finds paths that lead nowhere, whatever there is.
func checkPath(path string) error {
	switch {
	case path == "":
		return wasi.FileCode("no-entry")
	case os.IsPathSeparator(path[0]):
		return wasi.FileCode("not-permitted")
	case strings.IndexByte(path, 0) >= 0:
		return wasi.FileCode("invalid")
	case len(path) > maxPath:
		return wasi.FileCode("name-too-long")
	}
	return nil
}

// split cuts a path into the folder and the name in it. slash reports whether the name is followed
// by a slash.
func split(path string) (dir, name string, slash bool) {
	end := len(path)
	for end > 0 && os.IsPathSeparator(path[end-1]) {
		end--
	}
	start := end
	for start > 0 && !os.IsPathSeparator(path[start-1]) {
		start--
	}
	return path[:start], path[start:end], end < len(path)
}

// find returns what a path leads to. A link at its end is followed if follow says so, or a slash
// comes after it. The caller closes the target.
func (d *Descriptor) find(path string, follow bool) (*target, error) {
	t, err := d.lookUp(path, follow)
	d.uses(path, false, err)
	return t, err
}

func (d *Descriptor) lookUp(path string, follow bool) (*target, error) {
	if d.file != nil {
		return nil, wasi.FileCode("not-directory")
	}
	if err := checkPath(path); err != nil {
		return nil, err
	}
	for range maxLinks {
		t, next, err := d.step(path, follow)
		if t != nil || err != nil {
			return t, err
		}
		if err := checkPath(next); err != nil {
			return nil, err
		}
		path = next
	}
	return nil, wasi.FileCode("loop")
}

// step is find for one link: it returns the path to go on with if there is one to be followed.
func (d *Descriptor) step(path string, follow bool) (t *target, next string, err error) {
	dir, name, slash := split(path)
	if name == "." || name == ".." {
		p, err := d.folder(path)
		if err != nil {
			return nil, "", d.code(err)
		}
		t := &target{place: p, path: path, here: true}
		if t.stat, err = p.stat(); err != nil {
			p.close()
			return nil, "", d.code(err)
		}
		return t, "", nil
	}
	p, err := d.folder(dir)
	if err != nil {
		return nil, "", d.code(err)
	}
	p.name = name
	st, err := p.stat()
	if code := d.code(err); code != nil && code != wasi.FileCode("no-entry") {
		p.close()
		return nil, "", code
	}
	if err == nil && st.Type == SymbolicLink && (follow || slash) {
		text, err := p.readlink()
		p.close()
		switch {
		case err != nil:
			return nil, "", d.code(err)
		case text == "":
			return nil, "", wasi.FileCode("no-entry")
		case isAbsolute(text):
			return nil, "", wasi.FileCode("not-permitted")
		}
		if slash {
			text += "/"
		}
		return nil, dir + text, nil
	}
	return &target{place: p, path: path, slash: slash, stat: st, missing: err != nil}, "", nil
}

// isAbsolute reports whether the text of a link leads out of every folder, as one that names a
// volume of Windows does, too.
func isAbsolute(text string) bool {
	return text != "" && (text[0] == '/' || os.IsPathSeparator(text[0])) ||
		filepath.VolumeName(text) != ""
}
