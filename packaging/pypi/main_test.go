package main

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/csv"
	"io"
	"io/fs"
	"strconv"
	"strings"
	"testing"

	"github.com/wasihttp/wasihttp/packaging/internal/dist"
)

func TestVersionsAreWrittenAsPythonDoes(t *testing.T) {
	tests := map[string]string{
		"1.2.3": "1.2.3", "10.20.30": "10.20.30", "1.2.3-rc.1": "1.2.3rc1", "1.2.3-rc2": "1.2.3rc2",
		"1.2.3-beta.4": "1.2.3b4", "1.2.3-alpha": "1.2.3a0", "0.0.1-next": "0.0.1.dev0",
	}
	for version, want := range tests {
		if got, err := pythonVersion(version); err != nil || got != want {
			t.Errorf("%s: %q, %v; want %q", version, got, err, want)
		}
	}
	for _, version := range []string{"", "v1.2.3", "1.2", "1.2.3-mine", "1.2.3-rc.1.2", "1.2.3+x"} {
		if got, err := pythonVersion(version); err == nil {
			t.Errorf("%s: %q, want an error", version, got)
		}
	}
}

// TestARecordListsEveryFileWithItsHash reads wheels as an installer does.
func TestARecordListsEveryFileWithItsHash(t *testing.T) {
	for _, p := range dist.Platforms {
		name, data, err := wheel("1.2.3", p, []byte("the program"), []byte("license"))
		if err != nil {
			t.Fatal(err)
		}
		again, same, err := wheel("1.2.3", p, []byte("the program"), []byte("license"))
		if err != nil || again != name || !bytes.Equal(same, data) {
			t.Errorf("%s: a second wheel differs (%v)", name, err)
		}
		z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			t.Fatal(err)
		}
		files := map[string][]byte{}
		for _, f := range z.File {
			r, err := f.Open()
			if err != nil {
				t.Fatal(err)
			}
			if files[f.Name], err = io.ReadAll(r); err != nil {
				t.Fatal(err)
			}
			script := strings.Contains(f.Name, ".data/scripts/")
			want := fs.FileMode(0o644)
			if script {
				want = 0o755
			}
			if f.Mode() != want {
				t.Errorf("%s: %s has mode %v", name, f.Name, f.Mode())
			}
			if script && string(files[f.Name]) != "the program" {
				t.Errorf("%s: %s has %q", name, f.Name, files[f.Name])
			}
		}
		const info = "wasihttp-1.2.3.dist-info/"
		if program := "wasihttp-1.2.3.data/scripts/" + p.Executable(); files[program] == nil {
			t.Errorf("%s has no %s", name, program)
		}
		rows, err := csv.NewReader(bytes.NewReader(files[info+"RECORD"])).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range rows {
			b, ok := files[row[0]]
			if !ok {
				t.Errorf("%s: the record has %s, the wheel does not", name, row[0])
			}
			delete(files, row[0])
			sum := sha256.Sum256(b)
			want := "sha256=" + base64.RawURLEncoding.EncodeToString(sum[:])
			size := strconv.Itoa(len(b))
			if row[0] == info+"RECORD" {
				want, size = "", ""
			}
			if row[1] != want || row[2] != size {
				t.Errorf("%s: %v, want %s and %s", name, row, want, size)
			}
			if row[0] == info+"WHEEL" {
				checkTags(t, name, string(b))
			}
		}
		for file := range files {
			t.Errorf("%s: the record does not have %s", name, file)
		}
	}
}

// checkTags compares the tags of a wheel's name with those of its file WHEEL.
func checkTags(t *testing.T, name, text string) {
	t.Helper()
	_, platforms, _ := strings.Cut(strings.TrimSuffix(name, ".whl"), "-py3-none-")
	var want []string
	for tag := range strings.SplitSeq(platforms, ".") {
		want = append(want, "Tag: py3-none-"+tag)
	}
	_, got, _ := strings.Cut(text, "Purelib: false\n")
	if strings.TrimSpace(got) != strings.Join(want, "\n") {
		t.Errorf("%s: tags %q", name, got)
	}
}
