// Command pypi makes Python wheels of a release: one for each platform, which has the binary as a
// script.
//
//	go run ./packaging/pypi -dist dist -o dist/pypi
package main

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"io"
	"io/fs"
	"os"
	"regexp"
	"strings"

	"github.com/wasihttp/wasihttp/packaging/internal/dist"
)

//go:embed README.md
var readme []byte

func main() {
	if err := dist.Write("pypi", files); err != nil {
		fmt.Fprintln(os.Stderr, "pypi:", err)
		os.Exit(1)
	}
}

func files(release *dist.Release, license []byte) ([]dist.File, error) {
	version, err := pythonVersion(release.Version)
	if err != nil {
		return nil, err
	}
	var list []dist.File
	for _, p := range dist.Platforms {
		name, data, err := wheel(version, p, release.Binaries[p], license)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", p, err)
		}
		list = append(list, dist.File{Name: name, Data: data})
	}
	return list, nil
}

// semantic matches the versions that tags may have.
var semantic = regexp.MustCompile(`^(\d+\.\d+\.\d+)(?:-(alpha|beta|rc|next)(?:\.?(\d+))?)?$`)

// pythonVersion returns a version of a tag as Python writes it (PEP 440): 1.2.3-rc.1 is 1.2.3rc1,
// and a snapshot, 1.2.3-next, is 1.2.3.dev0.
func pythonVersion(version string) (string, error) {
	m := semantic.FindStringSubmatch(version)
	if m == nil {
		return "", fmt.Errorf("version %q: neither 1.2.3 nor 1.2.3-rc.1 (alpha, beta)", version)
	}
	kind := map[string]string{"alpha": "a", "beta": "b", "rc": "rc", "next": ".dev"}[m[2]]
	number := m[3]
	if kind != "" && number == "" {
		number = "0"
	}
	return m[1] + kind + number, nil
}

// tags are the platforms that a wheel may be installed on. The binaries for Linux are static, so
// they run with any libc. Go 1.26 wants macOS 12.
var tags = map[dist.Platform][]string{
	{OS: "darwin", Arch: "amd64"}:  {"macosx_12_0_x86_64"},
	{OS: "darwin", Arch: "arm64"}:  {"macosx_12_0_arm64"},
	{OS: "linux", Arch: "amd64"}:   {"manylinux_2_17_x86_64", "musllinux_1_1_x86_64"},
	{OS: "linux", Arch: "arm64"}:   {"manylinux_2_17_aarch64", "musllinux_1_1_aarch64"},
	{OS: "windows", Arch: "amd64"}: {"win_amd64"},
	{OS: "windows", Arch: "arm64"}: {"win_arm64"},
}

// wheel returns the name and the contents of the wheel for a platform.
func wheel(version string, p dist.Platform, binary, license []byte) (string, []byte, error) {
	stem := "wasihttp-" + version
	info := stem + ".dist-info/"
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	z.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) {
		return flate.NewWriter(w, flate.BestCompression)
	})
	var record strings.Builder
	add := func(name string, mode fs.FileMode, data []byte) error {
		header := &zip.FileHeader{Name: name, Method: zip.Deflate, Modified: dist.Time}
		header.SetMode(mode)
		w, err := z.CreateHeader(header)
		if err != nil {
			return err
		}
		sum := sha256.Sum256(data)
		fmt.Fprintf(&record, "%s,sha256=%s,%d\n", name,
			base64.RawURLEncoding.EncodeToString(sum[:]), len(data))
		_, err = w.Write(data)
		return err
	}
	for _, f := range []struct {
		name string
		mode fs.FileMode
		data []byte
	}{
		{stem + ".data/scripts/" + p.Executable(), 0o755, binary},
		{info + "licenses/LICENSE", 0o644, license},
		{info + "METADATA", 0o644, metadata(version)},
		{info + "WHEEL", 0o644, describe(tags[p])},
	} {
		if err := add(f.name, f.mode, f.data); err != nil {
			return "", nil, err
		}
	}
	// The list of files is in itself, without a hash.
	fmt.Fprintf(&record, "%sRECORD,,\n", info)
	if err := add(info+"RECORD", 0o644, []byte(record.String())); err != nil {
		return "", nil, err
	}
	if err := z.Close(); err != nil {
		return "", nil, err
	}
	return stem + "-py3-none-" + strings.Join(tags[p], ".") + ".whl", b.Bytes(), nil
}

const home = "https://github.com/wasihttp/wasihttp"

// metadata returns what a package index shows (core metadata 2.4).
func metadata(version string) []byte {
	return fmt.Appendf(nil, `Metadata-Version: 2.4
Name: wasihttp
Version: %s
Summary: Serve and test WASI HTTP components
License-Expression: Apache-2.0
License-File: LICENSE
Keywords: wasm,webassembly,wasi,wasi-http,component-model
Classifier: Environment :: Console
Classifier: Intended Audience :: Developers
Classifier: Operating System :: MacOS
Classifier: Operating System :: Microsoft :: Windows
Classifier: Operating System :: POSIX :: Linux
Classifier: Programming Language :: Python :: 3
Classifier: Topic :: Internet :: WWW/HTTP
Classifier: Topic :: Software Development :: Testing
Requires-Python: >=3.8
Project-URL: Homepage, %s
Project-URL: Changelog, %s/blob/main/CHANGELOG.md
Project-URL: Issues, %s/issues
Description-Content-Type: text/markdown

%s`, version, home, home, home, readme)
}

// describe returns the file WHEEL of a wheel with the tags.
func describe(platforms []string) []byte {
	text := "Wheel-Version: 1.0\nGenerator: wasihttp\nRoot-Is-Purelib: false\n"
	for _, p := range platforms {
		text += "Tag: py3-none-" + p + "\n"
	}
	return []byte(text)
}
