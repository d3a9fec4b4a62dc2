package files

import (
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	utimeNow  = unix.UTIME_NOW
	utimeOmit = unix.UTIME_OMIT
)

func setFileTimes(f *os.File, access, modify Stamp) error {
	ts, err := timespecs(access, modify)
	if err != nil {
		return err
	}
	return withFd(f, func(fd int) error {
		// Without a path it is about the open file itself: utimensat(2).
		_, _, errno := unix.Syscall6(unix.SYS_UTIMENSAT, uintptr(fd), 0,
			uintptr(unsafe.Pointer(&ts[0])), 0, 0, 0)
		if errno != 0 {
			return errno
		}
		return nil
	})
}

func syncFile(f *os.File, dataOnly bool) error {
	if !dataOnly {
		return f.Sync()
	}
	return withFd(f, unix.Fdatasync)
}

// advise passes advice on. The order of Advice differs from that of the system.
func advise(f *os.File, off, length int64, a Advice) {
	kinds := [...]int{unix.FADV_NORMAL, unix.FADV_SEQUENTIAL, unix.FADV_RANDOM, unix.FADV_WILLNEED,
		unix.FADV_DONTNEED, unix.FADV_NOREUSE}
	if int(a) >= len(kinds) {
		return
	}
	// An error does not matter: it is advice only.
	_ = withFd(f, func(fd int) error { return unix.Fadvise(fd, off, length, kinds[a]) })
}

// appendOnce writes to the end of a file in one step, without a race with other writers. ok is
// false if this system or file system cannot.
func appendOnce(f *os.File, p []byte) (n int, ok bool, err error) {
	err = withFd(f, func(fd int) (err error) {
		n, err = unix.Pwritev2(fd, [][]byte{p}, 0, unix.RWF_APPEND)
		return err
	})
	if err == unix.ENOSYS || err == unix.EOPNOTSUPP || err == unix.EPERM {
		return 0, false, nil
	}
	return max(n, 0), true, err
}

// readNow reads what is in memory, n == 0 if nothing is, and reports whether the file ends there:
// it does not wait for the disk. Where a file system cannot tell, as one that is all in memory,
// quick says whether it may be asked.
func readNow(f *os.File, p []byte, off int64, quick bool) (n int, end bool) {
	err := withFd(f, func(fd int) (err error) {
		n, err = unix.Preadv2(fd, [][]byte{p}, off, unix.RWF_NOWAIT)
		if quick && err == unix.EOPNOTSUPP {
			n, err = unix.Pread(fd, p, off)
		}
		return err // the next read returns it
	})
	return max(n, 0), n == 0 && err == nil
}

// isQuick reports whether a write to an open file only goes to memory, and lasts no longer than
// that of any program: its file system is known to be of this machine.
func isQuick(f *os.File) bool {
	var s unix.Statfs_t
	if withFd(f, func(fd int) error { return unix.Fstatfs(fd, &s) }) != nil {
		return false
	}
	switch s.Type {
	case unix.EXT4_SUPER_MAGIC, unix.XFS_SUPER_MAGIC, unix.BTRFS_SUPER_MAGIC, unix.TMPFS_MAGIC,
		unix.F2FS_SUPER_MAGIC, unix.OVERLAYFS_SUPER_MAGIC:
		return true
	}
	return false
}

// isSystem reports whether an open file is one of /proc.
func isSystem(f *os.File) bool {
	var s unix.Statfs_t
	err := withFd(f, func(fd int) error { return unix.Fstatfs(fd, &s) })
	return err != nil || s.Type == unix.PROC_SUPER_MAGIC
}
