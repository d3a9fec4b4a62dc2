package eval

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// The formats of dates are those of strftime in the chrono crate
// (https://docs.rs/chrono/latest/chrono/format/strftime/).

// directive is a piece of a format.
type directive struct {
	literal string // if letter is 0
	pad     byte   // '-', '_' or '0' if the format changes the padding, else 0
	letter  byte
	variant string // what stands before the letter: ":", "::", ".", ".3", "3", "#"
}

// parseFormat parses a format and resolves compound specifiers.
func parseFormat(format string) ([]directive, error) {
	var out []directive
	for format != "" {
		i := strings.IndexByte(format, '%')
		if i < 0 {
			return append(out, directive{literal: format}), nil
		}
		if i > 0 {
			out = append(out, directive{literal: format[:i]})
		}
		format = format[i+1:]
		d, rest, err := parseSpecifier(format)
		if err != nil {
			return nil, err
		}
		format = rest
		if compound := compounds(d.letter); compound != "" && d.variant == "" {
			inner, err := parseFormat(compound)
			if err != nil {
				return nil, err
			}
			out = append(out, inner...)
			continue
		}
		out = append(out, d)
	}
	return out, nil
}

// compounds returns the format that a specifier abbreviates, or "" if it is not a compound.
func compounds(letter byte) string {
	switch letter {
	case 'D', 'x':
		return "%m/%d/%y"
	case 'F':
		return "%Y-%m-%d"
	case 'v':
		return "%e-%b-%Y"
	case 'R':
		return "%H:%M"
	case 'T', 'X':
		return "%H:%M:%S"
	case 'r':
		return "%I:%M:%S %p"
	case 'c':
		return "%a %b %e %H:%M:%S %Y"
	}
	return ""
}

func parseSpecifier(s string) (d directive, rest string, err error) {
	unknown := func() (directive, string, error) {
		return d, s, fmt.Errorf("unknown specifier %%%.4s", s)
	}
	full := s
	if s != "" && strings.IndexByte("-_0", s[0]) >= 0 {
		d.pad, s = s[0], s[1:]
	}
	for _, variant := range []string{":::", "::", ":", ".3", ".6", ".9", ".", "3", "6", "9", "#"} {
		if strings.HasPrefix(s, variant) {
			d.variant, s = variant, s[len(variant):]
			break
		}
	}
	if s == "" {
		s = full
		return unknown()
	}
	d.letter = s[0]
	known := false
	switch d.variant {
	case "":
		known = d.pad == 0 && strings.IndexByte("bBhaADxFvPpRTXrZzc+tn%", s[0]) >= 0 ||
			strings.IndexByte("YCyqmdewuUWGgVjHkIlMSfs", s[0]) >= 0
	case ":", "::", ":::", "#":
		known = d.pad == 0 && s[0] == 'z'
	default:
		known = d.pad == 0 && s[0] == 'f'
	}
	if !known {
		s = full
		return unknown()
	}
	return d, s[1:], nil
}

// formatDate formats a date in UTC.
func formatDate(t time.Time, format string) (string, error) {
	list, err := parseFormat(format)
	if err != nil {
		return "", err
	}
	t = t.UTC()
	var b strings.Builder
	for _, d := range list {
		if d.letter == 0 {
			b.WriteString(d.literal)
			continue
		}
		b.WriteString(d.format(t))
	}
	return b.String(), nil
}

// number pads n by default with pad, unless the format says otherwise.
func (d directive) number(n, width int, pad byte) string {
	switch d.pad {
	case '-':
		return strconv.Itoa(n)
	case '_':
		pad = ' '
	case '0':
		pad = '0'
	}
	if pad == ' ' {
		return fmt.Sprintf("%*d", width, n)
	}
	return fmt.Sprintf("%0*d", width, n)
}

func (d directive) format(t time.Time) string {
	isoYear, isoWeek := t.ISOWeek()
	hour12 := (t.Hour()+11)%12 + 1
	switch d.letter {
	case 'Y':
		return d.number(t.Year(), 4, '0')
	case 'C':
		return d.number(t.Year()/100, 2, '0')
	case 'y':
		return d.number(t.Year()%100, 2, '0')
	case 'm':
		return d.number(int(t.Month()), 2, '0')
	case 'q':
		return strconv.Itoa((int(t.Month()) + 2) / 3)
	case 'b', 'h':
		return t.Month().String()[:3]
	case 'B':
		return t.Month().String()
	case 'd':
		return d.number(t.Day(), 2, '0')
	case 'e':
		return d.number(t.Day(), 2, ' ')
	case 'a':
		return t.Weekday().String()[:3]
	case 'A':
		return t.Weekday().String()
	case 'w':
		return strconv.Itoa(int(t.Weekday()))
	case 'u':
		return strconv.Itoa((int(t.Weekday())+6)%7 + 1)
	case 'U':
		return d.number((t.YearDay()+6-int(t.Weekday()))/7, 2, '0')
	case 'W':
		return d.number((t.YearDay()+6-(int(t.Weekday())+6)%7)/7, 2, '0')
	case 'G':
		return d.number(isoYear, 4, '0')
	case 'g':
		return d.number(isoYear%100, 2, '0')
	case 'V':
		return d.number(isoWeek, 2, '0')
	case 'j':
		return d.number(t.YearDay(), 3, '0')
	case 'H':
		return d.number(t.Hour(), 2, '0')
	case 'k':
		return d.number(t.Hour(), 2, ' ')
	case 'I':
		return d.number(hour12, 2, '0')
	case 'l':
		return d.number(hour12, 2, ' ')
	case 'P':
		return strings.ToLower(t.Format("PM"))
	case 'p':
		return t.Format("PM")
	case 'M':
		return d.number(t.Minute(), 2, '0')
	case 'S':
		return d.number(t.Second(), 2, '0')
	case 'f':
		return formatFraction(t.Nanosecond(), d.variant)
	case 'Z':
		return "UTC"
	case 'z':
		return map[string]string{
			"": "+0000", ":": "+00:00", "::": "+00:00:00", ":::": "+00", "#": "+00",
		}[d.variant]
	case '+':
		return t.Format("2006-01-02T15:04:05") + formatFraction(t.Nanosecond(), ".") + "+00:00"
	case 's':
		return strconv.FormatInt(t.Unix(), 10)
	case 't':
		return "\t"
	case 'n':
		return "\n"
	}
	return "%"
}

// formatFraction formats the fraction of a second in one of its variants.
func formatFraction(ns int, variant string) string {
	digits := fmt.Sprintf("%09d", ns)
	switch variant {
	case "":
		return digits
	case ".":
		switch {
		case ns == 0:
			return ""
		case ns%1e6 == 0:
			return "." + digits[:3]
		case ns%1e3 == 0:
			return "." + digits[:6]
		}
		return "." + digits
	}
	n := int(variant[len(variant)-1] - '0')
	return strings.TrimRight(variant, "369") + digits[:n]
}
