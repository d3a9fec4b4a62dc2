package files

import (
	"os"

	"golang.org/x/sys/unix"
)

// Paths without links are resolved in one step where the system can. It cannot everywhere, and
// what it refuses is not always what os.Root does: whatever fails here is done the long way, which
// has the last word.
const (
	// beneath neither leaves the folder nor follows a link.
	beneath = unix.RESOLVE_BENEATH | unix.RESOLVE_NO_SYMLINKS | unix.RESOLVE_NO_MAGICLINKS
	// atOnce finds only what is in memory, in the folder's own file system.
	atOnce        = beneath | resolveCached | unix.RESOLVE_NO_XDEV
	resolveCached = 0x20 // RESOLVE_CACHED of Linux 5.12
)

// direct opens what a path below an open folder leads to, in one step. ok is false if it cannot.
func (d *Descriptor) direct(
	dir *os.File, path string, flags int, resolve uint64,
) (fd int, ok bool) {
	if d.files.long.Load() || checkPath(path) != nil {
		return 0, false
	}
	how := unix.OpenHow{Flags: uint64(flags | unix.O_CLOEXEC), Resolve: resolve}
	err := withFd(dir, func(dir int) (err error) {
		fd, err = unix.Openat2(dir, path, &how)
		return err
	})
	switch err {
	case unix.ENOSYS, unix.EPERM, unix.EINVAL: // an old system, or a container that forbids it
		d.files.long.Store(true)
	}
	return fd, err == nil
}

// directFolder is folder in one step.
func (d *Descriptor) directFolder(path string) (p place, ok bool) {
	dir, err := d.own()
	if err != nil {
		return p, false
	}
	p.fd, ok = d.direct(dir, path, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NONBLOCK, beneath)
	return p, ok
}

// StatAtNow is StatAt for what can be found out without waiting for a disk; otherwise ok is false.
func (d *Descriptor) StatAtNow(path string, follow bool) (st Stat, ok bool) {
	dir := d.ownNow()
	if dir == nil {
		return st, false
	}
	st, ok = d.glance(dir, path)
	if !ok || follow && st.Type == SymbolicLink {
		return st, false
	}
	d.uses(path, false, nil)
	return st, true
}

// glance returns the attributes of what is in memory. A link at the end is not followed.
func (d *Descriptor) glance(dir *os.File, path string) (st Stat, ok bool) {
	fd, ok := d.direct(dir, path, unix.O_PATH|unix.O_NOFOLLOW, atOnce)
	if !ok {
		return st, false
	}
	defer unix.Close(fd) // it cannot fail
	var s unix.Stat_t
	if unix.Fstat(fd, &s) != nil {
		return st, false
	}
	return statOf(&s), true
}

// OpenAtNow is OpenAt for a file that is there and can be opened without waiting for a disk;
// otherwise ok is false.
func (d *Descriptor) OpenAtNow(path string, open OpenFlags, flags Flags) (f *Descriptor, ok bool) {
	dir := d.ownNow()
	if dir == nil || open != 0 {
		return nil, false
	}
	_, flags, err := d.opening(open, flags)
	if err != nil {
		return nil, false
	}
	if st, ok := d.glance(dir, path); !ok || st.Type != RegularFile {
		return nil, false
	}
	fd, ok := d.direct(dir, path, howToOpen(open, flags), atOnce)
	if !ok {
		return nil, false
	}
	if f, err = d.opened(os.NewFile(uintptr(fd), path), flags); err != nil {
		return nil, false
	}
	d.uses(path, flags&Write != 0, nil)
	return f, true
}
