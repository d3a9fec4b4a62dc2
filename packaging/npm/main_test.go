package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"slices"
	"testing"

	"github.com/wasihttp/wasihttp/packaging/internal/dist"
)

func release() *dist.Release {
	r := &dist.Release{Version: "1.2.3-rc.1", Binaries: map[dist.Platform][]byte{}}
	for _, p := range dist.Platforms {
		r.Binaries[p] = []byte("the program for " + p.String())
	}
	return r
}

// unpack returns the files of a package with their modes.
func unpack(t *testing.T, archive []byte) (map[string][]byte, map[string]int64) {
	t.Helper()
	z, err := gzip.NewReader(bytes.NewReader(archive))
	if err != nil {
		t.Fatal(err)
	}
	files, modes := map[string][]byte{}, map[string]int64{}
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return files, modes
		}
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		files[h.Name], modes[h.Name] = b, h.Mode
	}
}

func TestEachPlatformHasAPackageWithItsBinary(t *testing.T) {
	r := release()
	list := packages(r, []byte("license"))
	if len(list) != len(dist.Platforms)+1 {
		t.Fatalf("%d packages", len(list))
	}
	for i, p := range dist.Platforms {
		archive, err := list[i].archive()
		if err != nil {
			t.Fatal(err)
		}
		files, modes := unpack(t, archive)
		program := "package/bin/" + p.Executable()
		if !bytes.Equal(files[program], r.Binaries[p]) || modes[program] != 0o755 {
			t.Errorf("%s: the program is %q with mode %o", p, files[program], modes[program])
		}
		var m map[string]any
		if err := json.Unmarshal(files["package/package.json"], &m); err != nil {
			t.Fatal(err)
		}
		system, processor := names(p)
		if got := m["os"].([]any)[0]; got != system {
			t.Errorf("%s: os is %v", p, got)
		}
		if got := m["cpu"].([]any)[0]; got != processor {
			t.Errorf("%s: cpu is %v", p, got)
		}
		if m["name"] != "wasihttp-"+system+"-"+processor || m["version"] != r.Version {
			t.Errorf("%s: %v %v", p, m["name"], m["version"])
		}
	}
}

func TestTheMainPackageNamesAllOthersAndRunsNothingWhenInstalled(t *testing.T) {
	list := packages(release(), nil)
	main := list[len(list)-1]
	archive, err := main.archive()
	if err != nil {
		t.Fatal(err)
	}
	files, modes := unpack(t, archive)
	var m struct {
		Name                 string
		Bin                  map[string]string
		OptionalDependencies map[string]string
		Scripts              map[string]string
	}
	if err := json.Unmarshal(files["package/package.json"], &m); err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, p := range list[:len(list)-1] {
		want = append(want, p.manifest.Name)
		if got := m.OptionalDependencies[p.manifest.Name]; got != p.manifest.Version {
			t.Errorf("%s: version %q", p.manifest.Name, got)
		}
	}
	slices.Sort(want)
	if got := slices.Sorted(maps.Keys(m.OptionalDependencies)); !slices.Equal(got, want) {
		t.Errorf("depends on %v, want %v", got, want)
	}
	if m.Name != "wasihttp" || len(m.Scripts) > 0 {
		t.Errorf("name %q, scripts %v", m.Name, m.Scripts)
	}
	program := "package/" + m.Bin["wasihttp"]
	if len(files[program]) == 0 || modes[program] != 0o755 {
		t.Errorf("%s: %d bytes with mode %o", program, len(files[program]), modes[program])
	}
}

func TestTheSameReleaseMakesTheSamePackages(t *testing.T) {
	first, second := packages(release(), nil), packages(release(), nil)
	for i := range first {
		a, err := first[i].archive()
		if err != nil {
			t.Fatal(err)
		}
		b, err := second[i].archive()
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(a, b) {
			t.Errorf("%s differs", first[i].manifest.Name)
		}
	}
}
