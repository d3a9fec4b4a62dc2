package engine

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"strings"
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

// TestAStartFromTheCacheMakesNoFolder looks at when the folders were changed in which one would be.
func TestAStartFromTheCacheMakesNoFolder(t *testing.T) {
	dir := t.TempDir()
	seven(t, dir)
	changes := func() map[string]time.Time {
		folders, err := filepath.Glob(filepath.Join(dir, "*"))
		if err != nil || len(folders) != 2 {
			t.Fatalf("%v, %v", folders, err)
		}
		changed := map[string]time.Time{}
		for _, path := range append(folders, dir) {
			info, err := os.Stat(path)
			if err != nil {
				t.Fatal(err)
			}
			// In the folder of entries it is tried whether it can be written.
			if !strings.HasSuffix(path, cacheVersion) {
				changed[path] = info.ModTime()
			}
		}
		return changed
	}
	before := changes()
	if !seven(t, dir) {
		t.Error("the code is not from the cache")
	}
	if after := changes(); !maps.Equal(before, after) {
		t.Errorf("changed: %v, and before %v", after, before)
	}
}

func TestProcessesShareTheStageWithoutMeetingInIt(t *testing.T) {
	dir := t.TempDir()
	seven(t, dir)
	stub := stubOf(t)
	names := map[string]bool{}
	var caches []*diskCache
	for range 2 {
		d, err := openDiskCache(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range fileNames(stub, d.mark) {
			names[name] = true
		}
		if caches = append(caches, d); d.stageDir != caches[0].stageDir {
			t.Errorf("the stages are %s and %s", d.stageDir, caches[0].stageDir)
		}
	}
	if len(names) != 2*features {
		t.Errorf("two processes have %d names", len(names))
	}
	if !seven(t, dir) {
		t.Error("beside others, the code is not from the cache")
	}
	for _, d := range caches {
		if err := d.close(); err != nil {
			t.Error(err)
		}
	}
}

func TestWhatProcessesLeftInStagesIsRemoved(t *testing.T) {
	dir := t.TempDir()
	d, err := openDiskCache(dir)
	if err != nil {
		t.Fatal(err)
	}
	long := time.Now().Add(-2 * staleStage)
	stays := map[string]bool{d.stageDir: true, d.stageTop: true}
	for _, in := range []string{dir, d.stageTop, d.stageDir} {
		for name, old := range map[string]bool{"old": true, "new": false} {
			path := filepath.Join(in, stages+name)
			if err := os.MkdirAll(filepath.Join(path, "x"), 0o700); err != nil {
				t.Fatal(err)
			}
			if stays[path] = !old; old {
				if err := os.Chtimes(path, long, long); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	for _, path := range []string{d.stageDir, d.stageTop} {
		if err := os.Chtimes(path, long, long); err != nil {
			t.Fatal(err)
		}
	}
	next, err := openDiskCache(dir)
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range stays {
		if _, err := os.Stat(path); (err == nil) != want {
			t.Errorf("%s: %v, want it there: %v", path, err, want)
		}
	}
	if err := errors.Join(d.close(), next.close()); err != nil {
		t.Error(err)
	}
}
