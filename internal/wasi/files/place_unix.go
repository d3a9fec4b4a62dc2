//go:build unix

package files

import (
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// place is a name in an open folder, a single component and never "..", or the folder itself
// without a name. Links are not followed, so that no operation leaves the folder.
type place struct {
	dir  *os.File // nil if the folder was opened as fd
	fd   int
	name string
	own  bool // dir is to be closed
}

// folder returns the folder at path below the descriptor.
func (d *Descriptor) folder(path string) (place, error) {
	if path == "" || path == "." {
		f, err := d.own()
		return place{dir: f}, err
	}
	if p, ok := d.directFolder(path); ok {
		return p, nil
	}
	f, err := d.root.OpenFile(path, os.O_RDONLY|unix.O_DIRECTORY|unix.O_NONBLOCK, 0)
	return place{dir: f, own: true}, err
}

func (p *place) close() {
	switch { // nothing was written
	case p.dir == nil:
		_ = unix.Close(p.fd)
	case p.own:
		_ = p.dir.Close()
	}
}

// withFd calls op with the number of an open file, again if a signal interrupts it.
func withFd(f *os.File, op func(fd int) error) error {
	c, err := f.SyscallConn()
	if err != nil {
		return err
	}
	ctlErr := c.Control(func(fd uintptr) { err = uninterrupted(int(fd), op) })
	if ctlErr != nil {
		return os.ErrClosed
	}
	return err
}

func uninterrupted(fd int, op func(fd int) error) error {
	for {
		if err := op(fd); err != unix.EINTR {
			return err
		}
	}
}

func (p *place) at(op func(dir int) error) error {
	if p.dir == nil {
		return uninterrupted(p.fd, op)
	}
	return withFd(p.dir, op)
}

func (p *place) stat() (st Stat, err error) {
	var s unix.Stat_t
	err = p.at(func(dir int) error {
		if p.name == "" {
			return unix.Fstat(dir, &s)
		}
		return unix.Fstatat(dir, p.name, &s, unix.AT_SYMLINK_NOFOLLOW)
	})
	return statOf(&s), err
}

func statFile(f *os.File) (Stat, error) {
	var s unix.Stat_t
	err := withFd(f, func(fd int) error { return unix.Fstat(fd, &s) })
	return statOf(&s), err
}

// deviceOf returns the device on which a folder is.
func deviceOf(root *os.Root) uint64 {
	if info, err := root.Stat("."); err == nil {
		if st, ok := info.Sys().(*syscall.Stat_t); ok {
			return uint64(st.Dev)
		}
	}
	return 0
}

func statOf(s *unix.Stat_t) Stat {
	kind := Unknown
	switch s.Mode & unix.S_IFMT {
	case unix.S_IFBLK:
		kind = BlockDevice
	case unix.S_IFCHR:
		kind = CharacterDevice
	case unix.S_IFDIR:
		kind = Directory
	case unix.S_IFIFO:
		kind = FIFO
	case unix.S_IFLNK:
		kind = SymbolicLink
	case unix.S_IFREG:
		kind = RegularFile
	case unix.S_IFSOCK:
		kind = Socket
	}
	instant := func(t unix.Timespec) time.Time { return time.Unix(t.Unix()) }
	return Stat{
		Type: kind, Links: uint64(s.Nlink), Size: uint64(s.Size),
		Access: instant(s.Atim), Modify: instant(s.Mtim), Change: instant(s.Ctim),
		Dev: uint64(s.Dev), Ino: s.Ino,
	}
}

// howToOpen returns the system's flags to open a regular file. It neither waits for the other side
// of a FIFO nor follows a link.
func howToOpen(open OpenFlags, flags Flags) int {
	how := unix.O_NOFOLLOW | unix.O_CLOEXEC | unix.O_NONBLOCK | unix.O_NOCTTY
	switch {
	case flags&Write == 0:
		how |= unix.O_RDONLY
	case flags&Read == 0:
		how |= unix.O_WRONLY
	default:
		how |= unix.O_RDWR
	}
	if open&Create != 0 {
		how |= unix.O_CREAT
	}
	if open&Exclusive != 0 {
		how |= unix.O_EXCL
	}
	if open&Truncate != 0 {
		how |= unix.O_TRUNC
	}
	return how
}

// open opens a regular file.
func (p *place) open(open OpenFlags, flags Flags) (*os.File, error) {
	how := howToOpen(open, flags)
	var f *os.File
	err := p.at(func(dir int) error {
		fd, err := unix.Openat(dir, p.name, how, 0o666)
		if err == nil {
			f = os.NewFile(uintptr(fd), p.name)
		}
		return err
	})
	return f, err
}

func (p *place) mkdir() error {
	return p.at(func(dir int) error { return unix.Mkdirat(dir, p.name, 0o777) })
}

func (p *place) rmdir() error {
	return p.at(func(dir int) error { return unix.Unlinkat(dir, p.name, unix.AT_REMOVEDIR) })
}

func (p *place) unlink() error {
	return p.at(func(dir int) error { return unix.Unlinkat(dir, p.name, 0) })
}

func (p *place) symlink(text string) error {
	return p.at(func(dir int) error { return unix.Symlinkat(text, dir, p.name) })
}

func (p *place) readlink() (string, error) {
	buf := make([]byte, maxPath)
	n := 0
	err := p.at(func(dir int) (err error) {
		n, err = unix.Readlinkat(dir, p.name, buf)
		return err
	})
	return string(buf[:max(n, 0)]), err
}

func link(from, to *target) error {
	return from.at(func(a int) error {
		return to.at(func(b int) error { return unix.Linkat(a, from.name, b, to.name, 0) })
	})
}

func rename(from, to *target) error {
	return from.at(func(a int) error {
		return to.at(func(b int) error { return unix.Renameat(a, from.name, b, to.name) })
	})
}

// timespecs returns the two times as utimensat takes them.
func timespecs(access, modify Stamp) ([2]unix.Timespec, error) {
	var ts [2]unix.Timespec
	for i, s := range []Stamp{access, modify} {
		switch s.Kind {
		case StampKeep:
			ts[i] = unix.Timespec{Nsec: utimeOmit}
		case StampNow:
			ts[i] = unix.Timespec{Nsec: utimeNow}
		default:
			t, err := unix.TimeToTimespec(s.Time)
			if err != nil {
				return ts, unix.EOVERFLOW
			}
			ts[i] = t
		}
	}
	return ts, nil
}

func (p *place) setTimes(access, modify Stamp) error {
	name := p.name
	if name == "" {
		if p.dir != nil {
			return setFileTimes(p.dir, access, modify)
		}
		name = "."
	}
	ts, err := timespecs(access, modify)
	if err != nil {
		return err
	}
	return p.at(func(dir int) error {
		return unix.UtimesNanoAt(dir, name, ts[:], unix.AT_SYMLINK_NOFOLLOW)
	})
}
