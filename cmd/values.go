package cmd

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"github.com/wasihttp/wasihttp/internal/units"
)

// size is a flag's value in bytes. K, M, G and T, alone, as Ki, Mi, Gi and Ti or as
// KiB, MiB, GiB and TiB, are powers of 1024; KB, MB, GB and TB are powers of 1000. Case does not
// matter, and the number may have a fraction.
type size int64

var errSize = errors.New("expected a size such as 64MiB, 1g or 1048576")

// Set parses a size.
func (s *size) Set(text string) error {
	number := strings.TrimRight(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
	unit, ok := unitOf(strings.ToLower(text[len(number):]))
	if !ok {
		return errSize
	}
	n, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	if err != nil || math.IsNaN(n) || n <= 0 {
		return errSize
	}
	bytes := n * float64(unit)
	if bytes < 1 || bytes > math.MaxInt64/2 {
		return errSize
	}
	*s = size(bytes)
	return nil
}

// unitOf returns what a unit in lower case stands for.
func unitOf(name string) (int64, bool) {
	if name == "" || name == "b" {
		return 1, true
	}
	base := int64(1024)
	switch name[1:] {
	case "", "i", "ib":
	case "b":
		base = 1000
	default:
		return 0, false
	}
	power := strings.IndexByte("kmgt", name[0])
	if power < 0 {
		return 0, false
	}
	unit := base
	for range power {
		unit *= base
	}
	return unit, true
}

// String writes the size with the largest binary unit that divides it.
func (s *size) String() string {
	n := int64(*s)
	units := []string{"", "KiB", "MiB", "GiB", "TiB"}
	i := 0
	for n != 0 && n%1024 == 0 && i < len(units)-1 {
		n /= 1024
		i++
	}
	return strconv.FormatInt(n, 10) + units[i]
}

// span is a flag's value that is a length of time. A number alone means
// seconds.
type span time.Duration

var errSpan = errors.New("expected a time such as 30s, 500ms or 2m")

// Set parses a length of time.
func (s *span) Set(text string) error {
	d, err := time.ParseDuration(text)
	if err != nil {
		seconds, ferr := strconv.ParseFloat(text, 64)
		if ferr != nil || math.IsNaN(seconds) || math.Abs(seconds) > math.MaxInt64/1e9/2 {
			return errSpan
		}
		d = time.Duration(seconds * float64(time.Second))
	}
	if d < 0 {
		return errSpan
	}
	*s = span(d)
	return nil
}

// String writes the length of time without parts that are zero.
func (s *span) String() string {
	return units.Exact(time.Duration(*s))
}

// count is a flag's value that is a whole number, 0 or more.
type count int

// Set parses a number.
func (c *count) Set(text string) error {
	n, err := strconv.ParseUint(text, 10, 31)
	if err != nil {
		return errors.New("expected a whole number")
	}
	*c = count(n)
	return nil
}

// String writes the number.
func (c *count) String() string { return strconv.Itoa(int(*c)) }

// several is a flag's value that is a whole number, 1 or more.
type several int

// Set parses a number.
func (s *several) Set(text string) error {
	n, err := strconv.ParseUint(text, 10, 31)
	if err != nil || n == 0 {
		return errors.New("expected a whole number from 1 on")
	}
	*s = several(n)
	return nil
}

// String writes the number.
func (s *several) String() string { return strconv.Itoa(int(*s)) }

// shuffle is the value of --shuffle, which may be given without one.
type shuffle struct{ seed *uint64 }

// Set takes a seed, or makes one up.
func (s *shuffle) Set(text string) error {
	switch text {
	case "true":
		seed := uint64(rand.Uint32())
		s.seed = &seed
	case "false":
		s.seed = nil
	default:
		seed, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			return errors.New("expected a whole number, as was printed before")
		}
		s.seed = &seed
	}
	return nil
}

// String writes the seed.
func (s *shuffle) String() string {
	if s.seed == nil {
		return ""
	}
	return strconv.FormatUint(*s.seed, 10)
}

// IsBoolFlag says that no value has to follow.
func (s *shuffle) IsBoolFlag() bool { return true }

// choice is a flag's value out of a few words.
type choice struct {
	value string
	of    []string
}

// Set takes one of the words.
func (c *choice) Set(text string) error {
	for _, word := range c.of {
		if text == word {
			c.value = text
			return nil
		}
	}
	return fmt.Errorf("expected one of %s", strings.Join(c.of, ", "))
}

// String returns the word.
func (c *choice) String() string { return c.value }
