package engine

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestPruningKeepsWhatWasUsedLast(t *testing.T) {
	d, err := openDiskCache(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	write := func(name string, age time.Duration) string {
		path := filepath.Join(d.entries, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, make([]byte, 100), 0o600); err != nil {
			t.Fatal(err)
		}
		used := time.Now().Add(-age)
		if err := os.Chtimes(path, used, used); err != nil {
			t.Fatal(err)
		}
		return path
	}
	oldest := write("a/1", 3*time.Hour)
	newest := write("b/1", time.Hour)
	older := write("b/2", 2*time.Hour)

	d.prune(200)
	for path, want := range map[string]bool{oldest: false, filepath.Dir(oldest): false, older: true, newest: true} {
		if _, err := os.Stat(path); (err == nil) != want {
			t.Errorf("%s: %v, want it there: %v", path, err, want)
		}
	}
	d.prune(100)
	if _, err := os.Stat(older); err == nil {
		t.Error("the older entry was kept")
	}
	if _, err := os.Stat(newest); err != nil {
		t.Error(err)
	}
	if err := d.close(); err != nil {
		t.Error(err)
	}
}
