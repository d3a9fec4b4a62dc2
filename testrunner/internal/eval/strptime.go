package eval

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// dateParts is what was read of a date.
type dateParts struct {
	year, month, day, yearDay int // 0: not given
	hour, minute, second, ns  int
	offset                    int // seconds east of UTC
	century, shortYear        int // -1: not given
	pm, half                  bool
	hasPM                     bool
	unix                      *int64
}

var errIncomplete = errors.New("the format does not give a whole date")

// parseDate reads a date. Without a zone it is in UTC, without a time it is
// midnight.
func parseDate(s, format string) (time.Time, error) {
	list, err := parseFormat(format)
	if err != nil {
		return time.Time{}, err
	}
	parts := dateParts{century: -1, shortYear: -1}
	for _, d := range list {
		if s, err = parts.read(d, s); err != nil {
			return time.Time{}, err
		}
	}
	if s != "" {
		return time.Time{}, fmt.Errorf("%q is left over", s)
	}
	return parts.time()
}

// time puts the parts together.
func (p *dateParts) time() (time.Time, error) {
	if p.unix != nil {
		return time.Unix(*p.unix, int64(p.ns)).UTC(), nil
	}
	if p.year == 0 && p.shortYear >= 0 {
		switch {
		case p.century >= 0:
			p.year = p.century*100 + p.shortYear
		case p.shortYear < 70:
			p.year = 2000 + p.shortYear
		default:
			p.year = 1900 + p.shortYear
		}
	}
	if p.half {
		p.hour %= 12
		if p.hasPM && p.pm {
			p.hour += 12
		}
	}
	if p.yearDay > 0 && p.month == 0 {
		p.month, p.day = 1, p.yearDay
	} else if p.month == 0 || p.day == 0 || p.month > 12 || p.day > daysIn(p.year, p.month) {
		return time.Time{}, errIncomplete
	}
	if p.year == 0 {
		return time.Time{}, errIncomplete
	}
	if p.hour > 23 || p.minute > 59 || p.second > 60 {
		return time.Time{}, errors.New("there is no such time")
	}
	return time.Date(p.year, time.Month(p.month), p.day, p.hour, p.minute, p.second, p.ns, time.FixedZone("", p.offset)).UTC(), nil
}

func daysIn(year, month int) int {
	return time.Date(year, time.Month(month)+1, 0, 0, 0, 0, 0, time.UTC).Day()
}

// read takes one piece of the format off s.
func (p *dateParts) read(d directive, s string) (string, error) {
	if d.letter == 0 {
		return readLiteral(d.literal, s)
	}
	switch d.letter {
	case 'Y', 'G':
		return readNumber(s, 9, true, &p.year)
	case 'C':
		return readNumber(s, 2, false, &p.century)
	case 'y', 'g':
		return readNumber(s, 2, false, &p.shortYear)
	case 'm':
		return readNumber(s, 2, false, &p.month)
	case 'd', 'e':
		return readNumber(s, 2, false, &p.day)
	case 'j':
		return readNumber(s, 3, false, &p.yearDay)
	case 'H', 'k':
		return readNumber(s, 2, false, &p.hour)
	case 'I', 'l':
		p.half = true
		return readNumber(s, 2, false, &p.hour)
	case 'M':
		return readNumber(s, 2, false, &p.minute)
	case 'S':
		return readNumber(s, 2, false, &p.second)
	case 'b', 'h', 'B':
		return readName(s, 12, func(i int) string { return time.Month(i + 1).String() }, func(i int) { p.month = i + 1 })
	case 'a', 'A':
		return readName(s, 7, func(i int) string { return time.Weekday(i).String() }, func(int) {})
	case 'P', 'p':
		return p.readPM(s)
	case 'w', 'u', 'U', 'W', 'V':
		var ignored int
		return readNumber(s, 2, false, &ignored)
	case 'f':
		return p.readFraction(d.variant, s)
	case 'z':
		return p.readOffset(s)
	case 'Z':
		return strings.TrimLeft(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"), nil
	case 's':
		end := len(s) - len(strings.TrimLeft(s, "-0123456789"))
		n, err := strconv.ParseInt(s[:end], 10, 64)
		p.unix = &n
		return s[end:], err
	case 't', 'n':
		return strings.TrimLeft(s, " \t\n\r"), nil
	}
	return readLiteral("%", s)
}

// readLiteral takes text off s; white space stands for any amount of it.
func readLiteral(literal, s string) (string, error) {
	for _, r := range literal {
		if r == ' ' || r == '\t' || r == '\n' || r == '\r' {
			s = strings.TrimLeft(s, " \t\n\r")
			continue
		}
		rest, ok := strings.CutPrefix(s, string(r))
		if !ok {
			return s, fmt.Errorf("expected %q before %q", literal, s)
		}
		s = rest
	}
	return s, nil
}

func readNumber(s string, width int, signed bool, into *int) (string, error) {
	s = strings.TrimLeft(s, " ")
	end := 0
	if signed && s != "" && (s[0] == '-' || s[0] == '+') {
		end, width = 1, width+1
	} else if signed {
		width = 4
	}
	for end < len(s) && end < width && s[end] >= '0' && s[end] <= '9' {
		end++
	}
	n, err := strconv.Atoi(s[:end])
	if err != nil {
		return s, fmt.Errorf("expected a number before %q", s)
	}
	*into = n
	return s[end:], nil
}

// readName takes a name off s, long or cut to three letters, whatever its case.
func readName(s string, count int, name func(int) string, found func(int)) (string, error) {
	for i := range count {
		for _, form := range []string{name(i), name(i)[:3]} {
			if len(s) >= len(form) && strings.EqualFold(s[:len(form)], form) {
				found(i)
				return s[len(form):], nil
			}
		}
	}
	return s, fmt.Errorf("expected a name before %q", s)
}

func (p *dateParts) readPM(s string) (string, error) {
	if len(s) < 2 || !strings.EqualFold(s[:2], "am") && !strings.EqualFold(s[:2], "pm") {
		return s, fmt.Errorf("expected AM or PM before %q", s)
	}
	p.hasPM, p.pm = true, s[0] == 'p' || s[0] == 'P'
	return s[2:], nil
}

func (p *dateParts) readFraction(variant, s string) (string, error) {
	if strings.HasPrefix(variant, ".") {
		rest, ok := strings.CutPrefix(s, ".")
		if !ok {
			return s, nil // a fraction of this form may be missing
		}
		s = rest
	}
	end := len(s) - len(strings.TrimLeft(s, "0123456789"))
	if end == 0 {
		return s, fmt.Errorf("expected a fraction before %q", s)
	}
	digits := (s[:end] + "000000000")[:9]
	if variant == "" { // a count of nanoseconds, not a fraction
		digits = s[:min(end, 9)]
	}
	var err error
	p.ns, err = strconv.Atoi(digits)
	return s[end:], err
}

// readOffset takes Z, +hh, +hhmm or +hh:mm off s.
func (p *dateParts) readOffset(s string) (string, error) {
	if s != "" && (s[0] == 'Z' || s[0] == 'z') {
		return s[1:], nil
	}
	if s == "" || s[0] != '+' && s[0] != '-' {
		return s, fmt.Errorf("expected an offset such as +01:00 before %q", s)
	}
	negative := s[0] == '-'
	var hours, minutes int
	rest, err := readNumber(s[1:], 2, false, &hours)
	if err != nil {
		return s, err
	}
	rest = strings.TrimPrefix(rest, ":")
	if rest != "" && rest[0] >= '0' && rest[0] <= '9' {
		if rest, err = readNumber(rest, 2, false, &minutes); err != nil {
			return s, err
		}
	}
	p.offset = hours*3600 + minutes*60
	if negative {
		p.offset = -p.offset
	}
	return rest, nil
}
