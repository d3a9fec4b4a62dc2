package files

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wasihttp/wasihttp/internal/wasi"
)

func TestStreamsOfAFile(t *testing.T) {
	b := newBed(t, false)
	f := b.open("new", Create, Read|Write)
	w, err := f.Writer(2)
	if err != nil {
		t.Fatal(err)
	}
	a, err := f.Appender()
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		out  wasi.OutputStream
		text string
		want string
	}{
		{w, "ab", "\x00\x00ab"}, {a, "XY", "\x00\x00abXY"}, {w, "c", "\x00\x00abcY"},
		{a, "Z", "\x00\x00abcYZ"},
	} {
		if err := put(t, step.out, step.text); err != nil {
			t.Fatal(err)
		}
		if got := b.contents("new"); got != step.want {
			t.Fatalf("%q, want %q", got, step.want)
		}
	}
	in, err := f.Reader(2)
	if err != nil {
		t.Fatal(err)
	}
	f.Close() // the streams go on
	if text, err := drain(t, in); text != "abcYZ" || err != nil {
		t.Errorf("%q, %v", text, err)
	}
	if _, err := in.Read(1); err != io.EOF {
		t.Errorf("after the end: %v", err)
	}
	for _, c := range []io.Closer{in, w, a} {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := w.CheckWrite(); !errors.Is(err, wasi.ErrClosed) {
		t.Errorf("after close: %v", err)
	}
}

func TestStreamsOfTheWrongKindFailOnUse(t *testing.T) {
	b := newBed(t, false)
	in, err := b.open("f", 0, Write).Reader(0)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	if _, err := in.Read(1); codeOf(t, err) != "bad-descriptor" {
		t.Errorf("read: %v", err)
	}
	out, err := b.open("f", 0, Read).Writer(0)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	if err := put(t, out, "x"); codeOf(t, err) != "bad-descriptor" {
		t.Errorf("write: %v", err)
	}
	if _, err := out.CheckWrite(); !errors.Is(err, wasi.ErrClosed) {
		t.Errorf("then: %v", err)
	}
}

func TestReadsAndWritesAtAnOffset(t *testing.T) {
	b := newBed(t, false)
	f := b.open("big", Create, Read|Write)
	if n, err := f.WriteAt(make([]byte, 100_000), 5); n != 100_000 || err != nil {
		t.Fatal(n, err)
	}
	if n, err := f.WriteAt(nil, 1<<20); n != 0 || err != nil {
		t.Fatal(n, err)
	}
	for _, tt := range []struct {
		n, off uint64
		got    int
		end    bool
	}{
		{1 << 63, 0, chunk, false}, {10, 100_000, 5, false}, {10, 100_005, 0, true},
		{10, 1 << 40, 0, true},
	} {
		p, end, err := f.ReadAt(tt.n, tt.off)
		if len(p) != tt.got || end != tt.end || err != nil {
			t.Errorf("%d at %d: %d bytes, end %v, %v", tt.n, tt.off, len(p), end, err)
		}
	}
	if err := f.SetSize(200_000); err != nil {
		t.Fatal(err)
	}
	if st, err := f.Stat(); st.Size != 200_000 || st.Type != RegularFile || err != nil {
		t.Errorf("%+v, %v", st, err)
	}
}

func TestAFullFileSystemReturnsACode(t *testing.T) {
	for _, quick := range []bool{false, true} {
		testFullFileSystem(t, quick)
	}
}

func testFullFileSystem(t *testing.T, quick bool) {
	t.Helper()
	b := newBed(t, false)
	b.files.isQuick = func(*os.File) bool { return quick }
	f := b.open("f", 0, Read|Write)
	room := 3
	b.files.writeAt = func(f *os.File, p []byte, off int64) (int, error) {
		n := min(room, len(p))
		room -= n
		if n < len(p) {
			return n, &os.PathError{Op: "write", Path: "f", Err: syscall.ENOSPC}
		}
		return n, nil
	}
	if n, err := f.WriteAt([]byte("four"), 0); n != 3 || err != nil {
		t.Errorf("what there was room for: %d, %v", n, err)
	}
	if _, err := f.WriteAt([]byte("x"), 3); codeOf(t, err) != "insufficient-space" {
		t.Errorf("%v", err)
	}
	w, err := f.Writer(0)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if err := put(t, w, "x"); codeOf(t, err) != "insufficient-space" {
		t.Errorf("stream: %v", err)
	}
	if err := w.Write([]byte("x")); !errors.Is(err, wasi.ErrClosed) {
		t.Errorf("then: %v", err)
	}
}

func TestEntriesOfAFolder(t *testing.T) {
	b := newBed(t, false)
	want := []string{"d 3", "e 3", "f 6"}
	for i := range 1000 {
		name := fmt.Sprintf("n%03d", i)
		b.write(b.host(name), "")
		want = append(want, name+" 6")
	}
	for range 2 { // each from the beginning
		e, err := b.d.Entries()
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for {
			list, err := e.Next(7)
			for _, e := range list {
				got = append(got, fmt.Sprintf("%s %d", e.Name, e.Type))
			}
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		e.Close()
		slices.Sort(got)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatal(diff)
		}
	}
}

func TestTimesAreSetAndKept(t *testing.T) {
	b := newBed(t, false)
	at := time.Unix(1_234_567_890, 0)
	f := b.open("f", 0, Read)
	if err := f.SetTimes(Stamp{}, Stamp{StampTime, at}); err != nil {
		t.Fatal(err)
	}
	if err := b.d.SetTimesAt("d", false, Stamp{StampTime, at}, Stamp{Kind: StampNow}); err != nil {
		t.Fatal(err)
	}
	if st, err := f.Stat(); err != nil || !st.Modify.Equal(at) || st.Access.Equal(at) {
		t.Errorf("%+v, %v", st, err)
	}
	if st, err := b.d.StatAt("d", false); err != nil || !st.Access.Equal(at) || st.Modify.Equal(at) {
		t.Errorf("%+v, %v", st, err)
	}
	if err := b.d.SetTimes(Stamp{StampTime, at}, Stamp{StampTime, at}); err != nil {
		t.Fatal(err)
	}
	if st, err := b.d.Stat(); err != nil || !st.Modify.Equal(at) {
		t.Errorf("%+v, %v", st, err)
	}
}

func TestHashesAndSameObjects(t *testing.T) {
	b := newBed(t, false)
	if err := os.Link(b.host("f"), b.host("f2")); err != nil {
		t.Fatal(err)
	}
	f, f2, g := b.open("f", 0, Read), b.open("f2", 0, Read), b.open("d/g", 0, Read)
	if !f.Same(f2) || f.Same(g) || f.Same(b.d) || !b.d.Same(b.open(".", 0, Read)) {
		t.Error("same objects are not told from others")
	}
	type hash struct{ A, B uint64 }
	seen := map[hash]string{}
	for _, path := range []string{"f", "d", "e", "d/g", "."} {
		st, err := b.d.StatAt(path, false)
		if err != nil {
			t.Fatal(err)
		}
		var h hash
		h.A, h.B = st.Hash()
		if seen[h] != "" {
			t.Errorf("%s has the hash of %s", path, seen[h])
		}
		seen[h] = path
	}
}

func TestEndOfAStoreClosesAll(t *testing.T) {
	b := newBed(t, false)
	var open []io.Closer
	for range 10 {
		d, err := b.d.OpenAt("d", false, OnlyDirectory, Read)
		if err != nil {
			t.Fatal(err)
		}
		f, err := d.OpenAt("g", false, 0, Read|Write)
		if err != nil {
			t.Fatal(err)
		}
		in, err1 := f.Reader(0)
		_, err2 := f.Writer(0)
		_, err3 := d.Entries()
		if err := errors.Join(err1, err2, err3); err != nil {
			t.Fatal(err)
		}
		open = append(open, in, d.own2(t), f.file.File)
	}
	if n := b.files.Open(); n != 41 { // 10 of each: root, itself, file, entries; and the given folder
		t.Errorf("%d are open", n)
	}
	if err := b.files.Close(); err != nil {
		t.Fatal(err)
	}
	if n := b.files.Open(); n != 0 {
		t.Errorf("%d are left open", n)
	}
	for _, c := range open {
		if f, ok := c.(*os.File); ok && !errors.Is(f.Close(), os.ErrClosed) {
			t.Errorf("%s is open", f.Name())
		}
	}
	if _, err := b.d.OpenAt("f", false, 0, Read); codeOf(t, err) != "bad-descriptor" {
		t.Errorf("opened after the end: %v", err)
	}
}

// own2 returns the open folder itself.
func (d *Descriptor) own2(t *testing.T) *os.File {
	t.Helper()
	f, err := d.own()
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestTooManyDescriptorsReturnACode(t *testing.T) {
	b := newBed(t, false)
	var open []*Descriptor
	for {
		d, err := b.d.OpenAt("f", false, 0, Read)
		if err != nil {
			if codeOf(t, err) != "insufficient-memory" {
				t.Error(err)
			}
			break
		}
		if open = append(open, d); len(open) > maxOpen {
			t.Fatal("there is no limit")
		}
	}
	if _, err := b.d.Entries(); codeOf(t, err) != "insufficient-memory" {
		t.Errorf("entries: %v", err)
	}
	open[0].Close()
	open[0].Close() // once more does nothing
	if d, err := b.d.OpenAt("f", false, 0, Read); err != nil {
		t.Errorf("there is room again: %v", err)
	} else {
		d.Close()
	}
	for _, d := range open {
		d.Close()
	}
	if n := b.files.Open(); n != 1 {
		t.Errorf("%d are open", n)
	}
}

func TestAGuestThatStopsDoesNotWaitForTheDisk(t *testing.T) {
	b := newBed(t, false)
	ctx, cancel := context.WithCancelCause(t.Context())
	stopped := errors.New("stopped")
	release := make(chan struct{})
	err := b.files.Do(ctx, func() {
		cancel(stopped)
		<-release
	})
	close(release)
	if !errors.Is(err, stopped) {
		t.Errorf("%v", err)
	}
}

func TestAcceptedBytesAreWrittenWhenTheStoreEnds(t *testing.T) {
	b := newBed(t, false)
	b.files.isQuick = func(*os.File) bool { return false }
	var want strings.Builder
	for i := range 3 * maxWorkers {
		w, err := b.open("f", 0, Write).Writer(uint64(i))
		if err != nil {
			t.Fatal(err)
		}
		text := string(rune('a' + i))
		if err := w.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
		want.WriteString(text)
	}
	if err := b.files.Close(); err != nil {
		t.Fatal(err)
	}
	if got := b.contents("f"); got != want.String() {
		t.Errorf("%q, want %q", got, want.String())
	}
}

func TestFilesEndWithTheStateOfTheirStore(t *testing.T) {
	root, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	st := wasi.NewState(&wasi.Config{Dirs: []wasi.Dir{{Guest: "/", Root: root}}})
	f := Of(st)
	if Of(st) != f {
		t.Fatal("a store has files twice")
	}
	d, err := f.Preopens()[0].OpenAt("new", false, Create, Write)
	if err != nil || f.Open() == 0 {
		t.Fatalf("%d are open, %v", f.Open(), err)
	}
	st.Close()
	if n := f.Open(); n != 0 {
		t.Errorf("%d are left open", n)
	}
	if _, err := d.WriteAt([]byte("x"), 0); codeOf(t, err) != "bad-descriptor" {
		t.Errorf("after the end: %v", err)
	}
	if err := f.Do(t.Context(), func() {}); err == nil {
		t.Error("operations go on after the end")
	}
}

// TestTextsOfLinksThatAreAbsolute includes those that only Windows takes for absolute.
func TestTextsOfLinksThatAreAbsolute(t *testing.T) {
	onWindows := runtime.GOOS == "windows"
	for text, want := range map[string]bool{
		"": false, "a": false, "../a": false, "a/b": false, ".": false, "a:b": false,
		"/": true, "/a": true, "//host/share": true,
		`\a`: onWindows, `\\host\share`: onWindows, "C:": onWindows, "C:a": onWindows, "c:/a": onWindows,
		`\\?\C:\a`: onWindows,
	} {
		if got := isAbsolute(text); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}
