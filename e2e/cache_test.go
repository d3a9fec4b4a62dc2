package e2e

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/wasihttp/wasihttp/bench/served"
)

// greet serves the Rust guest with the flags, checks that it responds, stops it and returns what it
// printed.
func greet(t *testing.T, flags ...string) string {
	t.Helper()
	arguments := append([]string{"serve", "--addr", "127.0.0.1:0"}, flags...)
	server, err := served.Start(limited(t), os.Getenv(builtVariable), append(arguments, rustKitchen().path)...)
	if err != nil {
		t.Error(err)
		return ""
	}
	sameText(t, "answer", "hello from rust\n", get(t, client(t), server.URL+"/"))
	if err := server.Stop(); err != nil {
		t.Error(err)
	}
	return server.Output()
}

// entries are the files below a cache folder.
func entries(t *testing.T, folder string) []string {
	t.Helper()
	var files []string
	err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// TestCompileCache starts servers on one cache folder, one after the other and at once, and spoils
// what is in it.
func TestCompileCache(t *testing.T) {
	if !ours() {
		return // each server has its own cache
	}
	const cached = "from cache"
	folder := filepath.Join(t.TempDir(), "cache")

	t.Run("two at once on a cold one", func(t *testing.T) {
		var group sync.WaitGroup
		for range 2 {
			group.Go(func() { greet(t, "--cache-dir", folder) })
		}
		group.Wait()
		if output := greet(t, "--cache-dir", folder); !strings.Contains(output, cached) {
			t.Errorf("the third compiled again:\n%s", output)
		}
	})
	files := entries(t, folder)
	if len(files) == 0 {
		t.Fatal("the cache folder is empty")
	}
	for name, spoil := range map[string]func([]byte) []byte{
		"damaged":     func(b []byte) []byte { b[len(b)/2] ^= 0xff; return b },
		"truncated":   func(b []byte) []byte { return b[:len(b)/3] },
		"zero-length": func([]byte) []byte { return nil },
		"foreign":     func([]byte) []byte { return []byte("this is something else") },
	} {
		t.Run(name, func(t *testing.T) {
			for _, file := range entries(t, folder) {
				b, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(file, spoil(b), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if output := greet(t, "--cache-dir", folder); strings.Contains(output, cached) {
				t.Errorf("taken from the cache all the same:\n%s", output)
			}
			if output := greet(t, "--cache-dir", folder); !strings.Contains(output, cached) {
				t.Errorf("not compiled into the cache again:\n%s", output)
			}
		})
	}
	t.Run("a stranger among the entries", func(t *testing.T) {
		stranger := filepath.Join(filepath.Dir(files[0]), "README.txt")
		if err := os.WriteFile(stranger, []byte("hello"), 0o600); err != nil {
			t.Fatal(err)
		}
		if output := greet(t, "--cache-dir", folder); !strings.Contains(output, cached) {
			t.Errorf("compiled again:\n%s", output)
		}
	})
	t.Run("a folder that cannot be made", func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if output := greet(t, "--cache-dir", filepath.Join(file, "cache")); !strings.Contains(output, "compile cache not used: ") {
			t.Errorf("no word about it:\n%s", output)
		}
	})
	t.Run("none wanted", func(t *testing.T) {
		home := t.TempDir()
		for _, variable := range []string{"XDG_CACHE_HOME", "HOME", "LocalAppData"} {
			t.Setenv(variable, home)
		}
		if output := greet(t, "--no-cache"); strings.Contains(output, "cache") {
			t.Errorf("the cache is mentioned:\n%s", output)
		}
		if left := entries(t, home); len(left) > 0 {
			t.Errorf("left behind: %q", left)
		}
		greet(t)
		if len(entries(t, home)) == 0 {
			t.Error("without the flag, nothing is kept in the user's cache folder")
		}
	})
}
