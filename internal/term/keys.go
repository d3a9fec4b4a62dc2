package term

import (
	"io"
	"os"
	"sync"

	xterm "golang.org/x/term"
)

// Keys reads single keys from a terminal, without waiting for the end of a
// line and without showing them. Interrupt and suspend keys still work, and so
// does all output.
type Keys struct {
	fd      int
	restore func()
	presses chan byte
	stop    chan struct{}
	done    chan struct{}
	once    sync.Once
}

// OpenKeys begins to read keys from in. It returns nil if in is not a terminal,
// if the process is not in the terminal's foreground, and on Windows. The
// caller must call Close, which puts the terminal back as it was, on every way
// out.
func OpenKeys(in io.Reader) *Keys {
	f, ok := in.(*os.File)
	if !ok || !xterm.IsTerminal(int(f.Fd())) {
		return nil
	}
	fd := int(f.Fd())
	restore, ok := singleKeys(fd)
	if !ok {
		return nil
	}
	k := &Keys{fd: fd, restore: restore, presses: make(chan byte), stop: make(chan struct{}),
		done: make(chan struct{})}
	go k.run()
	return k
}

// Presses returns the keys. The channel is closed when the terminal has gone. A
// nil Keys has none.
func (k *Keys) Presses() <-chan byte {
	if k == nil {
		return nil
	}
	return k.presses
}

// Close restores the terminal and waits until reading has ended. It may be
// called more than once and from any goroutine; a nil Keys is fine.
func (k *Keys) Close() {
	if k == nil {
		return
	}
	k.once.Do(func() {
		close(k.stop)
		k.restore()
	})
	<-k.done
}

func (k *Keys) run() {
	defer close(k.done)
	for {
		select {
		case <-k.stop:
			return
		default:
		}
		key, pressed, err := readKey(k.fd)
		if err != nil {
			select {
			case <-k.stop:
			default:
				close(k.presses)
			}
			return
		}
		if !pressed {
			continue
		}
		select {
		case k.presses <- key:
		case <-k.stop:
			return
		}
	}
}
