package wasi

import (
	"errors"
	"io/fs"
	"os"
	"unicode/utf8"

	"github.com/wasihttp/wasihttp/internal/wasi"
)

// Dir is a folder of the machine that guests are given, with all that is below it, under the name
// Guest; ReadOnly refuses everything that would change something in it. Nothing that is outside of
// Root can be reached through it. OpenDir opens one.
type Dir = wasi.Dir

// OpenDir opens the folder at host, which the guest sees as guest. The caller closes its Root,
// after the States that have the folder. The error is a *fs.PathError that names host, or says that
// guest cannot be the name of a folder.
func OpenDir(host, guest string, readOnly bool) (Dir, error) {
	if guest == "" || !utf8.ValidString(guest) {
		return Dir{}, errors.New("the name of a folder in the guest is empty, or not UTF-8")
	}
	// To open something else could wait forever.
	info, err := os.Stat(host)
	if err != nil {
		return Dir{}, err
	}
	if !info.IsDir() {
		return Dir{}, &fs.PathError{Op: "open", Path: host, Err: errNoFolder}
	}
	root, err := os.OpenRoot(host)
	if err != nil {
		return Dir{}, err
	}
	return Dir{Guest: guest, Root: root, ReadOnly: readOnly}, nil
}

var errNoFolder = errors.New("not a folder")
