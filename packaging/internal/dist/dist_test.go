package dist

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// write lays out what GoReleaser leaves for the platforms, each binary with so many bytes.
func write(t *testing.T, platforms []Platform, size int) string {
	t.Helper()
	folder := filepath.Join(t.TempDir(), "dist")
	var artifacts []string
	put := func(name string, data []byte) {
		t.Helper()
		name = filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, data, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	for _, p := range platforms {
		name := p.OS + p.Arch + "/" + p.Executable()
		put(name, make([]byte, size))
		artifacts = append(artifacts, fmt.Sprintf(
			`{"type": "Binary", "path": "dist/%s", "goos": %q, "goarch": %q}`, name, p.OS, p.Arch))
	}
	artifacts = append(artifacts, `{"type": "Archive", "path": "dist/none", "goos": "linux"}`)
	put("artifacts.json", []byte("["+strings.Join(artifacts, ",")+"]"))
	put("metadata.json", []byte(`{"version": "1.2.3"}`))
	return folder
}

func TestReadReturnsTheBinaryOfEachPlatform(t *testing.T) {
	r, err := Read(write(t, Platforms, 10))
	if err != nil {
		t.Fatal(err)
	}
	if r.Version != "1.2.3" || len(r.Binaries) != len(Platforms) {
		t.Errorf("version %q, %d binaries", r.Version, len(r.Binaries))
	}
	for p, b := range r.Binaries {
		if len(b) != 10 {
			t.Errorf("%s: %d bytes", p, len(b))
		}
	}
}

func TestReadRefusesWhatIsNoRelease(t *testing.T) {
	tests := map[string]struct {
		platforms []Platform
		size      int
		want      string
	}{
		"nothing":  {nil, 1, "no binary for darwin/amd64"},
		"one less": {Platforms[:5], 1, "no binary for " + Platforms[5].String()},
		"unknown":  {append(slices.Clone(Platforms), Platform{"plan9", "386"}), 1, "plan9/386"},
		"twice":    {append(slices.Clone(Platforms), Platforms[0]), 1, "two binaries"},
		"large":    {Platforms, MaxBinary + 1, "and a binary may have"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := Read(write(t, tt.platforms, tt.size))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v, want %q", err, tt.want)
			}
		})
	}
	if _, err := Read(t.TempDir()); err == nil || !strings.Contains(err.Error(), "goreleaser build") {
		t.Errorf("an empty folder: %v", err)
	}
}
