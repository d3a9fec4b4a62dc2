//go:build unix && !linux

package files

import (
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// From <sys/stat.h> of macOS.
const (
	utimeNow  = -1
	utimeOmit = -2
)

// setFileTimes sets the times of an open file, to the microsecond.
func setFileTimes(f *os.File, access, modify Stamp) error {
	st, err := statFile(f)
	if err != nil {
		return err
	}
	times := []time.Time{st.Access, st.Modify}
	for i, s := range []Stamp{access, modify} {
		switch s.Kind {
		case StampNow:
			times[i] = time.Now()
		case StampTime:
			times[i] = s.Time
		}
	}
	tv := make([]unix.Timeval, len(times))
	for i, t := range times {
		tv[i] = unix.NsecToTimeval(t.UnixNano())
	}
	return withFd(f, func(fd int) error { return unix.Futimes(fd, tv) })
}

func syncFile(f *os.File, _ bool) error { return f.Sync() }

func advise(*os.File, int64, int64, Advice) {}

func appendOnce(*os.File, []byte) (n int, ok bool, err error) { return 0, false, nil }

// isSystem reports whether the files of an open file's file system are the system itself.
func isSystem(*os.File) bool { return false }

// readNow does nothing: this system has no way not to wait for the disk.
func readNow(*os.File, []byte, int64, bool) (n int, end bool) { return 0, false }

func isQuick(*os.File) bool { return false }

// readEntries returns entries of an open folder, up to n. What a system's list says of their kinds
// cannot be relied on.
func readEntries(dir *os.File, n int) (list []Entry, err error) {
	names, err := dir.Readdirnames(n)
	for _, name := range names {
		p := place{dir: dir, name: name}
		st, err := p.stat()
		switch err {
		case nil:
			list = append(list, Entry{Name: name, Type: st.Type})
		case unix.ENOENT: // it has gone meanwhile
		default:
			list = append(list, Entry{Name: name})
		}
	}
	return list, err
}
