//go:build unix

package files

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// all returns what read returns of a folder, sorted by name, until the end.
func all(
	t *testing.T, dir string, n int, read func(*os.File, int) ([]Entry, error),
) (list []Entry) {
	t.Helper()
	f, err := os.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	for {
		some, err := read(f, n)
		list = append(list, some...)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	slices.SortFunc(list, func(a, b Entry) int { return strings.Compare(a.Name, b.Name) })
	return list
}

func TestEntriesFoundByNameAreThoseOfTheSystem(t *testing.T) {
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	if err := errors.Join(
		os.WriteFile(in("file"), nil, 0o666), os.Mkdir(in("folder"), 0o777),
		os.Symlink("nowhere", in("link")), unix.Mkfifo(in("pipe"), 0o666),
	); err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{1, 2, 100} {
		got, want := all(t, dir, n, entriesByName), all(t, dir, n, readEntries)
		if !slices.Equal(got, want) || len(got) != 4 {
			t.Errorf("%d at a time: got %v, want %v", n, got, want)
		}
		for _, e := range got {
			if e.Type == 0 {
				t.Errorf("%s has no kind", e.Name)
			}
		}
	}
}

func TestTimesAreSetToTheMicrosecond(t *testing.T) {
	at := func(s int64) time.Time { return time.Unix(s, 123_456_789) }
	st, now := Stat{Access: at(1), Modify: at(2)}, at(3)
	keep, set := Stamp{}, Stamp{Kind: StampTime, Time: at(4)}
	for _, tt := range []struct {
		access, modify Stamp
		want           [2]time.Time
	}{
		{keep, keep, [2]time.Time{at(1), at(2)}},
		{set, keep, [2]time.Time{at(4), at(2)}},
		{keep, Stamp{Kind: StampNow}, [2]time.Time{at(1), at(3)}},
		{Stamp{Kind: StampNow}, set, [2]time.Time{at(3), at(4)}},
	} {
		times := stamped(st, tt.access, tt.modify, now)
		if times != tt.want {
			t.Errorf("%v and %v: got %v, want %v", tt.access, tt.modify, times, tt.want)
		}
		f, err := os.Create(filepath.Join(t.TempDir(), "f"))
		if err != nil {
			t.Fatal(err)
		}
		if err := setMicroseconds(f, times); err != nil {
			t.Fatal(err)
		}
		got, err := statFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for i, g := range []time.Time{got.Access, got.Modify} {
			if want := times[i].Truncate(time.Microsecond); !g.Equal(want) {
				t.Errorf("the file has %v, want %v", g, want)
			}
		}
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	}
}
