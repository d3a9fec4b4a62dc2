package eval

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"time"
	"unicode"
)

// field is a part of a date that a format can contain.
type field int

const (
	fieldYear field = iota
	fieldCentury
	fieldShortYear
	fieldISOYear
	fieldISOShortYear
	fieldQuarter
	fieldMonth
	fieldDay
	fieldWeekSunday // of the year, from its first Sunday
	fieldWeekMonday
	fieldISOWeek
	fieldWeekday // 0: Sunday
	fieldYearDay
	fieldHalf // 0: before noon
	fieldHour // of the half
	fieldMinute
	fieldSecond
	fieldNanosecond
	fieldTimestamp
	fieldOffset // seconds east of UTC
)

// dateParts holds the parts of a date that were parsed. As in the chrono crate, a part that occurs
// twice must be the same, and weekday, week and quarter must be those of the date.
type dateParts map[field]int64

var (
	errIncomplete = errors.New("the format does not give a whole date")
	errNoSuchDate = errors.New("there is no such date")
	errNoSuchTime = errors.New("there is no such time")
)

// parseDate parses a date. Without a zone it is in UTC; without hour and minute it is at midnight.
func parseDate(s, format string) (time.Time, error) {
	list, err := parseFormat(format)
	if err != nil {
		return time.Time{}, err
	}
	parts := make(dateParts)
	for _, d := range list {
		if s, err = parts.read(d, s); err != nil {
			return time.Time{}, err
		}
	}
	if s != "" {
		return time.Time{}, fmt.Errorf("%q is left over", s)
	}
	offset := parts[fieldOffset]
	if offset <= -86400 || offset >= 86400 {
		offset = 0
	}
	if t, err := parts.moment(offset); err == nil {
		return t, nil
	}
	return parts.date()
}

// moment returns the time of the parts at an offset in seconds.
func (p dateParts) moment(offset int64) (time.Time, error) {
	timestamp, hasTimestamp := p[fieldTimestamp]
	day, dayErr := p.date()
	clock, clockErr := p.clock()
	if dayErr == nil && clockErr == nil {
		t := day.Add(clock - time.Duration(offset)*time.Second)
		if hasTimestamp && t.Unix() != timestamp {
			return time.Time{}, errNoSuchDate
		}
		return t, nil
	}
	if !hasTimestamp {
		return time.Time{}, errIncomplete
	}
	t := time.Unix(timestamp, p[fieldNanosecond]).UTC()
	if t.Year() < -maxYear || t.Year() > maxYear {
		return time.Time{}, errNoSuchDate
	}
	return t, nil
}

// clock returns the time of day as the time since midnight.
func (p dateParts) clock() (time.Duration, error) {
	for _, f := range []field{fieldHalf, fieldHour, fieldMinute} {
		if _, ok := p[f]; !ok {
			return 0, errIncomplete
		}
	}
	_, hasSecond := p[fieldSecond]
	_, hasNanosecond := p[fieldNanosecond]
	if hasNanosecond && !hasSecond {
		return 0, errIncomplete
	}
	seconds := (p[fieldHalf]*12+p[fieldHour])*3600 + p[fieldMinute]*60 + p[fieldSecond]
	return time.Duration(seconds)*time.Second + time.Duration(p[fieldNanosecond]), nil
}

// maxYear is the largest year, and the smallest one without its sign.
const maxYear = 262142

// date returns midnight, in UTC, of the day that the parts name.
func (p dateParts) date() (time.Time, error) {
	year, hasYear, err := p.year(fieldYear, fieldCentury, fieldShortYear)
	if err != nil {
		return time.Time{}, err
	}
	isoYear, hasISOYear, err := p.year(fieldISOYear, -1, fieldISOShortYear)
	if err != nil {
		return time.Time{}, err
	}
	has := func(fields ...field) bool {
		for _, f := range fields {
			if _, ok := p[f]; !ok {
				return false
			}
		}
		return true
	}
	var day time.Time
	switch {
	case hasYear && has(fieldMonth, fieldDay):
		day = time.Date(int(year), time.Month(p[fieldMonth]), int(p[fieldDay]), 0, 0, 0, 0,
			time.UTC)
	case hasYear && has(fieldYearDay):
		day = time.Date(int(year), 1, int(p[fieldYearDay]), 0, 0, 0, 0, time.UTC)
	case hasYear && has(fieldWeekSunday, fieldWeekday):
		day = dayOfWeek(year, p[fieldWeekSunday], p[fieldWeekday], 0)
	case hasYear && has(fieldWeekMonday, fieldWeekday):
		day = dayOfWeek(year, p[fieldWeekMonday], p[fieldWeekday], 1)
	case hasISOYear && has(fieldISOWeek, fieldWeekday):
		// 4 January is always in the first week.
		first := time.Date(int(isoYear), 1, 4, 0, 0, 0, 0, time.UTC)
		day = first.AddDate(0, 0,
			int(p[fieldISOWeek]-1)*7-mondays(first.Weekday())+
				mondays(time.Weekday(p[fieldWeekday])))
	default:
		return time.Time{}, errIncomplete
	}
	if hasYear && int64(day.Year()) != year || !p.agree(day) || day.Year() > maxYear ||
		day.Year() < -maxYear {
		return time.Time{}, errNoSuchDate
	}
	return day, nil
}

// mondays returns the number of days from Monday to a weekday.
func mondays(d time.Weekday) int { return (int(d) + 6) % 7 }

// dayOfWeek returns a weekday of a week of a year, in which week 1 begins on the first weekday
// named begins.
func dayOfWeek(year, week, weekday, begins int64) time.Time {
	newYear := time.Date(int(year), 1, 1, 0, 0, 0, 0, time.UTC)
	untilFirst := (7 + begins - int64(newYear.Weekday())) % 7
	return newYear.AddDate(0, 0, int(untilFirst+(week-1)*7+(7+weekday-begins)%7))
}

// year returns the year that the parts name, from the fields given.
func (p dateParts) year(whole, century, short field) (year int64, ok bool, err error) {
	y, hasYear := p[whole]
	q, hasCentury := p[century]
	r, hasShort := p[short]
	switch {
	case hasYear && (hasCentury && y/100 != q || hasShort && y%100 != r ||
		y < 0 && (hasCentury || hasShort)):
		return 0, false, errNoSuchDate
	case hasYear:
		return y, true, nil
	case hasCentury && hasShort:
		return q*100 + r, true, nil
	case hasCentury:
		return 0, false, errIncomplete
	case hasShort && r < 70:
		return 2000 + r, true, nil
	case hasShort:
		return 1900 + r, true, nil
	}
	return 0, false, nil
}

// agree reports whether all parsed parts of a date are those of day.
func (p dateParts) agree(day time.Time) bool {
	isoYear, isoWeek := day.ISOWeek()
	yearDay := int64(day.YearDay())
	is := map[field]int64{
		fieldMonth: int64(day.Month()), fieldDay: int64(day.Day()), fieldYearDay: yearDay,
		fieldWeekday: int64(day.Weekday()),
		fieldISOYear: int64(isoYear), fieldISOShortYear: int64(isoYear % 100),
		fieldISOWeek: int64(isoWeek), fieldQuarter: (int64(day.Month()) + 2) / 3,
		fieldWeekSunday: (yearDay + 6 - int64(day.Weekday())) / 7,
		fieldWeekMonday: (yearDay + 6 - int64(mondays(day.Weekday()))) / 7,
	}
	for f, value := range is {
		if got, ok := p[f]; ok && got != value {
			return false
		}
	}
	return true
}

// set sets a field to a value, which must be from least to most and the same as a known one.
func (p dateParts) set(f field, value, least, most int64) error {
	if before, ok := p[f]; value < least || value > most || ok && before != value {
		return errNoSuchDate
	}
	p[f] = value
	return nil
}

// numeric describes the specifiers that are numbers: the field, the most digits, and the range of
// the value.
type numeric struct {
	field       field
	width       int
	least, most int64
}

func numericField(letter byte) (n numeric, ok bool) {
	switch letter {
	case 'Y':
		return numeric{fieldYear, 4, math.MinInt32, math.MaxInt32}, true
	case 'C':
		return numeric{fieldCentury, 2, 0, 99}, true
	case 'y':
		return numeric{fieldShortYear, 2, 0, 99}, true
	case 'G':
		return numeric{fieldISOYear, 4, math.MinInt32, math.MaxInt32}, true
	case 'g':
		return numeric{fieldISOShortYear, 2, 0, 99}, true
	case 'q':
		return numeric{fieldQuarter, 1, 1, 4}, true
	case 'm':
		return numeric{fieldMonth, 2, 1, 12}, true
	case 'd', 'e':
		return numeric{fieldDay, 2, 1, 31}, true
	case 'U':
		return numeric{fieldWeekSunday, 2, 0, 53}, true
	case 'W':
		return numeric{fieldWeekMonday, 2, 0, 53}, true
	case 'V':
		return numeric{fieldISOWeek, 2, 1, 53}, true
	case 'j':
		return numeric{fieldYearDay, 3, 1, 366}, true
	case 'M':
		return numeric{fieldMinute, 2, 0, 59}, true
	case 'S':
		return numeric{fieldSecond, 2, 0, 60}, true
	case 's':
		return numeric{fieldTimestamp, math.MaxInt, 0, math.MaxInt64}, true
	}
	return numeric{}, false
}

// read parses a piece of the format at the beginning of s and returns the rest.
func (p dateParts) read(d directive, s string) (string, error) {
	if n, ok := numericField(d.letter); ok {
		value, rest, err := readNumber(s, n.width, d.letter == 'Y' || d.letter == 'G')
		if err != nil {
			return s, err
		}
		return rest, p.set(n.field, value, n.least, n.most)
	}
	switch d.letter {
	case 0:
		return readLiteral(d.literal, s)
	case 'H', 'k':
		hour, rest, err := readNumber(s, 2, false)
		if err != nil || hour > 23 {
			return s, errNoSuchTime
		}
		return rest, errors.Join(p.set(fieldHalf, hour/12, 0, 1), p.set(fieldHour, hour%12, 0, 11))
	case 'I', 'l':
		hour, rest, err := readNumber(s, 2, false)
		if err != nil || hour < 1 || hour > 12 {
			return s, errNoSuchTime
		}
		return rest, p.set(fieldHour, hour%12, 0, 11)
	case 'w':
		weekday, rest, err := readNumber(s, 1, false)
		return rest, errors.Join(err, p.set(fieldWeekday, weekday, 0, 6))
	case 'u':
		weekday, rest, err := readNumber(s, 1, false)
		if weekday < 1 || weekday > 7 {
			return s, errNoSuchDate
		}
		return rest, errors.Join(err, p.set(fieldWeekday, weekday%7, 0, 6))
	case 'b', 'h', 'B':
		month, rest, err := readName(s, 12, d.letter == 'B',
			func(i int) string { return time.Month(i + 1).String() })
		return rest, errors.Join(err, p.set(fieldMonth, int64(month+1), 1, 12))
	case 'a', 'A':
		weekday, rest, err := readName(s, 7, d.letter == 'A',
			func(i int) string { return time.Weekday(i).String() })
		return rest, errors.Join(err, p.set(fieldWeekday, int64(weekday), 0, 6))
	case 'P', 'p':
		return p.readPM(s)
	case 'f':
		return p.readFraction(d.variant, s)
	case 'z':
		return p.readOffset(s, d.variant == "#", d.variant == "#")
	case 'Z':
		return strings.TrimLeftFunc(s, func(r rune) bool { return !unicode.IsSpace(r) }), nil
	case '+':
		return p.readRFC3339(s)
	case 't', 'n':
		return trimSpace(s), nil
	}
	return readLiteral("%", s)
}

func trimSpace(s string) string { return strings.TrimLeftFunc(s, unicode.IsSpace) }

// readLiteral removes literal text from the beginning of s; white space matches any amount of it.
func readLiteral(literal, s string) (string, error) {
	for _, r := range literal {
		if unicode.IsSpace(r) {
			s = trimSpace(s)
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

// readNumber removes a number from the beginning of s. With a sign it may have more digits.
func readNumber(s string, width int, signed bool) (n int64, rest string, err error) {
	s = trimSpace(s)
	digits, negative := s, false
	if signed && s != "" && (s[0] == '-' || s[0] == '+') {
		digits, width, negative = s[1:], math.MaxInt, s[0] == '-'
	}
	end := 0
	for end < len(digits) && end < width && isDigit(digits[end]) {
		if n > (math.MaxInt64-9)/10 {
			return 0, s, errNoSuchDate
		}
		n = n*10 + int64(digits[end]-'0')
		end++
	}
	if end == 0 {
		return 0, s, fmt.Errorf("expected a number before %q", s)
	}
	if negative {
		n = -n
	}
	return n, digits[end:], nil
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// readName removes a name from the beginning of s, in upper or lower case, abbreviated to three
// letters or in full.
func readName(
	s string, count int, long bool, name func(int) string,
) (index int, rest string, err error) {
	for i := range count {
		full := name(i)
		switch {
		case len(s) < 3 || !strings.EqualFold(s[:3], full[:3]):
			continue
		case long && len(s) >= len(full) && strings.EqualFold(s[:len(full)], full):
			return i, s[len(full):], nil
		}
		return i, s[3:], nil
	}
	return 0, s, fmt.Errorf("expected a name before %q", s)
}

func (p dateParts) readPM(s string) (string, error) {
	if len(s) >= 2 && strings.EqualFold(s[:2], "am") {
		return s[2:], p.set(fieldHalf, 0, 0, 1)
	}
	if len(s) >= 2 && strings.EqualFold(s[:2], "pm") {
		return s[2:], p.set(fieldHalf, 1, 0, 1)
	}
	return s, fmt.Errorf("expected AM or PM before %q", s)
}

// readFraction parses a fraction of a second. A variant with a point is optional; one with a digit
// has that many digits.
func (p dateParts) readFraction(variant, s string) (string, error) {
	if variant == "" { // a count of nanoseconds, not a fraction
		n, rest, err := readNumber(s, 9, false)
		return rest, errors.Join(err, p.set(fieldNanosecond, n, 0, 999_999_999))
	}
	count, point := strings.CutPrefix(variant, ".")
	if point {
		rest, ok := strings.CutPrefix(s, ".")
		if !ok {
			return s, nil
		}
		s = rest
	}
	least, most := 1, 9
	if count != "" {
		least = int(count[0] - '0')
		most = least
	}
	end := 0
	for end < len(s) && end < most && isDigit(s[end]) {
		end++
	}
	if end < least {
		return s, fmt.Errorf("expected a fraction before %q", s)
	}
	n, _, err := readNumber((s[:end] + "00000000")[:9], 9, false)
	rest := s[end:]
	if count == "" {
		rest = strings.TrimLeft(rest, "0123456789")
	}
	return rest, errors.Join(err, p.set(fieldNanosecond, n, 0, 999_999_999))
}

// readOffset removes +hhmm or +hh:mm from the beginning of s. If zulu is true, Z is an offset, too;
// if permissive is true, the minutes are optional.
func (p dateParts) readOffset(s string, zulu, permissive bool) (string, error) {
	s = trimSpace(s)
	if zulu && s != "" && (s[0] == 'Z' || s[0] == 'z') {
		return s[1:], p.set(fieldOffset, 0, 0, 0)
	}
	negative := int64(1)
	rest, plus := strings.CutPrefix(s, "+")
	if !plus {
		minus := false
		for _, sign := range []string{"-", "−"} {
			if after, ok := strings.CutPrefix(s, sign); ok {
				rest, minus, negative = after, true, -1
			}
		}
		if !minus {
			return s, fmt.Errorf("expected an offset such as +01:00 before %q", s)
		}
	}
	if len(rest) < 2 || !isDigit(rest[0]) || !isDigit(rest[1]) {
		return s, fmt.Errorf("expected the hours of an offset before %q", rest)
	}
	seconds := int64(rest[0]-'0')*36000 + int64(rest[1]-'0')*3600
	rest = strings.TrimLeftFunc(rest[2:], func(r rune) bool {
		return r == ':' || unicode.IsSpace(r)
	})
	switch {
	case len(rest) >= 2 && rest[0] >= '0' && rest[0] <= '5' && isDigit(rest[1]):
		seconds += int64(rest[0]-'0')*600 + int64(rest[1]-'0')*60
		rest = rest[2:]
	case !permissive || rest != "":
		return s, fmt.Errorf("expected the minutes of an offset before %q", rest)
	}
	return rest, p.set(fieldOffset, negative*seconds, math.MinInt32, math.MaxInt32)
}

// readRFC3339 parses a date, a time and a zone as in RFC 3339, in which a blank may replace the T,
// and UTC the zone.
func (p dateParts) readRFC3339(s string) (string, error) {
	read := func(format string) error {
		list, err := parseFormat(format)
		for _, d := range list {
			if err == nil {
				s, err = p.read(d, s)
			}
		}
		return err
	}
	if err := read("%Y -%m -%d"); err != nil {
		return s, err
	}
	if s == "" || !strings.ContainsRune("tT ", rune(s[0])) {
		return s, fmt.Errorf("expected T before %q", s)
	}
	s = s[1:]
	if err := read("%H :%M :%S%.f "); err != nil {
		return s, err
	}
	if len(s) >= 3 && strings.EqualFold(s[:3], "UTC") {
		return s[3:], p.set(fieldOffset, 0, 0, 0)
	}
	return p.readOffset(s, true, false)
}
