package cmdline

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

// Size is a flag's value in bytes. K, M, G and T, alone, as Ki, Mi, Gi and Ti or as
// KiB, MiB, GiB and TiB, are powers of 1024; KB, MB, GB and TB are powers of 1000. Case does not
// matter, and the number may have a fraction.
type Size int64

var errSize = errors.New("expected a size such as 64MiB, 1g or 1048576")

// Set parses a size.
func (s *Size) Set(text string) error {
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
	*s = Size(bytes)
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
func (s *Size) String() string {
	n := int64(*s)
	units := []string{"", "KiB", "MiB", "GiB", "TiB"}
	i := 0
	for n != 0 && n%1024 == 0 && i < len(units)-1 {
		n /= 1024
		i++
	}
	return strconv.FormatInt(n, 10) + units[i]
}

// Span is a flag's value that is a length of time. A number alone means
// seconds.
type Span time.Duration

var errSpan = errors.New("expected a time such as 30s, 500ms or 2m")

// Set parses a length of time.
func (s *Span) Set(text string) error {
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
	*s = Span(d)
	return nil
}

// String writes the length of time without parts that are zero.
func (s *Span) String() string {
	return units.Exact(time.Duration(*s))
}

// Count is a flag's value that is a whole number, 0 or more.
type Count int

// Set parses a number.
func (c *Count) Set(text string) error {
	n, err := strconv.ParseUint(text, 10, 31)
	if err != nil {
		return errors.New("expected a whole number")
	}
	*c = Count(n)
	return nil
}

// String writes the number.
func (c *Count) String() string { return strconv.Itoa(int(*c)) }

// Several is a flag's value that is a whole number, 1 or more.
type Several int

// Set parses a number.
func (s *Several) Set(text string) error {
	n, err := strconv.ParseUint(text, 10, 31)
	if err != nil || n == 0 {
		return errors.New("expected a whole number of at least 1")
	}
	*s = Several(n)
	return nil
}

// String writes the number.
func (s *Several) String() string { return strconv.Itoa(int(*s)) }

// Shuffle is the value of --shuffle, which may be given without one.
type Shuffle struct {
	// Seed is nil if the order is not to be random.
	Seed *uint64
}

// Set takes a seed, or makes one up.
func (s *Shuffle) Set(text string) error {
	switch text {
	case "true":
		seed := uint64(rand.Uint32())
		s.Seed = &seed
	case "false":
		s.Seed = nil
	default:
		seed, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			return errors.New("expected the number that an earlier run printed")
		}
		s.Seed = &seed
	}
	return nil
}

// String writes the seed.
func (s *Shuffle) String() string {
	if s.Seed == nil {
		return ""
	}
	return strconv.FormatUint(*s.Seed, 10)
}

// IsBoolFlag says that no value has to follow.
func (s *Shuffle) IsBoolFlag() bool { return true }

// Choice is a flag's value out of a few words.
type Choice struct {
	// Value is the word, at first the default.
	Value string
	// Of are the words that can be chosen.
	Of []string
}

// Set takes one of the words.
func (c *Choice) Set(text string) error {
	for _, word := range c.Of {
		if text == word {
			c.Value = text
			return nil
		}
	}
	return fmt.Errorf("expected one of %s", strings.Join(c.Of, ", "))
}

// String returns the word.
func (c *Choice) String() string { return c.Value }

// Percent is a flag's value that is a part in percent, 0 or more, with or without the sign.
type Percent float64

// Set parses a part in percent.
func (p *Percent) Set(text string) error {
	number := strings.TrimSpace(strings.TrimSuffix(text, "%"))
	v, err := strconv.ParseFloat(number, 64)
	if err != nil || math.IsNaN(v) || math.IsInf(v, 0) || v < 0 {
		return errors.New("expected a part in percent such as 5%")
	}
	*p = Percent(v)
	return nil
}

// String writes the part with the sign.
func (p *Percent) String() string {
	return strconv.FormatFloat(float64(*p), 'f', -1, 64) + "%"
}

// LeastPercent is a flag's value that is the least part wanted, in percent. At first it is none,
// which differs from 0.
type LeastPercent struct {
	Percent
	given bool
}

// Set parses a part in percent.
func (p *LeastPercent) Set(text string) error {
	p.given = true
	return p.Percent.Set(text)
}

// String writes the part with the sign; "" for none.
func (p *LeastPercent) String() string {
	if !p.given {
		return ""
	}
	return p.Percent.String()
}

// Rate is a flag's value that is how often something happens in a second; 0 stands for no rate.
type Rate float64

// Set parses a rate, such as 100, 100/s or 30/m.
func (r *Rate) Set(text string) error {
	number, unit, _ := strings.Cut(text, "/")
	seconds, ok := map[string]float64{"": 1, "s": 1, "m": 60, "h": 3600}[strings.TrimSpace(unit)]
	v, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	if v /= seconds; err != nil || !ok || !(v > 0) || v > 1e9 {
		return errors.New("expected how many in a second, such as 100 or 100/s")
	}
	*r = Rate(v)
	return nil
}

// String writes the rate; "" for none.
func (r *Rate) String() string {
	if *r == 0 {
		return ""
	}
	return strconv.FormatFloat(float64(*r), 'f', -1, 64)
}
