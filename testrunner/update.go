package testrunner

import (
	"bytes"
	"cmp"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/wasihttp/wasihttp/internal/fixture/hurl"
	"github.com/wasihttp/wasihttp/internal/regular"
	"github.com/wasihttp/wasihttp/internal/stable"
	"github.com/wasihttp/wasihttp/internal/term"
)

// Update is a change to a fixture that makes it expect the response.
type Update struct {
	Path    string
	Result  *Result
	Problem *Problem
}

// Updates returns the changes that a file's differences allow. Of entries that
// are run several times the last failure counts. Only mismatches allow changes:
// a trap must not become an expectation unnoticed.
func Updates(f *FileResult) []Update {
	last := make(map[*hurl.Entry]int)
	for i := range f.Results {
		last[f.Results[i].Entry] = i
	}
	var list []Update
	for i := range f.Results {
		r := &f.Results[i]
		if r.Missing != nil && last[r.Entry] == i && !r.Outcome.Failed() {
			list = append(list, Update{f.Path, r, r.Missing})
		}
		if r.Outcome != Mismatch || last[r.Entry] != i {
			continue
		}
		for j := range r.Problems {
			if len(r.Problems[j].Edits) > 0 {
				list = append(list, Update{f.Path, r, &r.Problems[j]})
			}
		}
	}
	return list
}

// Unacceptable returns how many differences of a file allow no change. Those of an
// entry that is run several times count if the last run passed.
func Unacceptable(f *FileResult) (n int) {
	last := make(map[*hurl.Entry]*Result)
	for i := range f.Results {
		last[f.Results[i].Entry] = &f.Results[i]
	}
	for i := range f.Results {
		r := &f.Results[i]
		switch {
		case r.Outcome != Mismatch:
		case last[r.Entry].Outcome != Mismatch:
			n++
		case last[r.Entry] == r:
			for _, p := range r.Problems {
				if len(p.Edits) == 0 {
					n++
				}
			}
		}
	}
	return n
}

// Apply writes the changes to the file at path and returns its new content. The
// rest of the file stays as it is. It is an error if the file has changed since
// it was run.
func Apply(path string, source []byte, updates []Update) ([]byte, error) {
	var edits []hurl.Edit
	// A budget of a file has to be enough for each of its entries.
	updates = slices.Clone(updates)
	stable.Sort(updates, func(a, b Update) int {
		return cmp.Compare(b.Problem.measured, a.Problem.measured)
	})
	for _, u := range updates {
		edits = append(edits, u.Problem.Edits...)
	}
	edits = dropRepeated(edits)
	current, err := regular.ReadFile(path, regular.MaxFile)
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(current, source) {
		return nil, fmt.Errorf("%s: has changed since it was run", term.Clean(path))
	}
	out, err := hurl.Apply(source, edits)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", term.Clean(path), err)
	}
	if _, errs := hurl.Parse(path, out); len(errs) > 0 {
		return nil, fmt.Errorf("%s: the change would make a file that cannot be read: %w",
			term.Clean(path), errs[0])
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	return out, regular.Replace(path, out, info.Mode().Perm())
}

// dropRepeated drops edits of a place that another edit already changes.
func dropRepeated(edits []hurl.Edit) []hurl.Edit {
	var out []hurl.Edit
	for _, e := range edits {
		if !slices.ContainsFunc(out, func(o hurl.Edit) bool {
			return e.Range.Start.Offset < o.Range.End.Offset &&
				o.Range.Start.Offset < e.Range.End.Offset
		}) {
			out = append(out, e)
		}
	}
	return out
}

// Writable reports whether the fixture can be changed in place.
func (f *FileResult) Writable() bool {
	return f.File != nil && strings.HasSuffix(strings.ToLower(f.Path), ".hurl")
}
