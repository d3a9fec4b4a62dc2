package files

import (
	"unicode/utf8"

	"github.com/wasihttp/wasihttp/internal/wasi"
)

// StatAt returns the attributes of what a path leads to.
func (d *Descriptor) StatAt(path string, follow bool) (Stat, error) {
	t, err := d.find(path, follow)
	if err != nil {
		return Stat{}, err
	}
	defer t.close()
	return t.stat, t.exists()
}

// SetTimesAt sets the times of what a path leads to.
func (d *Descriptor) SetTimesAt(path string, follow bool, access, modify Stamp) error {
	t, err := d.change(path, follow)
	if err != nil {
		return err
	}
	defer t.close()
	if err := t.exists(); err != nil {
		return err
	}
	return d.code(t.setTimes(access, modify))
}

// change is find for an operation that changes something.
func (d *Descriptor) change(path string, follow bool) (*target, error) {
	if d.file != nil {
		return nil, wasi.FileCode("not-directory")
	}
	if err := d.mayChangeAt(path); err != nil {
		return nil, err
	}
	return d.find(path, follow)
}

// mayChangeAt is mayChange for what a path leads to.
func (d *Descriptor) mayChangeAt(path string) error {
	err := d.mayChange()
	d.uses(path, true, err)
	return err
}

// byName is change for an operation on a name, even if that of a link. A slash after the name of a
// link is about what the link leads to, which such operations refuse; but first it is found out
// whether the link leads out.
func (d *Descriptor) byName(path string) (*target, error) {
	t, err := d.change(path, false)
	if err == nil && t.path != path {
		t.close()
		return nil, wasi.FileCode("not-directory")
	}
	return t, err
}

// MakeDirectory makes a folder.
func (d *Descriptor) MakeDirectory(path string) error {
	t, err := d.change(path, false)
	if err != nil {
		return err
	}
	defer t.close()
	if !t.missing || t.path != path {
		return wasi.FileCode("exist")
	}
	return d.code(t.mkdir())
}

// RemoveDirectory removes an empty folder.
func (d *Descriptor) RemoveDirectory(path string) error {
	t, err := d.byName(path)
	if err != nil {
		return err
	}
	defer t.close()
	if t.here {
		if _, name, _ := split(path); name == "." {
			return wasi.FileCode("invalid")
		}
		return wasi.FileCode("not-empty")
	}
	if err := t.exists(); err != nil {
		return err
	}
	if t.stat.Type != Directory {
		return wasi.FileCode("not-directory")
	}
	return d.code(t.rmdir())
}

// Unlink removes a file or link, but not a folder.
func (d *Descriptor) Unlink(path string) error {
	t, err := d.byName(path)
	if err != nil {
		return err
	}
	defer t.close()
	if err := t.exists(); err != nil {
		return err
	}
	if t.stat.Type == Directory {
		return wasi.FileCode("is-directory")
	}
	return d.code(t.unlink())
}

// ReadLink returns the text of a link.
func (d *Descriptor) ReadLink(path string) (string, error) {
	t, err := d.find(path, false)
	if err != nil {
		return "", err
	}
	defer t.close()
	if err := t.exists(); err != nil {
		return "", err
	}
	if t.stat.Type != SymbolicLink {
		return "", wasi.FileCode("invalid")
	}
	text, err := t.readlink()
	switch {
	case err != nil:
		return "", d.code(err)
	case isAbsolute(text):
		return "", wasi.FileCode("not-permitted")
	case !utf8.ValidString(text):
		return "", wasi.FileCode("illegal-byte-sequence")
	}
	return text, nil
}

// Symlink makes a link with that text.
func (d *Descriptor) Symlink(text, path string) error {
	t, err := d.change(path, false)
	if err != nil {
		return err
	}
	defer t.close()
	switch err := checkPath(text); {
	case err != nil:
		return err
	case isAbsolute(text):
		return wasi.FileCode("not-permitted")
	case !t.missing && t.slash && t.stat.Type != Directory:
		return wasi.FileCode("not-directory")
	case !t.missing:
		return wasi.FileCode("exist")
	case t.slash:
		return wasi.FileCode("no-entry")
	}
	return d.code(t.symlink(text))
}

// pair returns what two paths below two descriptors lead to, for an operation that changes both.
func pair(d *Descriptor, from string, to *Descriptor, path string) (a, b *target, err error) {
	for i, d := range []*Descriptor{d, to} {
		if d.file != nil {
			return nil, nil, wasi.FileCode("not-directory")
		}
		if err := d.mayChangeAt([]string{from, path}[i]); err != nil {
			return nil, nil, err
		}
	}
	// Paths that lead out are refused whatever else is wrong.
	a, err = d.byName(from)
	b, err2 := to.byName(path)
	if err2 == wasi.FileCode("not-permitted") || err == nil {
		err = err2
	}
	if err != nil {
		for _, t := range []*target{a, b} {
			if t != nil {
				t.close()
			}
		}
		return nil, nil, err
	}
	return a, b, nil
}

// Link adds a name to a file.
func (d *Descriptor) Link(from string, follow bool, to *Descriptor, path string) error {
	if follow {
		return wasi.FileCode("invalid")
	}
	a, b, err := pair(d, from, to, path)
	if err != nil {
		return err
	}
	defer a.close()
	defer b.close()
	if err := a.exists(); err != nil {
		return err
	}
	switch {
	case !b.missing && b.slash && b.stat.Type != Directory:
		return wasi.FileCode("not-directory")
	case !b.missing:
		return wasi.FileCode("exist")
	case b.slash:
		return wasi.FileCode("no-entry")
	case a.stat.Type == Directory:
		return wasi.FileCode("not-permitted")
	}
	return d.code(link(a, b))
}

// Rename renames a file or folder. A file replaces a file of the new name, a folder an empty
// folder.
func (d *Descriptor) Rename(from string, to *Descriptor, path string) error {
	a, b, err := pair(d, from, to, path)
	if err != nil {
		return err
	}
	defer a.close()
	defer b.close()
	if a.here || b.here {
		return wasi.FileCode("busy")
	}
	if err := a.exists(); err != nil {
		return err
	}
	if b.slash && a.stat.Type != Directory {
		return wasi.FileCode("not-directory")
	}
	return d.code(rename(a, b))
}
