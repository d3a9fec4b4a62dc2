package files

import (
	"errors"
	"math"
	"os"
	"path"
	"sync"
	"sync/atomic"

	"github.com/wasihttp/wasihttp/internal/wasi"
)

// Flags are descriptor-flags.
type Flags uint8

// The descriptor-flags, in the order of the WIT.
const (
	Read Flags = 1 << iota
	Write
	fileIntegritySync
	dataIntegritySync
	requestedWriteSync
	MutateDirectory
)

// grant is what all descriptors below one granted folder have in common.
type grant struct {
	files    *Files
	readOnly bool
	escapes  error  // what an os.Root says of a path that leads out of it
	dev      uint64 // where the folder is
}

// Descriptor is a file or folder that a guest has open. Its methods may block, except Close, and
// are safe for concurrent use. Their errors are of type wasi.FileCode.
type Descriptor struct {
	*grant
	flags Flags
	// name is the path by which the guest has come to a folder.
	name string

	// A folder.
	root *tree

	// A regular file.
	file *handle

	mu     sync.Mutex
	self   *os.File // a folder's own, opened when it is first needed
	quick  bool     // Files.isQuick of self
	closed bool
}

// handle is an open file that a descriptor and its streams share.
type handle struct {
	*os.File
	files *Files
	users atomic.Int32
	quick bool // Files.isQuick, which may block itself
}

func (h *handle) use() *handle {
	h.users.Add(1)
	return h
}

func (h *handle) release() {
	if h.users.Add(-1) == 0 {
		h.files.release(h.File)
	}
}

// tree is an open folder that a descriptor and its Entries share.
type tree struct {
	*os.Root
	files *Files // nil if the root is the embedder's
	users atomic.Int32
}

func (t *tree) use() *tree {
	t.users.Add(1)
	return t
}

func (t *tree) release() {
	if t.users.Add(-1) == 0 && t.files != nil {
		t.files.release(t.Root)
	}
}

// Hold keeps the folder for Entries, even if the descriptor is closed, until release is called.
func (d *Descriptor) Hold() (release func()) {
	if d.root == nil {
		return func() {}
	}
	return d.root.use().release
}

// Preopened is a folder that the guest was granted, with its name in the guest.
type Preopened struct {
	*Descriptor
	Name string
}

// Preopens returns new descriptors for the folders that the guest was granted.
func (f *Files) Preopens() []Preopened {
	list := make([]Preopened, len(f.dirs))
	for i, d := range f.dirs {
		_, err := d.Root.Lstat("..")
		g := &grant{files: f, readOnly: d.ReadOnly, escapes: errors.Unwrap(err),
			dev: deviceOf(d.Root)}
		flags := Read | MutateDirectory
		if d.ReadOnly {
			flags = Read
		}
		root := (&tree{Root: d.Root}).use()
		list[i] = Preopened{
			&Descriptor{grant: g, flags: flags, name: d.Guest, root: root}, d.Guest,
		}
	}
	return list
}

// Close closes the descriptor. Streams that were made of it stay open.
func (d *Descriptor) Close() {
	d.mu.Lock()
	self, closed := d.self, d.closed
	d.self, d.closed = nil, true
	d.mu.Unlock()
	switch {
	case closed:
	case d.file != nil:
		d.file.release()
	default:
		if self != nil {
			d.files.release(self)
		}
		d.root.release()
	}
}

// own returns the open folder itself. It is valid until the descriptor is closed.
func (d *Descriptor) own() (*os.File, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case d.closed:
		return nil, wasi.FileCode("bad-descriptor")
	case d.self != nil:
		return d.self, nil
	}
	f, err := d.root.Open(".")
	if err != nil {
		return nil, d.code(err)
	}
	if err := d.files.keep(f); err != nil {
		return nil, err
	}
	d.self, d.quick = f, d.files.isQuick(f)
	return f, nil
}

// ownNow returns the open folder itself if it was opened before and its file system is quick; nil
// otherwise.
func (d *Descriptor) ownNow() *os.File {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.quick {
		return nil
	}
	return d.self
}

// code returns the error-code for an error.
func (g *grant) code(err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, g.escapes) {
		return wasi.FileCode("not-permitted")
	}
	name, ok := wasi.FileErrorCode(err)
	if !ok {
		name, _ = wasi.FileErrorCode(&os.PathError{Err: err})
	}
	return wasi.FileCode(name)
}

// mayChange returns an error if nothing below the granted folder may be changed.
func (g *grant) mayChange() error {
	if g.readOnly {
		return wasi.FileCode("not-permitted")
	}
	return nil
}

// uses reports an operation on a path below a folder to the embedder, with its result.
func (d *Descriptor) uses(name string, write bool, err error) {
	if d.files.used != nil && d.root != nil {
		refused := err == wasi.FileCode("not-permitted")
		d.files.used(wasi.Use{
			Kind: wasi.UsePath, Name: path.Join(d.name, name), Write: write, Refused: refused,
		})
	}
}

// open returns the open file, or folder.
func (d *Descriptor) open() (*os.File, error) {
	if d.file != nil {
		return d.file.File, nil
	}
	return d.own()
}

// Flags returns how the descriptor was opened.
func (d *Descriptor) Flags() Flags { return d.flags }

// Type returns the kind of file that is open.
func (d *Descriptor) Type() Type {
	if d.file != nil {
		return RegularFile
	}
	return Directory
}

// Quick reports whether what concerns the open file or folder only, but for its contents, does not
// wait for a disk.
func (d *Descriptor) Quick() bool {
	if d.file != nil {
		return d.file.quick
	}
	return d.ownNow() != nil
}

// Stat returns the attributes of the open file or folder.
func (d *Descriptor) Stat() (Stat, error) {
	f, err := d.open()
	if err != nil {
		return Stat{}, err
	}
	st, err := statFile(f)
	return st, d.code(err)
}

// Same reports whether both are the same file or folder.
func (d *Descriptor) Same(other *Descriptor) bool {
	a, err1 := d.Stat()
	b, err2 := other.Stat()
	return err1 == nil && err2 == nil && a.Dev == b.Dev && a.Ino == b.Ino
}

// Sync writes the contents of a file or folder to the disk, and its attributes unless dataOnly is
// set.
func (d *Descriptor) Sync(dataOnly bool) error {
	f, err := d.open()
	if err != nil {
		return err
	}
	return d.code(syncFile(f, dataOnly))
}

// SetTimes sets the times of the open file or folder.
func (d *Descriptor) SetTimes(access, modify Stamp) error {
	if err := d.mayChange(); err != nil {
		return err
	}
	if d.file != nil {
		return d.code(setFileTimes(d.file.File, access, modify))
	}
	p, err := d.folder(".")
	if err != nil {
		return d.code(err)
	}
	defer p.close()
	return d.code(p.setTimes(access, modify))
}

// regular returns the open file for an operation on its contents.
func (d *Descriptor) regular() (*handle, error) {
	if d.file == nil {
		return nil, wasi.FileCode("bad-descriptor")
	}
	return d.file, nil
}

// offset converts an offset or a length.
func offset(n uint64) (int64, error) {
	if n > math.MaxInt64 {
		return 0, wasi.FileCode("invalid")
	}
	return int64(n), nil
}

// SetSize truncates a file, or extends it with zeros.
func (d *Descriptor) SetSize(size uint64) error {
	h, err := d.regular()
	if err != nil {
		return err
	}
	if err := d.mayChange(); err != nil {
		return err
	}
	n, err := offset(size)
	if err != nil {
		return err
	}
	if d.flags&Write == 0 {
		return wasi.FileCode("invalid")
	}
	return d.code(h.Truncate(n))
}

// Advice says how a guest will use a part of a file. The order is that of the WIT.
type Advice uint8

// Advise passes advice on to the system, if the system takes any. It changes nothing that a guest
// can see.
func (d *Descriptor) Advise(off, length uint64, a Advice) error {
	h, err := d.regular()
	if err != nil {
		return err
	}
	if off > math.MaxInt64 || length > math.MaxInt64 {
		return nil // it is about nothing that there can be
	}
	advise(h.File, int64(off), int64(length), a)
	return nil
}
