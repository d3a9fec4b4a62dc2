package testrunner

import (
	"fmt"

	"github.com/wasihttp/wasihttp/internal/term"
)

// uses reports which exchanges of a file were used.
func (u *upstreams) uses(file *upstreamFile) []bool {
	used := make([]bool, len(file.file.Entries))
	for n := range used {
		used[n] = true
	}
	for _, i := range u.set.Unused() {
		if n := i - u.first[file.path]; n >= 0 && n < len(used) {
			used[n] = false
		}
	}
	return used
}

// unused returns a line about an exchange that was not used.
func (u *upstreamFile) unused(entry int) string {
	e := u.file.Entries[entry]
	return fmt.Sprintf("%s:%d: %s was not used", term.Clean(u.path), e.Request.Range.Start.Line,
		EntryName(e))
}

// sharedUses are the uses of the upstream fixtures that several fixtures share.
type sharedUses struct {
	files []*upstreamFile
	used  map[*upstreamFile][]bool
	// partial reports whether something did not run, so that unused exchanges mean nothing.
	partial bool
}

// count adds the uses of one run of a file.
func (r *runner) count(u *upstreams, path string, allRan bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := &r.shared
	s.partial = s.partial || !allRan
	if u.set == nil || u.mode == UpstreamAll {
		return
	}
	for _, file := range u.files {
		if file.isBeside(path) {
			continue
		}
		if s.used == nil {
			s.used = make(map[*upstreamFile][]bool)
		}
		if s.used[file] == nil {
			s.files = append(s.files, file)
			s.used[file] = make([]bool, len(file.file.Entries))
		}
		for n, used := range u.uses(file) {
			s.used[file][n] = s.used[file][n] || used
		}
	}
}

// unused returns a line for each exchange that no fixture of the run used.
func (s *sharedUses) unused() (lines []string) {
	for _, file := range s.files {
		for n, used := range s.used[file] {
			if !used {
				lines = append(lines, file.unused(n))
			}
		}
	}
	return lines
}
