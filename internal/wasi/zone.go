package wasi

import (
	"math"
	"strings"
	"time"

	"github.com/wasihttp/wasihttp/internal/zones"
)

// Zone is the time zone of a guest: the one that the variable TZ of its environment names in the
// IANA Time Zone Database, UTC without that variable. The machine's own is not shown to guests.
type Zone struct {
	// name is the identifier in the database; "" if there is no zone of that name.
	name     string
	location *time.Location
}

// Zone returns the time zone of the guest.
func (s *State) Zone() Zone {
	if s.zone.location == nil {
		s.zone = s.findZone()
	}
	return s.zone
}

func (s *State) findZone() Zone {
	for _, kv := range s.cfg.Env {
		if kv[0] != "TZ" {
			continue
		}
		s.Uses(UseEnvironment, "TZ", false)
		name := strings.TrimPrefix(kv[1], ":") // as the C library has it
		if name == "" {
			break
		}
		location, err := zones.Location(name)
		if err != nil || location == time.Local { // "Local" means the machine's own
			return Zone{"", time.UTC}
		}
		return Zone{name, location}
	}
	return Zone{"UTC", time.UTC}
}

// ID returns the identifier of the zone in the database, "" if it has none.
func (z Zone) ID() string { return z.name }

// At returns the offset from UTC in seconds, the zone's abbreviation and whether it is daylight
// saving time, at an instant in seconds since 1970. ok is false if it is unknown; the values
// are those of UTC then.
func (z Zone) At(seconds int64) (offset int, name string, daylight, ok bool) {
	if z.name == "" {
		return 0, "UTC", false, false
	}
	t := time.Unix(seconds, 0).In(z.location)
	name, offset = t.Zone()
	return offset, name, t.IsDST(), true
}

// AtUnsigned is At for an instant that may be too far away, when nothing is known.
func (z Zone) AtUnsigned(seconds uint64) (offset int, name string, daylight, ok bool) {
	if seconds > math.MaxInt64 {
		return 0, "UTC", false, false
	}
	return z.At(int64(seconds))
}
