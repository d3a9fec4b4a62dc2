// Package units writes lengths of time and sizes for people, everywhere in the
// same way.
package units

import (
	"fmt"
	"strings"
	"time"
)

// Duration writes a length of time with three significant digits, in whole
// seconds from a minute on, and without parts that are zero: "376µs", "1.5s",
// "2m", "1h0m5s". Less than half a microsecond is "0s".
func Duration(d time.Duration) string {
	if d < 0 {
		return "-" + Duration(-d)
	}
	step := time.Microsecond
	for step < time.Second && d >= 1000*step {
		step *= 10
	}
	// Rounding may lead to a minute, from which on there are no fractions.
	if d = d.Round(step); d >= time.Minute {
		d = d.Round(time.Second)
	}
	return Exact(d)
}

// Exact writes a length of time as it is, without parts that are zero: for
// limits.
func Exact(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// Size writes a size in bytes with a unit that is a power of 1000, as file
// managers do: "999 B", "181.6 kB".
func Size(n int64) string { return scaled(n, 1000, "B", "kB", "MB", "GB", "TB", "PB", "EB") }

// BinarySize writes a size in bytes with a unit that is a power of 1024, as
// limits are given: "64 KiB", "1.5 GiB".
func BinarySize(n int64) string {
	return strings.Replace(scaled(n, 1024, "bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"),
		".0 ", " ", 1)
}

// scaled writes n in the largest unit in which it is 1 or more, with one decimal
// unless that is the first one.
func scaled(n int64, base float64, units ...string) string {
	value, i := float64(n), 0
	// What would be rounded to the base belongs to the next unit.
	for i < len(units)-1 && (value >= base || i > 0 && value >= base-0.05) {
		value, i = value/base, i+1
	}
	if i == 0 {
		return fmt.Sprintf("%d %s", n, units[0])
	}
	return fmt.Sprintf("%.1f %s", value, units[i])
}
