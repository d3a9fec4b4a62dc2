package files

import (
	"os"
	slashpath "path"

	"github.com/wasihttp/wasihttp/internal/wasi"
)

// OpenFlags are open-flags.
type OpenFlags uint8

// The open-flags, in the order of the WIT.
const (
	Create OpenFlags = 1 << iota
	OnlyDirectory
	Exclusive
	Truncate
)

// OpenAt opens what a path leads to. Only regular files and folders can be opened.
func (d *Descriptor) OpenAt(
	path string, follow bool, open OpenFlags, flags Flags,
) (*Descriptor, error) {
	if d.file != nil {
		return nil, wasi.FileCode("not-directory")
	}
	open, flags, err := d.opening(open, flags)
	if err != nil {
		if err == wasi.FileCode("not-permitted") {
			d.uses(path, true, err)
		}
		return nil, err
	}
	t, err := d.find(path, follow && open&Exclusive == 0)
	if err != nil {
		return nil, err
	}
	if flags&Write != 0 {
		d.uses(path, true, nil)
	}
	defer t.close()
	if err := t.openable(open, flags); err != nil {
		return nil, err
	}
	if !t.missing && t.stat.Type == Directory {
		return d.openFolder(t.path, flags)
	}
	f, err := t.open(open, flags)
	if err != nil {
		return nil, d.code(err)
	}
	return d.opened(f, flags)
}

// opening returns what the flags mean together.
func (g *grant) opening(open OpenFlags, flags Flags) (OpenFlags, Flags, error) {
	switch {
	case flags&(fileIntegritySync|dataIntegritySync|requestedWriteSync) != 0:
		return open, flags, wasi.FileCode("unsupported")
	case open&OnlyDirectory != 0 && open&^OnlyDirectory != 0:
		return open, flags, wasi.FileCode("invalid")
	case g.readOnly && (open&(Create|Truncate) != 0 || flags&Write != 0):
		return open, flags, wasi.FileCode("not-permitted")
	}
	if open&Create == 0 {
		open &^= Exclusive
	}
	if flags&Write == 0 {
		flags |= Read
	}
	if open&(Create|Truncate) != 0 {
		flags |= Write
	}
	return open, flags, nil
}

// openable returns an error if the flags do not fit what is at the path, or that nothing is there.
func (t *target) openable(open OpenFlags, flags Flags) error {
	switch {
	case t.slash && open&Create != 0:
		return wasi.FileCode("is-directory") // whatever is there
	case t.missing && open&Create == 0:
		return wasi.FileCode("no-entry")
	case t.missing:
		return nil
	case open&Exclusive != 0:
		return wasi.FileCode("exist")
	case t.stat.Type == SymbolicLink:
		return wasi.FileCode("loop")
	case t.stat.Type == Directory:
		if flags&Write != 0 {
			return wasi.FileCode("is-directory")
		}
		return nil
	case t.slash || open&OnlyDirectory != 0:
		return wasi.FileCode("not-directory")
	case t.stat.Type != RegularFile:
		return wasi.FileCode("not-permitted")
	}
	return nil
}

// openFolder opens a folder.
func (d *Descriptor) openFolder(path string, flags Flags) (*Descriptor, error) {
	// The dot makes sure that only a folder is opened, even if the path leads to something else by
	// now: to open that could take forever.
	root, err := d.root.OpenRoot(path + "/.")
	if err != nil {
		return nil, d.code(err)
	}
	if dev := deviceOf(root); dev != d.dev && isSystemRoot(root) {
		_ = root.Close() // nothing was written
		return nil, wasi.FileCode("not-permitted")
	}
	if err := d.files.keep(root); err != nil {
		return nil, err
	}
	flags &= Read | MutateDirectory
	if d.readOnly {
		flags &^= MutateDirectory
	}
	name := slashpath.Join(d.name, path)
	t := &tree{Root: root, files: d.files}
	return &Descriptor{grant: d.grant, flags: flags, root: t.use(), name: name}, nil
}

// opened returns the descriptor for what was opened as a file, if it is one.
func (d *Descriptor) opened(f *os.File, flags Flags) (*Descriptor, error) {
	st, err := statFile(f)
	switch {
	case err != nil:
	case st.Type == Directory:
		err = wasi.FileCode("is-directory") // it has become one just now
	case st.Type != RegularFile || st.Dev != d.dev && isSystem(f):
		err = wasi.FileCode("not-permitted")
	}
	if err != nil {
		_ = f.Close() // nothing was written
		return nil, d.code(err)
	}
	if err := d.files.keep(f); err != nil {
		return nil, err
	}
	h := &handle{File: f, files: d.files, quick: d.files.isQuick(f)}
	return &Descriptor{grant: d.grant, flags: flags & (Read | Write), file: h.use()}, nil
}

// isSystemRoot is isSystem for a folder.
func isSystemRoot(root *os.Root) bool {
	f, err := root.Open(".")
	if err != nil {
		return true
	}
	defer f.Close()
	return isSystem(f)
}
