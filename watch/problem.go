package watch

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/fsnotify/fsnotify"

	"github.com/wasihttp/wasihttp/internal/regular"
)

// Problem is something that a watcher cannot do. The watcher continues without it.
type Problem struct {
	// Message says what happened, on one line without the program's name.
	Message string
	// Hint is the next step.
	Hint string
	// Err is the error of the system.
	Err error
}

// system is what the watchers take from the operating system, for tests to replace.
type system struct {
	watcher func() (*fsnotify.Watcher, error)
	add     func(w *fsnotify.Watcher, folder string) error
	readDir func(folder string) ([]fs.DirEntry, error)
	// pollFile and pollTree are the intervals at which a File and a Tree check files once the
	// system provides no more events.
	pollFile, pollTree time.Duration
}

func realSystem() *system {
	return &system{
		watcher: fsnotify.NewWatcher, add: (*fsnotify.Watcher).Add, readDir: os.ReadDir,
		pollFile: 500 * time.Millisecond, pollTree: time.Second,
	}
}

// isLimit reports whether a limit of the system is reached: of inotify's watches or instances, or
// of open files, which watched files are on other systems.
func isLimit(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EMFILE) ||
		errors.Is(err, syscall.ENFILE)
}

// limitProblem describes an error for which isLimit holds. Files are then checked by polling.
func limitProblem(err error, every time.Duration) Problem {
	p := Problem{Err: err, Hint: "raise the limit of open files: ulimit -n 10240"}
	what := "cannot watch more files"
	if runtime.GOOS == "linux" {
		name, least := "fs.inotify.max_user_instances", 1024
		if errors.Is(err, syscall.ENOSPC) {
			what = "cannot watch more folders"
			name, least = "fs.inotify.max_user_watches", 524288
		}
		what += ": the limit " + name + " is reached"
		p.Hint = fmt.Sprintf("raise it: sudo sysctl %s=%d", name, max(least, 2*sysctl(name)))
		if name == "fs.inotify.max_user_watches" {
			p.Hint += "; or exclude folders in .gitignore"
		}
	} else {
		what += ": " + regular.Reason(err).Error()
	}
	p.Message = fmt.Sprintf("%s; checking for changes every %s instead", what, every)
	return p
}

// sysctl returns the value of a setting of the kernel, 0 if it is unknown.
func sysctl(name string) int {
	text, err := regular.ReadFile("/proc/sys/"+strings.ReplaceAll(name, ".", "/"), regular.MaxText)
	if err != nil {
		return 0
	}
	n, _ := strconv.Atoi(strings.TrimSpace(string(text)))
	return n
}

// unreadableProblem describes a folder that cannot be read.
func unreadableProblem(folder string, err error) Problem {
	message := fmt.Sprintf("%s: cannot watch this folder: %v", folder, regular.Reason(err))
	p := Problem{Message: message, Err: err}
	if errors.Is(err, fs.ErrPermission) {
		p.Hint = "check its owner and permissions, or exclude it in .gitignore"
	}
	return p
}
