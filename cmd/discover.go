package cmd

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// searchedFolders are where the usual tools put what they build: cargo, and
// what npm and Python projects do.
func searchedFolders() []string {
	return []string{".", "target/wasm32-wasi*/release", "target/wasm32-wasi*/debug", "dist", "build"}
}

// discover returns the one component below the current folder that can be
// served.
func discover(servable func(path string) (bool, string)) (string, error) {
	var found, rejected []string
	for _, folder := range searchedFolders() {
		paths, err := filepath.Glob(filepath.FromSlash(folder) + string(filepath.Separator) + "*.wasm")
		if err != nil {
			return "", fmt.Errorf("searching %s: %w", folder, err)
		}
		for _, path := range paths {
			path = filepath.Clean(path)
			if ok, reason := servable(path); ok {
				found = append(found, path)
			} else {
				rejected = append(rejected, path+": "+reason)
			}
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		msg := "no component to serve was found"
		for _, line := range rejected {
			msg += "\n  " + line
		}
		return "", usagef("looked for *.wasm in "+strings.Join(searchedFolders(), ", ")+"; build one or name it: "+programName+" serve path/to/app.wasm", "%s", msg)
	default:
		return "", usagef("name the one to serve: "+programName+" serve "+shellWord(found[0]),
			"there are %d components to serve:\n  %s", len(found), strings.Join(found, "\n  "))
	}
}

// shellWord quotes a path in a hint when it needs it.
func shellWord(path string) string {
	if strings.ContainsAny(path, " '\"$&()") {
		return "'" + path + "'"
	}
	return path
}

// checkFile finds what can be wrong with a path before anybody reads the file.
func checkFile(path string) error {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return loadError(err, "build it first, or check the path: "+shellWord(path), "%s: no such file", path)
	case err != nil:
		return loadError(err, "", "%s: cannot be read: %v", path, underlying(err))
	case info.IsDir():
		return loadError(nil, "name the .wasm file in it", "%s: is a folder, not a component", path)
	case info.Mode().IsRegular() && info.Size() == 0:
		return loadError(nil, "the build may have failed or may still be writing it", "%s: the file is empty", path)
	}
	return nil
}

// underlying returns the operating system's error without the path that the
// message has already.
func underlying(err error) error {
	var pathError *fs.PathError
	if errors.As(err, &pathError) {
		return pathError.Err
	}
	return err
}
