package host

import (
	"errors"

	"github.com/wasihttp/wasihttp/internal/wasi"
	public "github.com/wasihttp/wasihttp/wasi"
)

// Dir is a folder that guests can use, with everything below it. No path, link or race leads out of
// it.
type Dir struct {
	// Host is the path of the folder on this machine.
	Host string
	// Guest is the name that the guest sees.
	Guest string
	// ReadOnly refuses everything that would change something in the folder.
	ReadOnly bool
}

// openDirs opens the folders that guests get. If one cannot be opened, none stays open.
func openDirs(dirs []Dir) ([]wasi.Dir, error) {
	var open []wasi.Dir
	for _, d := range dirs {
		dir, err := public.OpenDir(d.Host, d.Guest, d.ReadOnly)
		if err != nil {
			return nil, errors.Join(err, closeDirs(open))
		}
		open = append(open, dir)
	}
	return open, nil
}

// closeDirs closes what openDirs has opened.
func closeDirs(dirs []wasi.Dir) error {
	var errs []error
	for _, d := range dirs {
		errs = append(errs, d.Root.Close())
	}
	return errors.Join(errs...)
}
