// Package regular opens, reads and writes files that users name, and nothing
// else: a named pipe, a device, a socket and a folder are refused by what they
// are, before a read or a write could wait for them forever or never end.
package regular

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/wasihttp/wasihttp/internal/units"
)

// Bounds for files that no flag sets one for, in bytes.
const (
	// MaxText bounds what a person writes: settings, variables, certificates.
	MaxText = 16 << 20
	// MaxFile bounds everything else: components, fixtures, archives.
	MaxFile = 512 << 20
)

// KindError reports that a path leads to something that is not a regular file. It is inside an
// *fs.PathError, which holds the path.
type KindError struct {
	// Mode is the type of what is there, as fs.FileMode.Type returns it.
	Mode fs.FileMode
}

// Error returns what is there, as the rest of a sentence that the path begins.
func (e *KindError) Error() string { return "is " + Kind(e.Mode) + ", not a regular file" }

// Kind names the type of a file, with its article.
func Kind(mode fs.FileMode) string {
	switch {
	case mode.IsRegular():
		return "a regular file"
	case mode.IsDir():
		return "a folder"
	case mode&fs.ModeNamedPipe != 0:
		return "a named pipe"
	case mode&fs.ModeSocket != 0:
		return "a socket"
	case mode&fs.ModeDevice != 0:
		return "a device"
	case mode&fs.ModeSymlink != 0:
		return "a symbolic link"
	}
	return "a special file"
}

// Reason returns what the system says about a file in err, without the path, which the surrounding
// message has already.
func Reason(err error) error {
	var pathError *fs.PathError
	if errors.As(err, &pathError) {
		return pathError.Err
	}
	return err
}

// SizeError reports that a file is larger than may be read. It is inside an *fs.PathError, which
// holds the path.
type SizeError struct {
	// Size is the file's size and Max the largest that may be read, in bytes.
	// Size is only a lower bound if the file grew while it was read.
	Size, Max int64
}

// Error returns both sizes, as the rest of a sentence that the path begins.
func (e *SizeError) Error() string {
	size, limit := units.BinarySize(e.Size), units.BinarySize(e.Max)
	if size == limit {
		size, limit = fmt.Sprintf("%d bytes", e.Size), fmt.Sprintf("%d bytes", e.Max)
	}
	return "is too large: " + size + ", and at most " + limit + " are read"
}

// Open opens the file at path for reading, following symbolic links, and
// returns what Stat says about it. It never waits. If the path does not lead to
// a regular file, the error wraps a *KindError. The caller must close the file.
func Open(path string) (*os.File, fs.FileInfo, error) {
	// Opening a device can have an effect of its own, so it is looked at first.
	info, err := os.Stat(path)
	if err != nil {
		return nil, nil, err
	}
	if err := check(path, info); err != nil {
		return nil, nil, err
	}
	// Meanwhile something else may have taken the path.
	f, err := openToRead(path)
	if err != nil {
		return nil, nil, err
	}
	info, err = f.Stat()
	if err == nil {
		err = check(path, info)
	}
	if err != nil {
		return nil, nil, errors.Join(err, f.Close())
	}
	return f, info, nil
}

// Create opens the file at path for writing, following symbolic links, and
// empties it; it makes one with the permissions of perm if there is none. It never
// waits. If the path leads to something that is not a regular file, the error
// wraps a *KindError. The caller must close the file.
func Create(path string, perm fs.FileMode) (*os.File, error) {
	f, err := openToWrite(path, perm)
	if err != nil {
		return nil, err
	}
	// Now it is known to be a file.
	if err := f.Truncate(0); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

func openToWrite(path string, perm fs.FileMode) (*os.File, error) {
	if info, err := os.Stat(path); err == nil {
		if err := check(path, info); err != nil {
			return nil, err
		}
	}
	// Meanwhile something else may have taken the path.
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|nonblock, perm)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil {
		err = check(path, info)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// Writable returns nil if Create can open the file at path, or why it cannot. It
// makes the file if there is none, and leaves it as it is otherwise.
func Writable(path string, perm fs.FileMode) error {
	f, err := openToWrite(path, perm)
	if err != nil {
		return err
	}
	return f.Close()
}

// WriteFile writes data to the file at path, opened as by Create.
func WriteFile(path string, data []byte, perm fs.FileMode) error {
	f, err := Create(path, perm)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Close())
}

// Replace replaces the file at path, or makes one, with the permissions of perm, in one step: other
// programs see the old contents or all of data. If it fails, the old contents stay.
func Replace(path string, data []byte, perm fs.FileMode) (err error) {
	next, err := os.CreateTemp(filepath.Dir(path), ".*.tmp")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(next.Name()) // the error that matters is err
		}
	}()
	_, err = next.Write(data)
	if err = errors.Join(err, next.Chmod(perm), next.Close()); err != nil {
		return err
	}
	return os.Rename(next.Name(), path)
}

func check(path string, info fs.FileInfo) error {
	if info.Mode().IsRegular() {
		return nil
	}
	return &fs.PathError{Op: "open", Path: path, Err: &KindError{Mode: info.Mode().Type()}}
}

// ReadFile returns the contents of the file at path, of limit bytes at most. If
// the file is larger the error wraps a *SizeError; it is found before anything
// is read, unless the file grows meanwhile. Other errors are those of Open.
func ReadFile(path string, limit int64) ([]byte, error) {
	f, info, err := Open(path)
	if err != nil {
		return nil, err
	}
	data, err := read(f, info.Size(), limit)
	if err != nil {
		var size *SizeError
		if errors.As(err, &size) {
			err = &fs.PathError{Op: "read", Path: path, Err: err}
		}
		return nil, errors.Join(err, f.Close())
	}
	return data, f.Close()
}

// ReadAll reads r to its end, limit bytes at most. If there are more, the error is
// a *SizeError.
func ReadAll(r io.Reader, limit int64) ([]byte, error) { return read(r, 0, limit) }

// read reads all of a file that is said to be of a size. Some files of the
// system, below /proc for instance, are said to be empty and are not.
func read(f io.Reader, size, limit int64) ([]byte, error) {
	if size > limit {
		return nil, &SizeError{Size: size, Max: limit}
	}
	// One more byte than there are lets the last Read see the end.
	data := make([]byte, 0, max(size+1, 512))
	for {
		n, err := f.Read(data[len(data):cap(data)])
		data = data[:len(data)+n]
		if int64(len(data)) > limit {
			return nil, &SizeError{Size: int64(len(data)), Max: limit}
		}
		if err == io.EOF {
			return data, nil
		}
		if err != nil {
			return nil, err
		}
		if len(data) == cap(data) {
			data = append(data, 0)[:len(data)]
		}
	}
}
