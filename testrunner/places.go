package testrunner

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/wasihttp/wasihttp/internal/fixture/hurl"
	"github.com/wasihttp/wasihttp/internal/term"
)

// Lines are lines of a fixture, from First to Last, or entries of a HAR archive by their numbers.
type Lines struct{ First, Last int }

// String returns the lines as CutLines reads them.
func (l Lines) String() string {
	if l.First == l.Last {
		return strconv.Itoa(l.First)
	}
	return fmt.Sprintf("%d-%d", l.First, l.Last)
}

// of reports for each entry whether a part of it, or of what stands before it and behind the entry
// before, is there.
func (l Lines) of(entries []*hurl.Entry) []bool {
	picked := make([]bool, len(entries))
	behind := 0
	for i, e := range entries {
		first, last := behind+1, e.Range.End.Line
		if e.Range.End.Col == 1 {
			last--
		}
		if n := e.Range.Start.Entry; n > 0 {
			first, last = n, n
		}
		picked[i] = l.First <= last && first <= l.Last
		behind = last
	}
	return picked
}

// CutLines splits PATH:LINE and PATH:FIRST-LAST. ok is false for a path that names a whole file, as
// one does that exists.
func CutLines(path string) (file string, l Lines, ok bool) {
	at := strings.LastIndexByte(path, ':')
	if at <= 0 {
		return path, Lines{}, false
	}
	first, last, several := strings.Cut(path[at+1:], "-")
	if !several {
		last = first
	}
	from, errFrom := strconv.Atoi(first)
	to, errTo := strconv.Atoi(last)
	if errFrom != nil || errTo != nil || from < 1 || to < from {
		return path, Lines{}, false
	}
	if _, err := os.Lstat(path); err == nil {
		return path, Lines{}, false
	}
	return path[:at], Lines{from, to}, true
}

// Place returns the path that names the entry alone. If the entry needs variables or cookies of
// earlier entries that are not captures, it returns the path of all of them.
func (r *Result) Place(path string) string {
	at := r.Entry.Range.Start
	n := at.Line
	if at.Entry > 0 {
		n = at.Entry
	}
	if n == 0 || path == Stdin {
		return ""
	}
	if r.Request != nil && r.Request.Remembered {
		return fmt.Sprintf("%s:1-%d", path, n)
	}
	return fmt.Sprintf("%s:%d", path, n)
}

// Misplaced returns an error that says where the entries of a file are if there is none at one of
// the places that the selection names in it.
func (s *Selection) Misplaced(source *Source) error {
	if source.File == nil {
		return nil
	}
	for _, l := range s.Places[source.Path] {
		if slices.Contains(l.of(source.File.Entries), true) {
			continue
		}
		var starts []string
		for _, e := range source.File.Entries {
			at := e.Range.Start
			starts = append(starts, strconv.Itoa(max(at.Line, at.Entry)))
			if len(starts) == maxStarts {
				starts = append(starts, "…")
				break
			}
		}
		return fmt.Errorf("%s has no entry at %s; entries are at %s",
			term.Clean(source.Path), l, strings.Join(starts, ", "))
	}
	return nil
}

// maxStarts is how many places of entries an error names.
const maxStarts = 10
