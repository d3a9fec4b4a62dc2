//go:build unix

package files

import (
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// The functions of this file do without what Linux has alone. Other systems use them; their tests
// run on Linux, too.

// stamped returns the times of access and of modification that a file with st is to have.
func stamped(st Stat, access, modify Stamp, now time.Time) [2]time.Time {
	times := [2]time.Time{st.Access, st.Modify}
	for i, s := range []Stamp{access, modify} {
		switch s.Kind {
		case StampNow:
			times[i] = now
		case StampTime:
			times[i] = s.Time
		}
	}
	return times
}

// setMicroseconds sets the times of an open file, rounded down to microseconds.
func setMicroseconds(f *os.File, times [2]time.Time) error {
	tv := make([]unix.Timeval, len(times))
	for i, t := range times {
		tv[i] = unix.NsecToTimeval(t.Truncate(time.Microsecond).UnixNano()) // it rounds up
	}
	return withFd(f, func(fd int) error { return unix.Futimes(fd, tv) })
}

// entriesByName returns entries of an open folder, up to n. It asks for the kind of each: what a
// system's list says of kinds cannot be relied on.
func entriesByName(dir *os.File, n int) (list []Entry, err error) {
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
