package kvfile

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// holder returns the process that has locked a file, for people; "" if it cannot be found.
func holder(path string) string {
	info, err := os.Stat(path)
	if err != nil {
		return ""
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	locks, err := os.ReadFile("/proc/locks")
	if err != nil || !ok {
		return ""
	}
	inode := fmt.Sprintf(":%d", stat.Ino)
	for line := range strings.Lines(string(locks)) {
		// Such as "1: FLOCK  ADVISORY  WRITE 123 00:2f:456 0 EOF" (proc_locks(5)).
		fields := strings.Fields(line)
		if len(fields) < 6 || fields[1] != "FLOCK" || !strings.HasSuffix(fields[5], inode) {
			continue
		}
		// The device may be another one than that of the file, as with overlays, so the process
		// has to confirm that it is this file.
		if process := filepath.Join("/proc", fields[4]); hasOpen(process, info) {
			name, _ := os.ReadFile(filepath.Join(process, "comm"))
			return fmt.Sprintf("process %s (%s)", fields[4], strings.TrimSpace(string(name)))
		}
	}
	return ""
}

// hasOpen reports whether a process, a folder in /proc, has a file open.
func hasOpen(process string, file os.FileInfo) bool {
	files, err := filepath.Glob(filepath.Join(process, "fd", "*"))
	if err != nil {
		return false
	}
	for _, path := range files {
		if info, err := os.Stat(path); err == nil && os.SameFile(info, file) {
			return true
		}
	}
	return false
}
