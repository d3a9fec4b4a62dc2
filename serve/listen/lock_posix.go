//go:build linux || darwin

package listen

import (
	"os"
	"syscall"
	"time"
)

// lockPatience is how long a folder is waited for: whatever holds it for longer is not one of ours.
const lockPatience = time.Second

// lockFolder keeps others that call it from going on until unlock is called, if it can.
func lockFolder(path string) (unlock func()) {
	f, err := os.Open(path)
	if err != nil {
		return func() {}
	}
	pause := time.NewTicker(time.Millisecond)
	defer pause.Stop()
	for end := time.Now().Add(lockPatience); ; <-pause.C {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err != syscall.EWOULDBLOCK && err != syscall.EINTR || time.Now().After(end) {
			return func() { _ = f.Close() } // which unlocks it
		}
	}
}
