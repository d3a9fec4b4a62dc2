// Package settings finds and reads wasihttp.toml, the file in which a project keeps the flags of
// its commands. It knows the syntax and where each key stands, not what the keys mean.
package settings

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"

	"github.com/wasihttp/wasihttp/internal/regular"
)

// FileName is the name of the file that Find looks for.
const FileName = "wasihttp.toml"

// File is the contents of a settings file. It does not change.
type File struct {
	// Path leads to the file, as Read was given it.
	Path string
	// Values are the top-level keys and tables, as go-toml decodes them: string, bool, int64,
	// float64, []any, map[string]any, and the types of dates.
	Values map[string]any

	lines map[string]int // of each key, by its path
}

// Dir returns the folder that the paths in the file are relative to: the one that the file is in.
func (f *File) Dir() string { return filepath.Dir(f.Path) }

// Line returns the number of the line, from 1 on, on which a key stands for the first time. A key
// in tables has a path of several parts. Line returns 0 for a key that is not in the file.
func (f *File) Line(key ...string) int { return f.lines[joined(key)] }

// Place returns the file and the line of a key, as messages begin: wasihttp.toml:3.
func (f *File) Place(key ...string) string {
	line := f.Line(key...)
	if line == 0 {
		return f.Path
	}
	return f.Path + ":" + strconv.Itoa(line)
}

// Error says that a file is not TOML. Errors about files that cannot be read are of another type.
type Error struct {
	Path string
	// Line and Column, in bytes, count from 1 on; 0 if they are unknown.
	Line, Column int
	Problem      string
}

// Error returns the place and the problem.
func (e *Error) Error() string {
	if e.Line == 0 {
		return e.Path + ": " + e.Problem
	}
	return fmt.Sprintf("%s:%d:%d: %s", e.Path, e.Line, e.Column, e.Problem)
}

// Find returns the path of the settings file for a working folder, relative to that folder, or ""
// if there is none: the file in the folder itself, or else the nearest one above it within the same
// repository. Outside of a repository it does not look above, where files may be others'. What it
// returns is not opened and need not be a regular file.
func Find(dir string) (string, error) {
	root, err := repository(dir)
	if err != nil {
		return "", err
	}
	up := ""
	for {
		path := filepath.Join(dir, FileName)
		if _, err := os.Lstat(path); err == nil {
			return filepath.Join(up, FileName), nil
		} else if !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
		if dir == root {
			return "", nil
		}
		dir, up = filepath.Dir(dir), filepath.Join(up, "..")
	}
}

// repository returns the nearest folder from dir on upwards that holds .git, or dir if none does.
func repository(dir string) (string, error) {
	for at := dir; ; at = filepath.Dir(at) {
		// In a worktree and in a submodule it is a file.
		if _, err := os.Lstat(filepath.Join(at, ".git")); err == nil {
			return at, nil
		} else if !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrPermission) {
			return "", err
		}
		if at == filepath.Dir(at) {
			return dir, nil
		}
	}
}

// Read reads a regular file of regular.MaxText bytes at most. If it is not TOML the error is an
// *Error.
func Read(path string) (*File, error) {
	data, err := regular.ReadFile(path, regular.MaxText)
	if err != nil {
		return nil, err
	}
	// Editors on Windows write one.
	data = []byte(strings.TrimPrefix(string(data), "\ufeff"))
	f := &File{Path: path, lines: make(map[string]int)}
	if err := toml.Unmarshal(data, &f.Values); err != nil {
		out := &Error{Path: path, Problem: strings.TrimPrefix(err.Error(), "toml: ")}
		var at *toml.DecodeError
		if errors.As(err, &at) {
			out.Line, out.Column = at.Position()
		}
		return nil, out
	}
	f.locate(data)
	return f, nil
}

// locate finds the lines of all keys in a document that has been decoded without an error.
func (f *File) locate(data []byte) {
	var p unstable.Parser
	p.Reset(data)
	var table []string
	for p.NextExpression() {
		e := p.Expression()
		if e.Kind == unstable.KeyValue {
			f.keyValue(&p, table, e)
			continue
		}
		table = f.key(&p, nil, e)
	}
}

// keyValue enters a key, and those of its value if that is an inline table.
func (f *File) keyValue(p *unstable.Parser, table []string, e *unstable.Node) {
	key := f.key(p, table, e)
	value := e.Value()
	if value.Kind != unstable.InlineTable {
		return
	}
	for it := value.Children(); it.Next(); {
		f.keyValue(p, key, it.Node())
	}
}

// key enters the key of a node, within a table, and returns its path. Each part of a dotted key is
// one.
func (f *File) key(p *unstable.Parser, table []string, e *unstable.Node) []string {
	path := append([]string(nil), table...)
	for it := e.Key(); it.Next(); {
		part := it.Node()
		path = append(path, string(part.Data))
		if name := joined(path); f.lines[name] == 0 {
			f.lines[name] = p.Shape(part.Raw).Start.Line
		}
	}
	return path
}

// joined makes a path one string. No key of TOML has that character, unless it is escaped.
func joined(path []string) string { return strings.Join(path, "\x00") }
