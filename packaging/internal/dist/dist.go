// Package dist reads what GoReleaser has built, for the programs that make packages of it.
package dist

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// MaxBinary is how many bytes a binary may have. What takes how much is in RATIONALE.md.
const MaxBinary = 24_000_000

// Time is the time of all files in packages, so that the same binaries make the same packages. It
// is the one that npm writes, too.
var Time = time.Date(1985, time.October, 26, 8, 15, 0, 0, time.UTC)

// Platform is an operating system and a processor, as Go names them.
type Platform struct{ OS, Arch string }

// Platforms are those that a release has, in the order in which packages name them.
var Platforms = []Platform{
	{"darwin", "amd64"}, {"darwin", "arm64"},
	{"linux", "amd64"}, {"linux", "arm64"},
	{"windows", "amd64"}, {"windows", "arm64"},
}

// String returns the platform as Go writes it, such as "linux/amd64".
func (p Platform) String() string { return p.OS + "/" + p.Arch }

// Executable returns the name that the binary has on the platform.
func (p Platform) Executable() string {
	if p.OS == "windows" {
		return "wasihttp.exe"
	}
	return "wasihttp"
}

// Release is what a folder of GoReleaser has.
type Release struct {
	// Version is that of the release without a "v", such as "1.2.3" or "1.2.3-rc.1".
	Version string
	// Binaries has the contents of a binary for each of Platforms.
	Binaries map[Platform][]byte
}

// Read returns what "goreleaser release" or "goreleaser build" left in the folder. It fails if the
// binary of a platform is missing, occurs twice, or is larger than MaxBinary.
func Read(folder string) (*Release, error) {
	var metadata struct{ Version string }
	if err := readJSON(filepath.Join(folder, "metadata.json"), &metadata); err != nil {
		return nil, err
	}
	var artifacts []struct {
		Type, Path, Goos, Goarch string
	}
	if err := readJSON(filepath.Join(folder, "artifacts.json"), &artifacts); err != nil {
		return nil, err
	}
	r := &Release{Version: metadata.Version, Binaries: make(map[Platform][]byte)}
	for _, a := range artifacts {
		if a.Type != "Binary" {
			continue
		}
		p := Platform{a.Goos, a.Goarch}
		if !slices.Contains(Platforms, p) {
			return nil, fmt.Errorf("%s: a binary for %s, for which there is no package", folder, p)
		}
		if r.Binaries[p] != nil {
			return nil, fmt.Errorf("%s: two binaries for %s", folder, p)
		}
		// Paths begin with the folder, as seen from the one above it.
		b, err := os.ReadFile(filepath.Join(folder, "..", filepath.FromSlash(a.Path)))
		if err != nil {
			return nil, err
		}
		if len(b) > MaxBinary {
			return nil, fmt.Errorf("%s: %d bytes, and a binary may have %d: "+
				"RATIONALE.md says what takes how much", a.Path, len(b), MaxBinary)
		}
		r.Binaries[p] = b
	}
	for _, p := range Platforms {
		if r.Binaries[p] == nil {
			return nil, fmt.Errorf("%s: no binary for %s", folder, p)
		}
	}
	return r, nil
}

func readJSON(name string, into any) error {
	b, err := os.ReadFile(name)
	if errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("%w\nhint: run goreleaser build --snapshot --clean first", err)
	}
	if err != nil {
		return err
	}
	if err := json.Unmarshal(b, into); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}
