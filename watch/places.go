package watch

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// places is where a path leads: the folders whose entries decide which file it
// names, and the full names of those entries. Both are free of symbolic links.
type places struct {
	folders []string
	names   map[string]bool
}

// maxLinks is how many symbolic links are followed, as many as Linux does.
const maxLinks = 40

// trace follows path name by name. Every symbolic link on the way counts, for
// it can be replaced: a link to the file, a link to its folder, a link to that.
// When a name does not exist, the folder it should be in is the last.
func trace(path string) (places, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return places{}, err
	}
	p := places{names: map[string]bool{}}
	current, rest := split(abs)
	for links := 0; len(rest) > 0; {
		name := rest[0]
		rest = rest[1:]
		if name == ".." {
			// current has no links, so its parent is the one that the system finds.
			current = filepath.Dir(current)
			continue
		}
		next := filepath.Join(current, name)
		info, err := os.Lstat(next)
		isLink := err == nil && info.Mode()&os.ModeSymlink != 0
		if err != nil || isLink || len(rest) == 0 {
			p.add(current, next)
		}
		if err != nil || !isLink && len(rest) > 0 && !info.IsDir() {
			return p, nil
		}
		if !isLink {
			current = next
			continue
		}
		target, err := os.Readlink(next)
		if links++; err != nil || links > maxLinks {
			return p, nil
		}
		var names []string
		if filepath.IsAbs(target) {
			current, names = split(target)
		} else {
			names = strings.Split(filepath.ToSlash(filepath.Clean(target)), "/")
		}
		rest = append(names, rest...)
	}
	return p, nil
}

// split takes an absolute path apart: the root and the names below.
func split(abs string) (root string, names []string) {
	abs = filepath.Clean(abs)
	root = filepath.VolumeName(abs) + string(filepath.Separator)
	below := strings.TrimPrefix(abs, root)
	if below == "" {
		return root, nil
	}
	return root, strings.Split(below, string(filepath.Separator))
}

func (p *places) add(folder, name string) {
	if !slices.Contains(p.folders, folder) {
		p.folders = append(p.folders, folder)
	}
	p.names[name] = true
	// The folder itself may be removed or renamed.
	p.names[folder] = true
}

func (p places) equal(q places) bool {
	if len(p.names) != len(q.names) || !slices.Equal(p.folders, q.folders) {
		return false
	}
	for name := range p.names {
		if !q.names[name] {
			return false
		}
	}
	return true
}
