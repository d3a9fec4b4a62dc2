package files

import (
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// canStep reports whether the system lets this process resolve paths in one step.
func canStep(t *testing.T) bool {
	t.Helper()
	fd, err := unix.Openat2(unix.AT_FDCWD, ".", &unix.OpenHow{
		Flags: unix.O_PATH, Resolve: atOnce,
	})
	if err != nil {
		t.Logf("no paths in one step here: %v", err)
		return false
	}
	return unix.Close(fd) == nil
}

// TestWhatIsInMemoryIsFoundAtOnce looks at files right after they were made.
func TestWhatIsInMemoryIsFoundAtOnce(t *testing.T) {
	b := newBed(t, false)
	b.files.isQuick = func(*os.File) bool { return true }
	if err := os.Symlink("f", b.host("link")); err != nil {
		t.Fatal(err)
	}
	if _, ok := b.d.StatAtNow("f", true); ok {
		t.Error("at once, before the folder was looked at")
	}
	if _, err := b.d.StatAt("f", true); err != nil {
		t.Fatal(err)
	}
	if !canStep(t) {
		if _, ok := b.d.StatAtNow("f", true); ok {
			t.Error("at once, though the system cannot")
		}
		return
	}
	for path, want := range map[string]Type{
		"f": RegularFile, "d/g": RegularFile, "d": Directory, ".": Directory, "d/..": Directory,
		"d/../d/./g": RegularFile, "d/": Directory,
	} {
		st, ok := b.d.StatAtNow(path, true)
		if long, err := b.d.StatAt(path, true); !ok || err != nil || st != long || st.Type != want {
			t.Errorf("%s: %+v, %v; the long way %+v, %v", path, st, ok, long, err)
		}
	}
	if st, ok := b.d.StatAtNow("link", false); !ok || st.Type != SymbolicLink {
		t.Errorf("link: %+v, %v", st, ok)
	}
	for _, path := range []string{
		"link", "none", "f/", "", "..", "../out/secret", "/f", "d/../../in/f", "f\x00",
	} {
		if st, ok := b.d.StatAtNow(path, true); ok {
			t.Errorf("%q: %+v", path, st)
		}
	}
	if _, ok := b.d.StatAtNow("f", true); !ok {
		t.Error("a path that leads nowhere has ended that")
	}

	for _, flags := range []Flags{0, Read, Write, Read | Write} {
		f, ok := b.d.OpenAtNow("d/g", 0, flags)
		if !ok {
			t.Fatalf("flags %d: not at once", flags)
		}
		long := b.open("d/g", 0, flags)
		if f.Flags() != long.Flags() || !f.Same(long) || !f.Quick() {
			t.Errorf("flags %d: %d, want %d", flags, f.Flags(), long.Flags())
		}
		f.Close()
	}
	for path, open := range map[string]OpenFlags{
		"f": Truncate, "new": Create, "d": 0, "d/": OnlyDirectory, "link": 0, "none": 0,
		"../out/secret": 0,
	} {
		if f, ok := b.d.OpenAtNow(path, open, Read); ok {
			f.Close()
			t.Errorf("%s, flags %d: at once", path, open)
		}
	}
	if text := b.contents("f"); text != "hello" {
		t.Errorf("contents %q", text)
	}
}

// TestReadOnlyMeansItAtOnce tries to open for writing what must not be.
func TestReadOnlyMeansItAtOnce(t *testing.T) {
	b := newBed(t, true)
	b.files.isQuick = func(*os.File) bool { return true }
	if _, err := b.d.StatAt("f", true); err != nil {
		t.Fatal(err)
	}
	if f, ok := b.d.OpenAtNow("f", 0, Write); ok {
		f.Close()
		t.Error("open for writing")
	}
}

// TestEachWayHasTheSameCodes resolves good and bad paths in one step and the long way.
func TestEachWayHasTheSameCodes(t *testing.T) {
	b, c := newBed(t, false), newBed(t, false)
	c.files.long.Store(true)
	for _, bed := range []*bed{b, c} {
		if err := os.Symlink("d", bed.host("to-d")); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink("../../out", bed.host("d/up")); err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(bed.host("x/y/z"), 0o777); err != nil {
			t.Fatal(err)
		}
	}
	paths := append(escapes("/nowhere"),
		"f", "d/g", "d/g/", "d/g/x", "to-d/g", "to-d/../f", "d/up/secret",
		"x/y/z", "x/y/z/.", "x/y/z/..", "x/y/z/../../y", "x/y/none", "x/none/y", "f/.", "f/..",
		strings.Repeat("x/../", 100)+"f")
	for _, path := range paths {
		for _, follow := range []bool{false, true} {
			one, err1 := b.d.StatAt(path, follow)
			two, err2 := c.d.StatAt(path, follow)
			if codeOf(t, err1) != codeOf(t, err2) || one.Type != two.Type {
				t.Errorf("stat %.40q: %v, %v; the long way %v, %v",
					path, one.Type, err1, two.Type, err2)
			}
			f, err1 := b.d.OpenAt(path, follow, 0, Read)
			g, err2 := c.d.OpenAt(path, follow, 0, Read)
			if codeOf(t, err1) != codeOf(t, err2) {
				t.Errorf("open %.40q: %v; the long way %v", path, err1, err2)
			}
			for _, d := range []*Descriptor{f, g} {
				if d != nil {
					d.Close()
				}
			}
		}
	}
}

// TestTimesOfAFolderByItsPath sets those of folders that a path without a name leads to.
func TestTimesOfAFolderByItsPath(t *testing.T) {
	b := newBed(t, false)
	if err := os.Mkdir(b.host("d/sub"), 0o777); err != nil {
		t.Fatal(err)
	}
	before, err := b.d.StatAt("d", false)
	if err != nil {
		t.Fatal(err)
	}
	at := Stamp{Kind: StampTime, Time: before.Modify.Add(-1e12)}
	if err := b.d.SetTimesAt("d/sub/..", true, at, at); err != nil {
		t.Fatal(err)
	}
	after, err := b.d.StatAt("d", false)
	if err != nil || !after.Modify.Equal(at.Time) {
		t.Errorf("%v, %v; want %v", after.Modify, err, at.Time)
	}
}
