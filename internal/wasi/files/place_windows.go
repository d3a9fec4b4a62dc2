package files

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/wasihttp/wasihttp/internal/wasi"
)

// place is a name in a folder of an os.Root, or the folder itself without a name. Its operations
// are those of the root, which nothing leads out of.
type place struct {
	root *os.Root
	dir  string // "" for the root's own
	name string
}

// folder returns the folder at path below the descriptor.
func (d *Descriptor) folder(path string) (place, error) {
	if path == "" {
		return place{root: d.root.Root}, nil
	}
	info, err := d.root.Stat(path)
	if err == nil && !info.IsDir() {
		err = wasi.FileCode("not-directory")
	}
	return place{root: d.root.Root, dir: path}, err
}

func (p *place) close() {}

// path is where the place is below the root.
func (p *place) path() string {
	switch {
	case p.dir == "" && p.name == "":
		return "."
	case p.dir == "" || p.name == "":
		return p.dir + p.name
	}
	return strings.TrimRight(p.dir, `/\`) + "/" + p.name
}

func (p *place) stat() (Stat, error) {
	info, err := p.root.Lstat(p.path())
	if err != nil {
		return Stat{}, err
	}
	st := statOf(info)
	if st.Type == RegularFile || st.Type == Directory {
		if f, err := p.root.Open(p.path()); err == nil {
			defer f.Close()
			identify(f, &st)
		}
	}
	return st, nil
}

func statFile(f *os.File) (Stat, error) {
	info, err := f.Stat()
	if err != nil {
		return Stat{}, err
	}
	st := statOf(info)
	identify(f, &st)
	return st, nil
}

func statOf(info os.FileInfo) Stat {
	st := Stat{Type: typeOf(info.Mode()), Links: 1, Size: uint64(info.Size()),
		Modify: info.ModTime()}
	if d, ok := info.Sys().(*syscall.Win32FileAttributeData); ok {
		st.Access = time.Unix(0, d.LastAccessTime.Nanoseconds())
	}
	return st
}

func typeOf(m os.FileMode) Type {
	switch {
	case m&os.ModeSymlink != 0:
		return SymbolicLink
	case m.IsDir():
		return Directory
	case m.IsRegular():
		return RegularFile
	case m&os.ModeNamedPipe != 0:
		return FIFO
	case m&os.ModeSocket != 0:
		return Socket
	case m&os.ModeCharDevice != 0:
		return CharacterDevice
	}
	return Unknown
}

// identify adds the attributes that only an open file has.
func identify(f *os.File, st *Stat) {
	var info syscall.ByHandleFileInformation
	c, err := f.SyscallConn()
	if err != nil {
		return
	}
	ctlErr := c.Control(func(fd uintptr) {
		err = syscall.GetFileInformationByHandle(syscall.Handle(fd), &info)
	})
	if err == nil && ctlErr == nil {
		st.Links, st.Dev = uint64(info.NumberOfLinks), uint64(info.VolumeSerialNumber)
		st.Ino = uint64(info.FileIndexHigh)<<32 | uint64(info.FileIndexLow)
	}
}

// deviceOf returns the volume on which a folder is.
func deviceOf(root *os.Root) uint64 {
	f, err := root.Open(".")
	if err != nil {
		return 0
	}
	defer f.Close()
	var st Stat
	identify(f, &st)
	return st.Dev
}

func readEntries(dir *os.File, n int) (list []Entry, err error) {
	entries, err := dir.ReadDir(n)
	for _, e := range entries {
		list = append(list, Entry{Name: e.Name(), Type: typeOf(e.Type())})
	}
	return list, err
}

func (p *place) open(open OpenFlags, flags Flags) (*os.File, error) {
	how := os.O_RDWR
	switch {
	case flags&Write == 0:
		how = os.O_RDONLY
	case flags&Read == 0:
		how = os.O_WRONLY
	}
	if open&Create != 0 {
		how |= os.O_CREATE
	}
	if open&Exclusive != 0 {
		how |= os.O_EXCL
	}
	if open&Truncate != 0 {
		how |= os.O_TRUNC
	}
	return p.root.OpenFile(p.path(), how, 0o666)
}

func (p *place) mkdir() error { return p.root.Mkdir(p.path(), 0o777) }

func (p *place) rmdir() error { return p.root.Remove(p.path()) }

func (p *place) unlink() error { return p.root.Remove(p.path()) }

func (p *place) symlink(text string) error { return p.root.Symlink(text, p.path()) }

func (p *place) readlink() (string, error) {
	text, err := p.root.Readlink(p.path())
	return filepath.ToSlash(text), err
}

// sameRoot returns an error for two places that only different roots lead to: what moves from one
// to the other would have to be named by paths, which others may change meanwhile.
func sameRoot(a, b *target) error {
	if a.root != b.root {
		return wasi.FileCode("unsupported")
	}
	return nil
}

func link(from, to *target) error {
	if err := sameRoot(from, to); err != nil {
		return err
	}
	return from.root.Link(from.place.path(), to.place.path())
}

func rename(from, to *target) error {
	if err := sameRoot(from, to); err != nil {
		return err
	}
	isFolder := from.stat.Type == Directory
	switch { // the system would say "access"
	case to.missing:
	case isFolder && to.stat.Type != Directory:
		return wasi.FileCode("not-directory")
	case !isFolder && to.stat.Type == Directory:
		return wasi.FileCode("is-directory")
	}
	if !to.missing && to.stat.Type == Directory {
		// The root's Rename does not replace an empty folder.
		if from.stat.Dev == to.stat.Dev && from.stat.Ino == to.stat.Ino {
			return nil
		}
		if err := to.rmdir(); err != nil {
			return err
		}
	}
	return from.root.Rename(from.place.path(), to.place.path())
}

func (p *place) setTimes(access, modify Stamp) error {
	if info, err := p.root.Lstat(p.path()); err == nil && info.Mode()&os.ModeSymlink != 0 {
		return wasi.FileCode("unsupported") // it would be what the link leads to
	}
	return p.root.Chtimes(p.path(), access.instant(), modify.instant())
}

// instant returns the time to be set, zero for none.
func (s Stamp) instant() time.Time {
	switch s.Kind {
	case StampKeep:
		return time.Time{}
	case StampNow:
		return time.Now()
	}
	return s.Time
}

func setFileTimes(f *os.File, access, modify Stamp) error {
	filetime := func(s Stamp) *syscall.Filetime {
		if s.Kind == StampKeep {
			return nil
		}
		t := syscall.NsecToFiletime(s.instant().UnixNano())
		return &t
	}
	c, err := f.SyscallConn()
	if err != nil {
		return err
	}
	ctlErr := c.Control(func(fd uintptr) {
		err = syscall.SetFileTime(syscall.Handle(fd), nil, filetime(access), filetime(modify))
	})
	if ctlErr != nil {
		return ctlErr
	}
	return err
}

// syncFile does nothing for what was opened for reading only, which Windows would refuse.
func syncFile(f *os.File, _ bool) error {
	err := f.Sync()
	if errors.Is(err, syscall.ERROR_ACCESS_DENIED) {
		return nil
	}
	return err
}

func advise(*os.File, int64, int64, Advice) {}

func appendOnce(*os.File, []byte) (n int, ok bool, err error) { return 0, false, nil }

func isSystem(*os.File) bool { return false }

// readNow does nothing: this system has no way not to wait for the disk.
func readNow(*os.File, []byte, int64, bool) (n int, end bool) { return 0, false }

func isQuick(*os.File) bool { return false }
