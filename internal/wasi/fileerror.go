package wasi

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// FileCode is a case of wasi:filesystem's error-code, by its name in 0.2, as an error.
type FileCode string

// Error returns the name of the case.
func (c FileCode) Error() string { return string(c) }

// FileErrorCode returns the case of wasi:filesystem's error-code, by its name in 0.2, that says
// what an error of a file operation is about. It returns false for an error that does not come from
// a file, even if it has an errno inside: those of a connection are none.
func FileErrorCode(err error) (string, bool) {
	var known FileCode
	if errors.As(err, &known) {
		return string(known), true
	}
	var path *fs.PathError
	var link *os.LinkError
	if !errors.As(err, &path) && !errors.As(err, &link) {
		return "", false
	}
	var errno syscall.Errno
	if errors.As(err, &errno) {
		if code := cmp.Or(errnoCode(errno), systemCode(errno)); code != "" {
			return code, true
		}
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "no-entry", true
	case errors.Is(err, fs.ErrExist):
		return "exist", true
	case errors.Is(err, fs.ErrPermission):
		return "access", true
	case errors.Is(err, fs.ErrInvalid):
		return "invalid", true
	case errors.Is(err, fs.ErrClosed):
		return "bad-descriptor", true
	}
	return "io", true
}

// errnoCode returns the case for a POSIX error number, "" if there is none. The order is that of
// the cases in the WIT.
func errnoCode(e syscall.Errno) string {
	switch e {
	case syscall.EACCES:
		return "access"
	case syscall.EAGAIN:
		return "would-block"
	case syscall.EALREADY:
		return "already"
	case syscall.EBADF:
		return "bad-descriptor"
	case syscall.EBUSY:
		return "busy"
	case syscall.EDEADLK:
		return "deadlock"
	case syscall.EDQUOT:
		return "quota"
	case syscall.EEXIST:
		return "exist"
	case syscall.EFBIG:
		return "file-too-large"
	case syscall.EILSEQ:
		return "illegal-byte-sequence"
	case syscall.EINPROGRESS:
		return "in-progress"
	case syscall.EINTR:
		return "interrupted"
	case syscall.EINVAL:
		return "invalid"
	case syscall.EIO:
		return "io"
	case syscall.EISDIR:
		return "is-directory"
	case syscall.ELOOP:
		return "loop"
	case syscall.EMLINK:
		return "too-many-links"
	case syscall.EMSGSIZE:
		return "message-size"
	case syscall.ENAMETOOLONG:
		return "name-too-long"
	case syscall.ENODEV:
		return "no-device"
	case syscall.ENOENT:
		return "no-entry"
	case syscall.ENOLCK:
		return "no-lock"
	case syscall.ENOMEM, syscall.EMFILE, syscall.ENFILE:
		return "insufficient-memory" // there is no case for too many open files
	case syscall.ENOSPC:
		return "insufficient-space"
	case syscall.ENOTDIR:
		return "not-directory"
	case syscall.ENOTEMPTY:
		return "not-empty"
	case syscall.ENOTRECOVERABLE:
		return "not-recoverable"
	case syscall.ENOTSUP, syscall.ENOSYS:
		return "unsupported"
	case syscall.ENOTTY:
		return "no-tty"
	case syscall.ENXIO:
		return "no-such-device"
	case syscall.EOVERFLOW:
		return "overflow"
	case syscall.EPERM:
		return "not-permitted"
	case syscall.EPIPE:
		return "pipe"
	case syscall.EROFS:
		return "read-only"
	case syscall.ESPIPE:
		return "invalid-seek"
	case syscall.ETXTBSY:
		return "text-file-busy"
	case syscall.EXDEV:
		return "cross-device"
	}
	return ""
}
