package cmd

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/wasihttp/wasihttp/internal/term"
)

// searchedFolders are where the usual tools put what they build: cargo, and
// what npm and Python projects do.
func searchedFolders() []string {
	return []string{".", "target/wasm32-wasi*/release", "target/wasm32-wasi*/debug", "dist", "build"}
}

// discover returns the one component below the current folder that can be
// served.
func discover(servable func(path string) (bool, string)) (string, error) {
	return discoverTo("serve", programName+" serve", servable)
}

// discoverTo is discover for a purpose; how is what the user can write before
// the path of a component to name it.
func discoverTo(purpose, how string, servable func(path string) (bool, string)) (string, error) {
	paths, rejected, err := wasmFiles()
	if err != nil {
		return "", err
	}
	var found []string
	for _, path := range paths {
		if ok, reason := servable(path); ok {
			found = append(found, path)
		} else {
			rejected = append(rejected, path+": "+reason)
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		msg := "no component to " + purpose + " was found"
		for _, line := range rejected {
			msg += "\n  " + term.Clean(line)
		}
		hint := "looked for *.wasm in " + strings.Join(searchedFolders(), ", ") + "; build one or name it: " + how + " path/to/app.wasm"
		if len(paths) == 1 {
			hint += "; what to do about that one: " + programName + " inspect " + shellWord(paths[0])
		}
		return "", usagef(hint, "%s", msg)
	default:
		msg := fmt.Sprintf("there are %d components to %s:", len(found), purpose)
		for _, path := range found {
			msg += "\n  " + term.Clean(path)
		}
		return "", usagef("name the one to "+purpose+": "+how+" "+shellWord(found[0]), "%s", msg)
	}
}

// wasmFiles returns the files that may be components, each once, and what could
// not be looked into.
func wasmFiles() (paths, unreadable []string, err error) {
	var seen []fs.FileInfo
	for _, pattern := range searchedFolders() {
		folders, err := filepath.Glob(filepath.FromSlash(pattern))
		if err != nil {
			return nil, nil, fmt.Errorf("searching %s: %w", pattern, err)
		}
		for _, folder := range folders {
			if info, err := os.Stat(folder); err != nil || !info.IsDir() {
				continue // a script may be called build
			}
			entries, err := os.ReadDir(folder)
			if err != nil {
				unreadable = append(unreadable, fmt.Sprintf("%s: cannot be read: %v", folder, underlying(err)))
			}
			for _, entry := range entries {
				path := filepath.Join(folder, entry.Name())
				if filepath.Ext(path) != ".wasm" {
					continue
				}
				// Reading a pipe or a device could take forever. A link that
				// leads nowhere is no file either.
				info, err := os.Stat(path)
				if err != nil || !info.Mode().IsRegular() || isOneOf(info, seen) {
					continue
				}
				seen = append(seen, info)
				paths = append(paths, path)
			}
		}
	}
	return paths, unreadable, nil
}

// isOneOf reports whether a file is among those that are known by other names.
func isOneOf(file fs.FileInfo, known []fs.FileInfo) bool {
	for _, other := range known {
		if os.SameFile(file, other) {
			return true
		}
	}
	return false
}

// shellWord quotes a path in a command that the user may copy.
func shellWord(path string) string {
	if plain := filepath.ToSlash(path); term.ShellWord(plain) == plain {
		return path // backslashes of Windows are nothing special to its shells
	}
	return term.ShellWord(path)
}

// checkFile finds what can be wrong with a path before anybody reads the file.
func checkFile(path string) error {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		hint := "build it first, or check the path: " + shellWord(path)
		if _, err := os.Stat(path + ".wasm"); err == nil {
			hint = "did you mean " + shellWord(path+".wasm") + "?"
		}
		return loadError(err, hint, "%s: no such file", path)
	case err != nil:
		return loadError(err, readHint(path, err), "%s: cannot be read: %v", path, underlying(err))
	case info.IsDir():
		return loadError(nil, "name the .wasm file in it", "%s: is a folder, not a component", path)
	case info.Mode().IsRegular() && info.Size() == 0:
		return loadError(nil, "the build may have failed or may still be writing it", "%s: the file is empty", path)
	}
	return nil
}

// readHint says what to do about a file that cannot be read; "" if nobody knows.
func readHint(path string, err error) string {
	if errors.Is(err, fs.ErrPermission) {
		return "you may not read it: look at its owner and permissions with ls -l " + shellWord(path)
	}
	return ""
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
