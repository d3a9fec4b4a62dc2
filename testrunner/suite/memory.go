package suite

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/wasihttp/wasihttp/internal/fixture/hurl"
	"github.com/wasihttp/wasihttp/internal/regular"
	"github.com/wasihttp/wasihttp/testrunner"
)

// memory is what failed when it was last run, by the absolute path of its file.
type memory map[string][]failed

// failed names an entry: the Index alone does not find it after entries were added before it.
type failed struct {
	Index int    `json:"index"`
	Name  string `json:"name"`
}

// remembered reads the memory. One that cannot be read is empty: it is a cache.
func (s *Suite) remembered() memory {
	m := memory{}
	if data, err := regular.ReadFile(s.Memory, regular.MaxText); err == nil {
		_ = json.Unmarshal(data, &m)
	}
	return m
}

// only selects what failed among the sources, and reports whether anything did.
func (m memory) only(selection *testrunner.Selection, sources []*testrunner.Source) bool {
	known := slices.ContainsFunc(sources, func(source *testrunner.Source) bool {
		return len(m[absolute(source.Path)]) > 0
	})
	if !known {
		return false
	}
	selection.Only = func(path string, e *hurl.Entry) bool {
		list := m[absolute(path)]
		name := testrunner.EntryName(e)
		return slices.Contains(list, failed{e.Index, name}) ||
			slices.ContainsFunc(list, func(f failed) bool { return f.Name == name })
	}
	return true
}

// update adds what failed in a run, and drops what passed.
func (m memory) update(files []*testrunner.FileResult) {
	for _, f := range files {
		if f.Path == testrunner.Stdin {
			continue
		}
		path := absolute(f.Path)
		for i := range f.Results {
			r := &f.Results[i]
			entry := failed{r.Entry.Index, testrunner.EntryName(r.Entry)}
			if r.Outcome == testrunner.Skipped {
				continue
			}
			m[path] = slices.DeleteFunc(m[path], func(x failed) bool { return x == entry })
			if r.Outcome.Failed() {
				m[path] = append(m[path], entry)
			}
		}
		if len(m[path]) == 0 {
			delete(m, path)
		}
	}
}

// remember keeps what failed in a run, and forgets what passed and what is gone.
func (s *Suite) remember(files []*testrunner.FileResult) {
	if s.Memory == "" || len(files) == 0 {
		return
	}
	m := s.remembered()
	before, _ := json.Marshal(m)
	m.update(files)
	for path := range m {
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			delete(m, path)
		}
	}
	data, err := json.Marshal(m)
	if bytes.Equal(data, before) {
		return
	}
	if err == nil {
		err = os.MkdirAll(filepath.Dir(s.Memory), 0o755)
	}
	if err == nil {
		err = regular.WriteFile(s.Memory, data, 0o600)
	}
	if err != nil {
		s.note("what failed is not kept for --last-failed: %v", regular.Reason(err))
	}
}
