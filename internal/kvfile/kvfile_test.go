package kvfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/wasihttp/wasihttp/internal/wasi"
)

// open opens a file until the test ends.
func open(t *testing.T, path string) *Store {
	t.Helper()
	s, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestALockedFileIsNamedWithItsHolder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "data.db")
	held := open(t, path)
	if err := held.View("b", func(wasi.KeyValueTx) error { return nil }); err != nil {
		t.Fatal(err)
	}
	_, err := Open(path)
	var locked *LockedError
	if !errors.As(err, &locked) || locked.Path != path {
		t.Fatalf("got %v", err)
	}
	want := fmt.Sprintf("process %d (", os.Getpid())
	if runtime.GOOS == "linux" && !strings.HasPrefix(locked.Holder, want) {
		t.Errorf("held by %q, want %s…", locked.Holder, want)
	}
}

func TestAFileIsMadeWhenItIsFirstUsed(t *testing.T) {
	nothing := func(wasi.KeyValueTx) error { return nil }
	for name, use := range map[string]func(*Store) error{
		"read":  func(s *Store) error { return s.View("b", nothing) },
		"write": func(s *Store) error { return s.Update("b", nothing) },
	} {
		path := filepath.Join(t.TempDir(), "data.db")
		unused, err := Open(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := unused.Close(); err != nil {
			t.Error(err)
		}
		if err := use(unused); err == nil {
			t.Errorf("%s: a closed file can be used", name)
		}
		if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: the file is there before its use: %v", name, err)
		}
		if err := use(open(t, path)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := os.Stat(path); err != nil {
			t.Error(err)
		}
	}
}

func TestAFileWithoutItsFolderIsAnErrorAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "none", "data.db")
	if _, err := Open(path); err == nil || !strings.HasPrefix(err.Error(), path+": ") {
		t.Errorf("got %v", err)
	}
}

func TestAChangeIsWholeOrNotAtAll(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "data.db"))
	failed := errors.New("failed")
	err := s.Update("b", func(tx wasi.KeyValueTx) error {
		if err := tx.Set("x", []byte("1")); err != nil {
			t.Error(err)
		}
		if v, ok := tx.Get("x"); !ok || string(v) != "1" {
			t.Errorf("within the change: got %q, %v", v, ok)
		}
		return failed
	})
	if !errors.Is(err, failed) {
		t.Errorf("got %v", err)
	}
	if err := s.View("b", func(tx wasi.KeyValueTx) error {
		if v, ok := tx.Get("x"); ok {
			t.Errorf("afterwards: got %q", v)
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
}

func TestChangesOfManyAtOnceAreNotLost(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "data.db"))
	const writers, times = 8, 5
	var wg sync.WaitGroup
	for range writers {
		wg.Go(func() {
			for range times {
				if err := s.Update("b", func(tx wasi.KeyValueTx) error {
					v, _ := tx.Get("n")
					n, _ := strconv.Atoi(string(v))
					return tx.Set("n", []byte(strconv.Itoa(n+1)))
				}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if err := s.View("b", func(tx wasi.KeyValueTx) error {
		if v, _ := tx.Get("n"); string(v) != strconv.Itoa(writers*times) {
			t.Errorf("got %q", v)
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
}

func TestKeysThatAreTooLongAreErrors(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "data.db"))
	long := strings.Repeat("k", 1<<16)
	err := s.Update("b", func(tx wasi.KeyValueTx) error { return tx.Set(long, nil) })
	if err == nil || strings.Contains(err.Error(), "damaged") {
		t.Errorf("got %v", err)
	}
	for _, bucket := range []string{"b", long} {
		if err := s.View(bucket, func(tx wasi.KeyValueTx) error {
			if _, ok := tx.Get(long); ok {
				t.Error("it is there")
			}
			return nil
		}); err != nil {
			t.Error(err)
		}
	}
}

func TestAFileThatIsCutIsNamed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "data.db")
	s, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 100 {
		key := strconv.Itoa(i)
		if err := s.Update("b", func(tx wasi.KeyValueTx) error {
			return tx.Set(key, make([]byte, 1000))
		}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for size := 1; size < len(whole); size += len(whole)/40 + 1 {
		cut := filepath.Join(t.TempDir(), "cut.db")
		if err := os.WriteFile(cut, whole[:size], 0o600); err != nil {
			t.Fatal(err)
		}
		// What is damaged may be found only when it is needed, and then without a panic.
		s, err := Open(cut)
		if err != nil {
			if !strings.Contains(err.Error(), cut) {
				t.Errorf("%d bytes: %v", size, err)
			}
			continue
		}
		err = s.View("b", func(tx wasi.KeyValueTx) error {
			tx.Keys(0, 1000)
			return nil
		})
		// The end of a file is room that is not used yet.
		if err == nil && size < len(whole)/2 {
			t.Errorf("%d of %d bytes are taken for all", size, len(whole))
		}
		_ = s.Update("b", func(tx wasi.KeyValueTx) error { return tx.Set("new", []byte("1")) })
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}
