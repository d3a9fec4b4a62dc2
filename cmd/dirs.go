package cmd

import (
	"errors"
	"os"
	"strings"
	"unicode/utf8"

	"github.com/wasihttp/wasihttp/cmd/internal/exit"
	"github.com/wasihttp/wasihttp/host"
	"github.com/wasihttp/wasihttp/internal/regular"
	"github.com/wasihttp/wasihttp/wasi"
)

// dirHint shows how --dir is written.
const dirHint = "write --dir HOST, --dir HOST::GUEST, or --dir HOST::GUEST:ro"

// parseDir parses one value of --dir.
func parseDir(text string) (host.Dir, error) {
	rest, readOnly := strings.CutSuffix(text, ":ro")
	from, guest, found := strings.Cut(rest, "::")
	if !found {
		guest = from
	}
	d := host.Dir{Host: from, Guest: guest, ReadOnly: readOnly}
	if d.Host == "" || d.Guest == "" {
		return d, exit.Usagef(dirHint, "--dir %q has no folder", text)
	}
	if !utf8.ValidString(d.Guest) {
		return d, exit.Usagef("name it for the component: --dir HOST::GUEST",
			"--dir %q is not UTF-8", text)
	}
	return d, nil
}

// parseDirs parses the values of --dir. It is an error if one does not name a folder.
func parseDirs(texts []string) ([]host.Dir, error) {
	var dirs []host.Dir
	for _, text := range texts {
		d, err := parseDir(text)
		if err != nil {
			return nil, err
		}
		info, err := os.Stat(d.Host)
		switch {
		case errors.Is(err, os.ErrNotExist):
			return nil, exit.Usagef("make it, or name another", "--dir %s: there is no folder %s",
				text, d.Host)
		case err != nil:
			return nil, exit.Usagef("", "--dir %s: %v", text, regular.Reason(err))
		case !info.IsDir():
			return nil, exit.Usagef("name the folder that it is in", "--dir %s: %s is not a folder",
				text, d.Host)
		}
		for _, other := range dirs {
			if other.Guest == d.Guest {
				return nil, exit.Usagef("name them apart: --dir HOST::GUEST",
					"--dir %s: there are two folders %s", text, d.Guest)
			}
		}
		dirs = append(dirs, d)
	}
	return dirs, nil
}

// openDirs opens the folders for a program.
func openDirs(dirs []host.Dir) ([]wasi.Dir, error) {
	var open []wasi.Dir
	for _, d := range dirs {
		dir, err := wasi.OpenDir(d.Host, d.Guest, d.ReadOnly)
		if err != nil {
			return nil, err // the program ends
		}
		open = append(open, dir)
	}
	return open, nil
}
