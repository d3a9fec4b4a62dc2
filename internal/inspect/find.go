package inspect

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/wasihttp/wasihttp/internal/regular"
	"github.com/wasihttp/wasihttp/internal/term"
)

// searchedFolders are where the usual tools put what they build: cargo, and
// what npm and Python projects do.
func searchedFolders() []string {
	return []string{".", "target/wasm32-wasi*/release", "target/wasm32-wasi*/debug", "dist",
		"build"}
}

// Find returns the one component below the current folder that fits a purpose, such as "serve". how
// is what the user can write before the path of a component to name it, and fits reports whether
// the file at path will do, or else why not.
func Find(purpose, how string, fits func(path string) (ok bool, reason string)) (string, *Problem) {
	paths, rejected := wasmFiles()
	var found []string
	for _, path := range paths {
		if ok, reason := fits(path); ok {
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
		hint := "looked for *.wasm in " + strings.Join(searchedFolders(), ", ") +
			"; build one or name it: " + how + " path/to/app.wasm"
		if len(paths) == 1 {
			hint += "; to see what is wrong with that one: " + programName + " inspect " +
				term.ShellPath(paths[0])
		}
		return "", &Problem{Code: CodeMissing, Message: msg, Hint: hint}
	}
	msg := fmt.Sprintf("there are %d components to %s:", len(found), purpose)
	for _, path := range found {
		msg += "\n  " + term.Clean(path)
	}
	hint := "name the one to " + purpose + ": " + how + " " + term.ShellPath(found[0])
	return "", &Problem{Code: CodeAmbiguous, Message: msg, Hint: hint}
}

// wasmFiles returns the files that may be components, each once, and what could
// not be looked into.
func wasmFiles() (paths, unreadable []string) {
	var seen []fs.FileInfo
	for _, pattern := range searchedFolders() {
		folders, err := filepath.Glob(filepath.FromSlash(pattern))
		if err != nil {
			panic(err) // a pattern of this file is malformed
		}
		for _, folder := range folders {
			if info, err := os.Stat(folder); err != nil || !info.IsDir() {
				continue // a script may be called build
			}
			entries, err := os.ReadDir(folder)
			if err != nil {
				unreadable = append(unreadable,
					fmt.Sprintf("%s: cannot be read: %v", folder, regular.Reason(err)))
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
	return paths, unreadable
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
