package zones

import (
	"archive/zip"
	"flag"
	"io/fs"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wasihttp/wasihttp/internal/packed/packedtest"
)

var update = flag.Bool("update", false, "write zones.zip.gz anew, of the database that Go has")

// ofGo returns the database that comes with Go.
func ofGo(t *testing.T) fs.FS {
	t.Helper()
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(strings.TrimSpace(string(root)), "lib", "time", "zoneinfo.zip")
	database, err := zip.OpenReader(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = database.Close() })
	return database
}

// TestEveryZoneOfGoIsThere does not compare what the zones say: another version of Go may have
// another one of the database. With -update the archive is made of that of this Go.
func TestEveryZoneOfGoIsThere(t *testing.T) {
	database := ofGo(t)
	if *update {
		packedtest.Check(t, "zones.zip.gz", database, true)
	}
	count := 0
	err := fs.WalkDir(database, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		count++
		location, err := embedded(name)
		if err == nil && location.String() != name {
			t.Errorf("%s: %s", name, location)
		}
		return err
	})
	if err != nil || count < 400 {
		t.Errorf("%d zones, %v", count, err)
	}
}

func TestZonesSayWhatTheyDoInTheSystemsDatabase(t *testing.T) {
	for name, want := range map[string]string{
		"Europe/Berlin": "CEST", "America/New_York": "EDT", "Asia/Tokyo": "JST", "UTC": "UTC",
		"Asia/Calcutta": "IST", // a link
	} {
		location, err := embedded(name)
		if err != nil {
			t.Error(err)
			continue
		}
		summer := time.Date(2024, time.July, 1, 12, 0, 0, 0, location)
		if got, _ := summer.Zone(); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}

func TestOtherNamesAreRefused(t *testing.T) {
	for _, name := range []string{
		"Nowhere", "Europe", "../etc/localtime", "/etc/localtime", `Europe\Berlin`, "europe/berlin ",
		"\x00", ".",
	} {
		if location, err := Location(name); err == nil {
			t.Errorf("%q: %s", name, location)
		}
	}
}
