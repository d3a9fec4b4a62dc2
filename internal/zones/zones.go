// Package zones has the IANA Time Zone Database, which is in the public domain, for systems without
// one, as package time/tzdata has it, in an eighth of the space.
package zones

import (
	_ "embed"
	"errors"
	"io/fs"
	"sync"
	"time"

	"github.com/wasihttp/wasihttp/internal/packed"
)

//go:embed zones.zip.gz
var archive []byte

var files = sync.OnceValue(func() fs.FS { return packed.Open(archive) })

// Location returns the time zone of an identifier, such as "Europe/Berlin": that of the system's
// database, or else of the one here. "" and "UTC" are UTC, and "Local" is time.Local. It is safe
// for concurrent use.
func Location(name string) (*time.Location, error) {
	location, err := time.LoadLocation(name)
	if err == nil {
		return location, nil
	}
	return embedded(name)
}

func embedded(name string) (*time.Location, error) {
	data, err := fs.ReadFile(files(), name)
	if err != nil {
		return nil, errors.New("unknown time zone " + name)
	}
	return time.LoadLocationFromTZData(name, data)
}
