package listen

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
)

// socketPrefix is in front of the path of a socket in an address.
const socketPrefix = "unix:"

// SocketPath returns the path of the socket that an address of the form unix:PATH names, and
// whether it has that form. unix://PATH is the same.
func SocketPath(addr string) (path string, ok bool) {
	if path, ok = strings.CutPrefix(addr, socketPrefix); !ok {
		return "", false
	}
	path = strings.TrimPrefix(path, "//")
	if strings.HasPrefix(path, "@") {
		path = "./" + path // to package net, this would be no file
	}
	return path, true
}

// NotASocketError is the error of Listen if there is something else at the path of a socket.
type NotASocketError struct {
	Path string
	Mode fs.FileMode
}

// Error names the path.
func (e *NotASocketError) Error() string { return e.Path + " is there already, and is no socket" }

// listenUnix listens on a socket of the file system, which only the same user can connect to. A
// socket that a process has left behind is replaced. Closing the listener removes the socket.
func listenUnix(ctx context.Context, addr, path string) (net.Listener, error) {
	// A socket that has a name, and on which its process is about to listen, looks like one that
	// was left behind.
	defer lockFolder(filepath.Dir(path))()
	config := net.ListenConfig{Control: ownSocket}
	l, err := config.Listen(ctx, "unix", path)
	if isInUse(err) {
		if err = removeStale(ctx, path); err == nil {
			l, err = config.Listen(ctx, "unix", path)
		}
		if isInUse(err) {
			err = &AddressInUseError{Addr: addr, Err: err}
		}
	}
	if err != nil {
		return nil, err
	}
	if runtime.GOOS != "windows" {
		if err := os.Chmod(path, 0o600); err != nil {
			return nil, errors.Join(err, l.Close())
		}
	}
	return l, nil
}

// removeStale removes the socket at path if no process listens on it. Otherwise the error is one
// for which isInUse holds, or a *NotASocketError.
func removeStale(ctx context.Context, path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil // it was removed just now
	case err != nil:
		return err
	case info.Mode()&fs.ModeSocket == 0:
		return &NotASocketError{Path: path, Mode: info.Mode()}
	case !isStale(ctx, path):
		return syscall.EADDRINUSE
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("the socket that a process has left there cannot be removed: %w", err)
	}
	return nil
}

// wsaConnectionRefused is WSAECONNREFUSED of the Windows Sockets API.
const wsaConnectionRefused = syscall.Errno(10061)

// isStale reports whether certainly no process listens on the socket.
func isStale(ctx context.Context, path string) bool {
	c, err := new(net.Dialer).DialContext(ctx, "unix", path)
	if err == nil {
		_ = c.Close() // it was a question only
	}
	return errors.Is(err, syscall.ECONNREFUSED) ||
		runtime.GOOS == "windows" && errors.Is(err, wsaConnectionRefused)
}
