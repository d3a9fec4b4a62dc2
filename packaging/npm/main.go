// Command npm makes npm packages of a release: one for each platform, which has the binary, and
// wasihttp, whose launcher runs the binary of the one that npm chose. Nothing runs when they are
// installed.
//
//	go run ./packaging/npm -dist dist -o dist/npm
package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	_ "embed"
	"encoding/json"
	"fmt"
	"os"

	"github.com/wasihttp/wasihttp/packaging/internal/dist"
)

//go:embed wasihttp.js
var launcher []byte

//go:embed README.md
var readme []byte

func main() {
	if err := dist.Write("npm", files); err != nil {
		fmt.Fprintln(os.Stderr, "npm:", err)
		os.Exit(1)
	}
}

func files(release *dist.Release, license []byte) ([]dist.File, error) {
	var list []dist.File
	for _, p := range packages(release, license) {
		archive, err := p.archive()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", p.manifest.Name, err)
		}
		name := fmt.Sprintf("%s-%s.tgz", p.manifest.Name, p.manifest.Version)
		list = append(list, dist.File{Name: name, Data: archive})
	}
	return list, nil
}

// manifest is a package.json.
type manifest struct {
	Name        string            `json:"name"`
	Version     string            `json:"version"`
	Description string            `json:"description"`
	Keywords    []string          `json:"keywords,omitempty"`
	License     string            `json:"license"`
	Homepage    string            `json:"homepage"`
	Bugs        string            `json:"bugs,omitempty"`
	Repository  map[string]string `json:"repository"`
	OS          []string          `json:"os,omitempty"`
	CPU         []string          `json:"cpu,omitempty"`
	// PreferUnplugged has Yarn keep the package as files, since a binary in an archive cannot run.
	PreferUnplugged      bool              `json:"preferUnplugged,omitempty"`
	Bin                  map[string]string `json:"bin,omitempty"`
	Engines              map[string]string `json:"engines,omitempty"`
	OptionalDependencies map[string]string `json:"optionalDependencies,omitempty"`
}

const home = "https://github.com/wasihttp/wasihttp"

func newManifest(name, version, description string) manifest {
	return manifest{
		Name: name, Version: version, Description: description, License: "Apache-2.0",
		Homepage:   home + "#readme",
		Repository: map[string]string{"type": "git", "url": "git+" + home + ".git"},
	}
}

// npmPackage is a package and its files.
type npmPackage struct {
	manifest manifest
	files    []file
}

type file struct {
	name string
	mode int64
	data []byte
}

// packages returns those of the platforms and, last, the one that depends on them: what a package
// needs is published before it.
func packages(release *dist.Release, license []byte) []npmPackage {
	all := newManifest("wasihttp", release.Version, "Serve and test WASI HTTP components")
	all.Keywords = []string{"wasm", "webassembly", "wasi", "wasi-http", "component-model"}
	all.Bugs = home + "/issues"
	all.Bin = map[string]string{"wasihttp": "bin/wasihttp.js"}
	all.Engines = map[string]string{"node": ">=16"}
	all.OptionalDependencies = make(map[string]string)
	var list []npmPackage
	for _, p := range dist.Platforms {
		system, processor := names(p)
		name := "wasihttp-" + system + "-" + processor
		m := newManifest(name, release.Version, "The program of wasihttp for "+p.String())
		m.OS, m.CPU, m.PreferUnplugged = []string{system}, []string{processor}, true
		note := fmt.Sprintf("# %s\n\nThe program of [wasihttp](%s) for %s.\n"+
			"Install `wasihttp`, which chooses the package for your system.\n", name, home, p)
		list = append(list, npmPackage{m, []file{
			{"bin/" + p.Executable(), 0o755, release.Binaries[p]},
			{"README.md", 0o644, []byte(note)},
			{"LICENSE", 0o644, license},
		}})
		all.OptionalDependencies[name] = release.Version
	}
	return append(list, npmPackage{all, []file{
		{"bin/wasihttp.js", 0o755, launcher},
		{"README.md", 0o644, readme},
		{"LICENSE", 0o644, license},
	}})
}

// names returns what Node calls the platform: process.platform and process.arch.
func names(p dist.Platform) (system, processor string) {
	system, processor = p.OS, p.Arch
	if system == "windows" {
		system = "win32"
	}
	if processor == "amd64" {
		processor = "x64"
	}
	return system, processor
}

// archive returns the package as npm wants it: a compressed tar file with all in a folder
// "package".
func (p *npmPackage) archive() ([]byte, error) {
	m, err := json.MarshalIndent(p.manifest, "", "  ")
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	t := tar.NewWriter(z)
	for _, f := range append([]file{{"package.json", 0o644, append(m, '\n')}}, p.files...) {
		header := &tar.Header{
			Name: "package/" + f.name, Mode: f.mode, Size: int64(len(f.data)), ModTime: dist.Time,
			Typeflag: tar.TypeReg, Format: tar.FormatUSTAR,
		}
		if err := t.WriteHeader(header); err != nil {
			return nil, err
		}
		if _, err := t.Write(f.data); err != nil {
			return nil, err
		}
	}
	if err := t.Close(); err != nil {
		return nil, err
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}
