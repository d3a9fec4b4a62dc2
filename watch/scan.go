package watch

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/wasihttp/wasihttp/internal/regular"
)

// scanAll finds the files below all roots and watches the folders. It scans a
// folder again that was not watched before, because a change before the watch
// caused no event.
func (t *Tree) scanAll() error {
	before := t.files
	began := time.Now()
	for {
		t.skipping = map[string]bool{}
		t.files = make(map[string]state, len(before))
		watched := len(t.folders)
		for _, root := range t.roots {
			info, err := os.Stat(root)
			if errors.Is(err, fs.ErrNotExist) {
				err = t.watchFolder(filepath.Dir(root))
			} else if err == nil && info.IsDir() {
				t.scan(root, outerIgnore(root), before)
			} else if err == nil {
				if info.Mode().IsRegular() {
					t.note(root, info, before)
				}
				err = t.watchFolder(filepath.Dir(root))
			}
			if errors.Is(err, fs.ErrPermission) {
				t.skip(filepath.Dir(root), err, before)
			} else if err != nil {
				return err
			}
		}
		if len(t.folders) == watched {
			t.skipped, t.scanned = t.skipping, time.Since(began)
			return nil
		}
		before = t.files
	}
}

// skip leaves out a folder that cannot be read. Its files keep their last known state.
func (t *Tree) skip(folder string, err error, before map[string]state) {
	if !t.skipped[folder] {
		t.options.Problem(unreadableProblem(folder, err))
	}
	t.skipped[folder], t.skipping[folder] = true, true
	below := folder + string(filepath.Separator)
	for path, was := range before {
		if _, has := t.files[path]; !has && strings.HasPrefix(path, below) {
			t.files[path] = was
		}
	}
}

func (t *Tree) watchFolder(folder string) error {
	if t.events == nil || t.folders[folder] {
		return nil
	}
	err := t.options.system.add(t.events, folder)
	switch {
	case isLimit(err):
		t.pollInstead(err)
		return nil
	case err != nil:
		return err
	}
	t.folders[folder] = true
	return nil
}

// scan notes the files in folder and below. Folders that vanish meanwhile have
// no files.
func (t *Tree) scan(folder string, rules []rule, before map[string]state) {
	err := t.watchFolder(folder)
	var entries []fs.DirEntry
	if err == nil {
		entries, err = t.options.system.readDir(folder)
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return
	case err != nil:
		t.skip(folder, err, before)
		return
	}
	rules = append(slices.Clip(rules), readIgnore(folder, filepath.Join(folder, ".gitignore"))...)
	for _, entry := range entries {
		path := filepath.Join(folder, entry.Name())
		if t.leavesOut(rules, path, entry.IsDir()) {
			continue
		}
		if entry.IsDir() {
			t.scan(path, rules, before)
			continue
		}
		info, err := os.Stat(path)
		switch {
		case err == nil && info.Mode().IsRegular():
			t.note(path, info, before)
		case errors.Is(err, fs.ErrPermission) && entry.Type().IsRegular():
			t.skip(folder, err, before)
		}
	}
}

// leavesOut reports whether a file or folder is ignored.
func (t *Tree) leavesOut(rules []rule, path string, isFolder bool) bool {
	name := filepath.Base(path)
	if t.exclude[path] || ignored(rules, path, isFolder) {
		return true
	}
	if !isFolder {
		return isLeftover(name) || t.isOpen(path)
	}
	switch name {
	case ".git", ".hg", ".jj", ".svn", ".idea", ".vscode", "node_modules", "__pycache__", ".venv":
		return true
	case "target":
		if _, err := os.Lstat(filepath.Join(filepath.Dir(path), "Cargo.toml")); err == nil {
			return true
		}
	}
	// https://bford.info/cachedir/: the folder can be made again.
	_, err := os.Lstat(filepath.Join(path, "CACHEDIR.TAG"))
	return err == nil
}

// isOpen reports whether the file is one of TreeOptions.Open.
func (t *Tree) isOpen(path string) bool {
	if len(t.options.Open) == 0 {
		return false
	}
	info, err := os.Stat(path)
	return err == nil && slices.ContainsFunc(t.options.Open, func(open fs.FileInfo) bool {
		return os.SameFile(open, info)
	})
}

// isLeftover reports whether editors and systems make files of that name beside
// those that people write.
func isLeftover(name string) bool {
	for _, end := range []string{"~", ".swp", ".swx", ".swo", "___jb_tmp___", "___jb_old___"} {
		if strings.HasSuffix(name, end) {
			return true
		}
	}
	return strings.HasPrefix(name, ".#") ||
		strings.HasPrefix(name, "#") && strings.HasSuffix(name, "#") ||
		name == "4913" || name == ".DS_Store"
}

// maxHashed is the largest size, in bytes, of source files that are compared by
// contents; larger ones are compared by size and time.
const maxHashed = 16 << 20

// note records the state of a file. It reads the file only if it seems to have
// changed, or if it was read so soon after a change that another one would not
// show.
func (t *Tree) note(path string, info fs.FileInfo, before map[string]state) {
	now := state{size: info.Size(), mod: info.ModTime(), seen: time.Now()}
	was, had := before[path]
	if had && was.size == now.size && was.mod.Equal(now.mod) && was.seen.Sub(was.mod) >= racy {
		now.digest = was.digest
		t.files[path] = now
		return
	}
	if now.size > maxHashed {
		text, _ := now.mod.MarshalBinary() // fails only for odd time zones, then the size decides
		now.digest = sha256.Sum256(binary.LittleEndian.AppendUint64(text, uint64(now.size)))
	} else if data, err := regular.ReadFile(path, maxHashed); err == nil {
		now.digest = sha256.Sum256(data)
	} else if had {
		now.digest = was.digest
	}
	t.files[path] = now
}
