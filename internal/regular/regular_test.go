package regular

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestReadFileReturnsContents(t *testing.T) {
	for _, size := range []int{0, 1, 511, 512, 513, 100_000} {
		want := bytes.Repeat([]byte("x"), size)
		path := filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(path, want, 0o600); err != nil {
			t.Fatal(err)
		}
		for _, limit := range []int64{int64(size), int64(size) + 1, MaxFile} {
			got, err := ReadFile(path, limit)
			if err != nil || !bytes.Equal(got, want) {
				t.Errorf("%d bytes, limit %d: got %d bytes, %v", size, limit, len(got), err)
			}
		}
	}
}

func TestReadFileNamesSizeAndBound(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	// Sparse: reading it would take longer than refusing it.
	if err := errors.Join(f.Truncate(3<<30), f.Close()); err != nil {
		t.Fatal(err)
	}
	_, err = ReadFile(path, 1<<30)
	var size *SizeError
	if !errors.As(err, &size) || size.Size != 3<<30 || size.Max != 1<<30 {
		t.Fatalf("got %v", err)
	}
	for _, want := range []string{path, "3 GiB", "1 GiB"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q does not name %s", err, want)
		}
	}
	got := (&SizeError{Size: 1<<30 + 1, Max: 1 << 30}).Error()
	if !strings.Contains(got, "1073741825") {
		t.Errorf("%q does not tell the sizes apart", got)
	}
}

func TestReadStopsAtTheBoundOfAFileThatGrows(t *testing.T) {
	endless := readerFunc(func(p []byte) (int, error) { return len(p), nil })
	_, err := read(endless, 10, 1000)
	var size *SizeError
	if !errors.As(err, &size) || size.Size <= 1000 || size.Size > 4000 {
		t.Fatalf("got %v", err)
	}
}

func TestReadTakesAllOfAFileThatIsSaidToBeEmpty(t *testing.T) {
	want := strings.Repeat("y", 5000)
	got, err := read(strings.NewReader(want), 0, MaxText)
	if err != nil || string(got) != want {
		t.Fatalf("got %d bytes, %v", len(got), err)
	}
	failure := errors.New("broken")
	if _, err := read(io.MultiReader(strings.NewReader("z"), readerFunc(
		func([]byte) (int, error) { return 0, failure })), 2, MaxText); !errors.Is(err, failure) {
		t.Fatalf("got %v", err)
	}
}

type readerFunc func(p []byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func TestOpenRefusesFoldersAndMissingFiles(t *testing.T) {
	folder := t.TempDir()
	_, _, err := Open(folder)
	var kind *KindError
	if !errors.As(err, &kind) || !strings.Contains(err.Error(), folder+": is a folder") {
		t.Errorf("got %v", err)
	}
	if _, err := ReadFile(filepath.Join(folder, "none"), MaxText); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
	if _, _, err := Open(os.DevNull); !errors.As(err, &kind) || Kind(kind.Mode) != "a device" {
		t.Errorf("got %v", err)
	}
}

// TestReplaceLeavesTheOldContentsOrTheNew fails once because the path is a folder, which no file
// can replace.
func TestReplaceLeavesTheOldContentsOrTheNew(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "file")
	for _, want := range []string{"old", "the new contents"} {
		if err := Replace(path, []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != want {
			t.Errorf("contents %q, error %v; want %q", got, err, want)
		}
	}
	folder := filepath.Join(dir, "folder")
	if err := os.MkdirAll(filepath.Join(folder, "full"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := Replace(folder, []byte("new"), 0o600); err == nil {
		t.Error("a folder was replaced")
	}
	if names, err := filepath.Glob(filepath.Join(dir, ".*")); err != nil || len(names) > 0 {
		t.Errorf("left behind: %q, %v", names, err)
	}
}

// TestAFileCanBeMovedAwayWhileItIsRead does what compilers do to a component that is being loaded.
func TestAFileCanBeMovedAwayWhileItIsRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.bin")
	for name, replace := range map[string]func() error{
		"renamed": func() error { return os.Rename(path, path+".old") },
		"removed": func() error { return os.Remove(path) },
	} {
		if err := os.WriteFile(path, []byte("old"), 0o666); err != nil {
			t.Fatal(err)
		}
		f, _, err := Open(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := replace(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		text, err := io.ReadAll(f)
		if err := errors.Join(err, f.Close()); err != nil || string(text) != "old" {
			t.Errorf("%s: read %q, %v", name, text, err)
		}
	}
}
