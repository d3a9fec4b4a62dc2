package regular

import (
	"io/fs"
	"os"
	"syscall"
)

// nonblock is nothing: on Windows opening a named pipe does not wait.
const nonblock = 0

// openToRead opens a file so that others may rename, replace and remove it meanwhile, as they may
// on other systems. With os.OpenFile a compiler would fail to write what is being read.
func openToRead(path string) (*os.File, error) {
	failed := func(err error) (*os.File, error) {
		return nil, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	name, err := syscall.UTF16PtrFromString(path)
	if err != nil {
		return failed(err)
	}
	handle, err := syscall.CreateFile(name, syscall.GENERIC_READ,
		syscall.FILE_SHARE_READ|syscall.FILE_SHARE_WRITE|syscall.FILE_SHARE_DELETE, nil,
		syscall.OPEN_EXISTING, syscall.FILE_ATTRIBUTE_NORMAL, 0)
	if err != nil {
		return failed(err)
	}
	return os.NewFile(uintptr(handle), path), nil
}
