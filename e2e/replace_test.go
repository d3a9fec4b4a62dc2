package e2e

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// plainFolder returns a folder that is removed file by file, for systems that lack what
// os.RemoveAll needs.
func plainFolder(t *testing.T) string {
	t.Helper()
	folder, err := os.MkdirTemp("", "wasihttp-e2e")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		entries, err := os.ReadDir(folder)
		if err != nil {
			t.Error(err)
		}
		for _, e := range entries {
			err = errors.Join(err, os.Remove(filepath.Join(folder, e.Name())))
		}
		if err := errors.Join(err, os.Remove(folder)); err != nil {
			t.Error(err)
		}
	})
	return folder
}

// twoBuilds returns components whose responses to "/" differ.
func twoBuilds(t *testing.T) (first, second []byte) {
	t.Helper()
	var builds [2][]byte
	for i, name := range []string{"rust-hello/rust-hello.wasm", "rust-kitchen/rust-kitchen.wasm"} {
		var err error
		if builds[i], err = os.ReadFile("../testdata/guests/" + name); err != nil {
			t.Fatal(err)
		}
	}
	return builds[0], builds[1]
}

// swapped is what the log has when a build is served.
func swapped(build []byte) string {
	sum := sha256.Sum256(build)
	return "→ " + hex.EncodeToString(sum[:])[:8]
}

func write(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o666); err != nil {
		t.Fatal(err)
	}
}

// TestEveryWayToReplaceTheFileIsSeen replaces the component as compilers, editors and copying
// programs do, while it is served.
func TestEveryWayToReplaceTheFileIsSeen(t *testing.T) {
	if !ours() {
		return // others do not watch
	}
	first, second := twoBuilds(t)
	ways := map[string]func(path string) error{
		"written over": func(path string) error { return os.WriteFile(path, second, 0o666) },
		"renamed over": func(path string) error {
			return errors.Join(os.WriteFile(path+".new", second, 0o666), os.Rename(path+".new", path))
		},
		"removed and made again": func(path string) error {
			return errors.Join(os.Remove(path), os.WriteFile(path, second, 0o666))
		},
		"moved away, another moved in": func(path string) error {
			return errors.Join(os.WriteFile(path+".new", second, 0o666), os.Rename(path, path+".old"),
				os.Rename(path+".new", path))
		},
		"an older file copied with its time": func(path string) error {
			past := time.Now().Add(-24 * time.Hour)
			return errors.Join(os.WriteFile(path+".new", second, 0o666),
				os.Chtimes(path+".new", past, past), os.Rename(path+".new", path))
		},
		"written in pieces": func(path string) error {
			f, err := os.Create(path)
			if err != nil {
				return err
			}
			for piece := range slices.Chunk(second, len(second)/5) {
				_, writeErr := f.Write(piece)
				err = errors.Join(err, writeErr, f.Sync())
			}
			return errors.Join(err, f.Close())
		},
	}
	for name, replace := range ways {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(plainFolder(t), "app.wasm")
			write(t, path, first)
			server := serve(t, path)
			if body := get(t, client(t), server.URL+"/"); !strings.Contains(body, "Hello") {
				t.Errorf("the first build says %q", body)
			}
			// A file that is being read cannot be replaced on Windows, and whoever wants to waits.
			for ctx, err := limited(t), replace(path); err != nil; err = replace(path) {
				if runtime.GOOS != "windows" || ctx.Err() != nil {
					t.Fatal(err)
				}
				runtime.Gosched()
			}
			if err := server.WaitOutput(limited(t), swapped(second)); err != nil {
				t.Fatal(err)
			}
			if body := get(t, client(t), server.URL+"/"); strings.Contains(body, "Hello, world") {
				t.Errorf("the second build says %q", body)
			}
		})
	}
}

// TestABuildThatFailsKeepsTheLastOne has a build command that fails until a source says otherwise.
func TestABuildThatFailsKeepsTheLastOne(t *testing.T) {
	if !ours() {
		return // --exec is wasihttp's
	}
	first, second := twoBuilds(t)
	folder := plainFolder(t)
	path, made, source := filepath.Join(folder, "app.wasm"), filepath.Join(folder, "made.bin"),
		filepath.Join(folder, "source.txt")
	write(t, path, first)
	write(t, source, []byte("bad"))
	command := `grep -q good "` + source + `" && cp "` + made + `" "` + path + `"`
	if runtime.GOOS == "windows" {
		command = `findstr good "` + source + `" >nul && copy /y "` + made + `" "` + path + `" >nul`
	}
	server := serve(t, path, "--exec", command, "--source", source)
	if err := server.WaitOutput(limited(t), "--exec: the command failed"); err != nil {
		t.Fatal(err)
	}
	if body := get(t, client(t), server.URL+"/"); !strings.Contains(body, "Hello") {
		t.Errorf("after a build that failed: %q", body)
	}
	write(t, made, second)
	write(t, source, []byte("good"))
	if err := server.WaitOutput(limited(t), swapped(second)); err != nil {
		t.Fatal(err)
	}
	if body := get(t, client(t), server.URL+"/"); strings.Contains(body, "Hello, world") {
		t.Errorf("after a build: %q", body)
	}
}

// TestATrapAndAnExpirationAreReported asks for the pages of failures.
func TestATrapAndAnExpirationAreReported(t *testing.T) {
	if !ours() {
		return // the header is wasihttp's
	}
	server := serve(t, "../testdata/guests/rust-kitchen/rust-kitchen.wasm", "--timeout", "2s")
	for path, want := range map[string]string{"/trap": "trap", "/spin": "expired"} {
		resp, err := client(t).Get(server.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		page, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if got := resp.Header.Get("X-Wasihttp-Outcome"); err != nil || got != want {
			t.Errorf("%s: outcome %q, %v: %s", path, got, err, page)
		}
	}
	if status := get(t, client(t), server.URL+"/"); status == "" {
		t.Error("no response afterwards")
	}
}
