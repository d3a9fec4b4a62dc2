package eval

import (
	"bytes"
	"net/netip"
	"regexp"
	"strings"
	"time"

	"github.com/wasihttp/wasihttp/internal/fixture/hurl"
)

// Mismatch describes a predicate that does not hold.
type Mismatch struct {
	Actual   string // what was found
	Expected string // what the predicate expects
	// TypeError reports whether the kinds cannot be compared, in which case the predicate with
	// "not" does not hold either.
	TypeError bool
}

// Check tests a predicate on a value; a nil v stands for no value. It returns nil, nil if the
// predicate holds.
func (s *Scope) Check(p *hurl.Predicate, v *Value) (*Mismatch, *Error) {
	var want Value
	if p.Value != nil {
		var err *Error
		if want, err = s.Value(p.Value); err != nil {
			return nil, err
		}
		if p.Kind == hurl.PredicateMatches && want.Kind == String {
			re, err := s.regex(p.Value)
			if err != nil {
				return nil, err
			}
			want = Value{Kind: Regex, Regex: re, Text: want.Text}
		}
	}
	holds, comparable := false, true
	if v != nil {
		holds, comparable = s.holds(p.Kind, *v, want)
	}
	if comparable && holds != p.Not {
		return nil, nil
	}
	m := &Mismatch{Actual: "nothing", Expected: expectation(p.Kind, want), TypeError: !comparable}
	if v != nil {
		m.Actual = v.Describe()
	}
	if p.Not {
		m.Expected = "not " + m.Expected
	}
	return m, nil
}

// expectation describes what a predicate expects.
func expectation(kind hurl.PredicateKind, want Value) string {
	switch kind {
	case hurl.PredicateEqual:
		return want.Describe()
	case hurl.PredicateNotEqual:
		return "anything but " + want.Describe()
	case hurl.PredicateGreater:
		return "greater than " + want.Describe()
	case hurl.PredicateGreaterOrEqual:
		return "greater than or equal to " + want.Describe()
	case hurl.PredicateLess:
		return "less than " + want.Describe()
	case hurl.PredicateLessOrEqual:
		return "less than or equal to " + want.Describe()
	case hurl.PredicateStartsWith:
		return "to start with " + want.Describe()
	case hurl.PredicateEndsWith:
		return "to end with " + want.Describe()
	case hurl.PredicateContains, hurl.PredicateIncludes:
		return "to contain " + want.Describe()
	case hurl.PredicateMatches:
		return "to match " + want.Describe()
	case hurl.PredicateExists:
		return "anything"
	case hurl.PredicateIsEmpty:
		return "to be empty"
	case hurl.PredicateIsISODate:
		return "a string with a date as in RFC 3339"
	case hurl.PredicateIsIPv4:
		return "a string with an IPv4 address"
	case hurl.PredicateIsIPv6:
		return "a string with an IPv6 address"
	case hurl.PredicateIsUUID:
		return "a string with a UUID"
	case hurl.PredicateIsCollection:
		return "a list, object, bytes or nodeset"
	}
	return strings.ToLower(strings.TrimPrefix(string(kind), "is"))
}

// holds tests a predicate on a value. comparable is false if the predicate does not apply to values
// of this kind.
func (s *Scope) holds(kind hurl.PredicateKind, v, want Value) (holds, comparable bool) {
	switch kind {
	case hurl.PredicateEqual:
		return Equal(v, want), true
	case hurl.PredicateNotEqual:
		return !Equal(v, want), true
	case hurl.PredicateGreater, hurl.PredicateGreaterOrEqual, hurl.PredicateLess,
		hurl.PredicateLessOrEqual:
		return ordered(kind, v, want)
	case hurl.PredicateStartsWith, hurl.PredicateEndsWith, hurl.PredicateContains,
		hurl.PredicateIncludes:
		return contains(kind, v, want)
	case hurl.PredicateMatches:
		if v.Kind != String || want.Kind != Regex {
			return false, false
		}
		return s.matches(want.Regex, v.Text), true
	case hurl.PredicateExists:
		return v.Kind != Nodeset || v.Int > 0, true
	case hurl.PredicateIsEmpty:
		return isEmpty(v)
	case hurl.PredicateIsISODate, hurl.PredicateIsIPv4, hurl.PredicateIsIPv6, hurl.PredicateIsUUID:
		if v.Kind != String {
			return false, false
		}
		return hasForm(kind, v.Text), true
	}
	return isKind(kind, v.Kind), true
}

func isKind(predicate hurl.PredicateKind, k Kind) bool {
	switch predicate {
	case hurl.PredicateIsBoolean:
		return k == Bool
	case hurl.PredicateIsString:
		return k == String
	case hurl.PredicateIsDate:
		return k == Date
	case hurl.PredicateIsInteger:
		return k == Integer || k == BigInteger
	case hurl.PredicateIsFloat:
		return k == Float
	case hurl.PredicateIsNumber:
		return k == Integer || k == BigInteger || k == Float
	case hurl.PredicateIsList:
		return k == List || k == Bytes
	case hurl.PredicateIsObject:
		return k == Object || k == Nodeset
	case hurl.PredicateIsCollection:
		return k == List || k == Bytes || k == Object || k == Nodeset
	}
	return false
}

func ordered(kind hurl.PredicateKind, v, want Value) (holds, comparable bool) {
	var c int
	switch {
	case v.isNumber() && want.isNumber():
		if c = compareNumbers(v, want); c == 2 {
			return false, true
		}
	case v.Kind == String && want.Kind == String:
		c = strings.Compare(v.Text, want.Text)
	case v.Kind == Date && want.Kind == Date:
		c = v.Time.Compare(want.Time)
	default:
		return false, false
	}
	switch kind {
	case hurl.PredicateGreater:
		return c > 0, true
	case hurl.PredicateGreaterOrEqual:
		return c >= 0, true
	case hurl.PredicateLess:
		return c < 0, true
	}
	return c <= 0, true
}

func contains(kind hurl.PredicateKind, v, want Value) (holds, comparable bool) {
	if v.Kind == List && (kind == hurl.PredicateContains || kind == hurl.PredicateIncludes) {
		for _, item := range v.List {
			if Equal(item, want) {
				return true, true
			}
		}
		return false, true
	}
	if kind == hurl.PredicateIncludes {
		return false, false
	}
	switch {
	case v.Kind == String && want.Kind == String:
		switch kind {
		case hurl.PredicateStartsWith:
			return strings.HasPrefix(v.Text, want.Text), true
		case hurl.PredicateEndsWith:
			return strings.HasSuffix(v.Text, want.Text), true
		}
		return strings.Contains(v.Text, want.Text), true
	case v.Kind == Bytes && want.Kind == Bytes:
		switch kind {
		case hurl.PredicateStartsWith:
			return bytes.HasPrefix(v.Bytes, want.Bytes), true
		case hurl.PredicateEndsWith:
			return bytes.HasSuffix(v.Bytes, want.Bytes), true
		}
		return bytes.Contains(v.Bytes, want.Bytes), true
	}
	return false, false
}

func isEmpty(v Value) (holds, comparable bool) {
	switch v.Kind {
	case String:
		return v.Text == "", true
	case List:
		return len(v.List) == 0, true
	case Object:
		return len(v.Object) == 0, true
	case Bytes:
		return len(v.Bytes) == 0, true
	case Nodeset:
		return v.Int == 0, true
	}
	return false, false
}

// hasForm reports whether a string has the form that a predicate asks for.
func hasForm(kind hurl.PredicateKind, s string) bool {
	switch kind {
	case hurl.PredicateIsISODate:
		return isISODate(s)
	case hurl.PredicateIsUUID:
		return isUUID(s)
	}
	a, err := netip.ParseAddr(s)
	return err == nil && a.Zone() == "" && (kind == hurl.PredicateIsIPv4) == a.Is4()
}

// isISODate reports whether s is a date with time and zone as in RFC 3339, which permits a blank in
// place of the T.
func isISODate(s string) bool {
	if len(s) > 10 && (s[10] == ' ' || s[10] == 't') {
		s = s[:10] + "T" + s[11:]
	}
	if s == "" {
		return false
	}
	if strings.HasSuffix(s, "z") {
		s = s[:len(s)-1] + "Z"
	}
	_, err := time.Parse(time.RFC3339Nano, s)
	return err == nil && !strings.Contains(s, ",")
}

// isUUID reports whether s is a UUID, with or without hyphens, in braces or as a URN.
func isUUID(s string) bool {
	const digits = `[0-9a-fA-F]`
	hyphens := digits + `{8}-` + digits + `{4}-` + digits + `{4}-` + digits + `{4}-` +
		digits + `{12}`
	forms := digits + `{32}|` + hyphens + `|\{` + hyphens + `\}|urn:uuid:` + hyphens
	ok, err := regexp.MatchString(`\A(?:`+forms+`)\z`, s)
	return ok && err == nil
}
