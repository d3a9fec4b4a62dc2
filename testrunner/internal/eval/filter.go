package eval

import (
	"encoding/base64"
	"encoding/hex"
	"math"
	"net/url"
	"strconv"
	"strings"
	"time"

	"golang.org/x/text/encoding/unicode"

	"github.com/wasihttp/wasihttp/internal/fixture"
	"github.com/wasihttp/wasihttp/internal/fixture/hurl"
	"github.com/wasihttp/wasihttp/testrunner/internal/xpath"
)

// Filters applies filters to a value, from left to right. If it returns neither a value nor an
// error, the last filter had no result.
func (s *Scope) Filters(v *Value, filters []*hurl.Filter) (*Value, *Error) {
	for _, f := range filters {
		if v == nil {
			return nil, errorAt(f.Range, "Filter error", "there is no value to apply %s to", f.Kind)
		}
		var err *Error
		if v, err = s.filter(*v, f); err != nil {
			return nil, err
		}
	}
	return v, nil
}

// filter applies one filter.
func (s *Scope) filter(v Value, f *hurl.Filter) (*Value, *Error) {
	switch f.Kind {
	case hurl.FilterCount, hurl.FilterFirst, hurl.FilterLast, hurl.FilterNth:
		return s.filterCollection(v, f)
	case hurl.FilterToInt, hurl.FilterToFloat, hurl.FilterToString:
		return filterConvert(v, f)
	case hurl.FilterDateFormat, hurl.FilterFormat, hurl.FilterDaysAfterNow,
		hurl.FilterDaysBeforeNow:
		return s.filterDate(v, f)
	case hurl.FilterBase64Encode, hurl.FilterBase64URLSafeEncode, hurl.FilterCharsetDecode,
		hurl.FilterDecode, hurl.FilterUTF8Decode, hurl.FilterToHex:
		return s.filterBytes(v, f)
	case hurl.FilterLocation:
		if v.Kind != HTTPResponse {
			return nil, wrongInput(f, v, "an http response")
		}
		return some(text(v.Text))
	}
	return s.filterText(v, f)
}

func some(v Value) (*Value, *Error) { return &v, nil }

func wrongInput(f *hurl.Filter, v Value, want string) *Error {
	return errorAt(f.Range, "Filter error", "%s takes %s, not %s", f.Kind, want, v.Describe())
}

func filterFault(f *hurl.Filter, format string, args ...any) *Error {
	return errorAt(f.Range, "Filter error", format, args...)
}

func (s *Scope) filterCollection(v Value, f *hurl.Filter) (*Value, *Error) {
	if f.Kind == hurl.FilterCount {
		switch v.Kind {
		case List:
			return some(integer(int64(len(v.List))))
		case Bytes:
			return some(integer(int64(len(v.Bytes))))
		case Nodeset:
			return some(integer(v.Int))
		}
		return nil, wrongInput(f, v, "a list, bytes or a nodeset")
	}
	if v.Kind != List {
		return nil, wrongInput(f, v, "a list")
	}
	n, i := int64(len(v.List)), int64(0)
	switch f.Kind {
	case hurl.FilterLast:
		i = n - 1
	case hurl.FilterNth:
		arg, err := s.Value(f.Args[0])
		if err != nil {
			return nil, err
		}
		if arg.Kind != Integer {
			return nil, errorAt(f.Args[0].Range, "Invalid argument", "expected an integer, not %s",
				arg.Describe())
		}
		if i = arg.Int; i < 0 {
			i += n
		}
		if i < 0 || i >= n {
			return nil, filterFault(f, "the list has %d items, none at %d", n, arg.Int)
		}
	}
	if n == 0 {
		return nil, filterFault(f, "the list is empty")
	}
	return some(v.List[i])
}

func filterConvert(v Value, f *hurl.Filter) (*Value, *Error) {
	if f.Kind == hurl.FilterToString {
		s, ok := v.Render()
		if !ok {
			return nil, wrongInput(f, v, "a value that can be text")
		}
		return some(text(s))
	}
	if f.Kind == hurl.FilterToInt {
		switch v.Kind {
		case Integer:
			return some(v)
		case Float:
			return some(integer(saturated(v.Float)))
		case String:
			if n, err := strconv.ParseInt(v.Text, 10, 64); err == nil {
				return some(integer(n))
			}
			return nil, filterFault(f, "%s is not an integer", v.Describe())
		}
		return nil, wrongInput(f, v, "a number or a string")
	}
	switch v.Kind {
	case Integer:
		return some(float(float64(v.Int)))
	case Float:
		return some(v)
	case String:
		if n, ok := parseFloat(v.Text); ok {
			return some(float(n))
		}
		return nil, filterFault(f, "%s is not a number", v.Describe())
	}
	return nil, wrongInput(f, v, "a number or a string")
}

// parseFloat parses a decimal number. Numbers that are too large become infinite.
func parseFloat(s string) (float64, bool) {
	f, err := strconv.ParseFloat(s, 64)
	return f, (err == nil || math.IsInf(f, 0)) && !strings.ContainsAny(s, "xX_pP")
}

// saturated truncates f to an integer. It returns the nearest integer for numbers out of range, and
// 0 for NaN.
func saturated(f float64) int64 {
	switch {
	case math.IsNaN(f):
		return 0
	case f >= math.MaxInt64:
		return math.MaxInt64
	case f <= math.MinInt64:
		return math.MinInt64
	}
	return int64(f)
}

func (s *Scope) filterDate(v Value, f *hurl.Filter) (*Value, *Error) {
	if v.Kind != Date {
		return nil, wrongInput(f, v, "a date")
	}
	const day = 24 * time.Hour
	switch f.Kind {
	case hurl.FilterDaysAfterNow:
		return some(integer(int64(v.Time.Sub(s.Now()) / day)))
	case hurl.FilterDaysBeforeNow:
		return some(integer(int64(s.Now().Sub(v.Time) / day)))
	}
	layout, err := s.argument(f.Args[0])
	if err != nil {
		return nil, err
	}
	out, formatErr := formatDate(v.Time, layout)
	if formatErr != nil {
		return nil, filterFault(f, "%v", formatErr)
	}
	return some(text(out))
}

func (s *Scope) filterBytes(v Value, f *hurl.Filter) (*Value, *Error) {
	if v.Kind != Bytes {
		return nil, wrongInput(f, v, "bytes")
	}
	switch f.Kind {
	case hurl.FilterBase64Encode:
		return some(text(base64.StdEncoding.EncodeToString(v.Bytes)))
	case hurl.FilterBase64URLSafeEncode:
		return some(text(base64.RawURLEncoding.EncodeToString(v.Bytes)))
	case hurl.FilterToHex:
		return some(text(hex.EncodeToString(v.Bytes)))
	case hurl.FilterUTF8Decode:
		return some(text(validUTF8(v.Bytes)))
	}
	label, err := s.argument(f.Args[0])
	if err != nil {
		return nil, err
	}
	out, decodeErr := decodeCharset(v.Bytes, label)
	if decodeErr != nil {
		return nil, filterFault(f, "%v", decodeErr)
	}
	return some(text(out))
}

// filterText applies the filters that take a string and no argument.
func (s *Scope) filterText(v Value, f *hurl.Filter) (*Value, *Error) {
	if v.Kind != String {
		return nil, wrongInput(f, v, "a string")
	}
	switch f.Kind {
	case hurl.FilterBase64Decode, hurl.FilterBase64URLSafeDecode:
		encoding := base64.StdEncoding
		if f.Kind == hurl.FilterBase64URLSafeDecode {
			encoding = base64.RawURLEncoding
		}
		out, err := encoding.Strict().DecodeString(v.Text)
		if err != nil || strings.ContainsAny(v.Text, "\r\n") {
			return nil, filterFault(f, "%s is not base64 of this kind", v.Describe())
		}
		return some(data(out))
	case hurl.FilterUTF8Encode:
		return some(data([]byte(v.Text)))
	case hurl.FilterHTMLEscape:
		return some(text(htmlEscape(v.Text)))
	case hurl.FilterHTMLUnescape:
		return some(text(htmlUnescape(v.Text)))
	case hurl.FilterURLEncode:
		return some(text(fixture.PercentEncode(v.Text, "-._~/")))
	case hurl.FilterURLDecode:
		return some(text(validUTF8([]byte(percentDecode(v.Text)))))
	}
	return s.filterTextWith(v, f)
}

// filterTextWith applies the filters that take a string and arguments.
func (s *Scope) filterTextWith(v Value, f *hurl.Filter) (*Value, *Error) {
	switch f.Kind {
	case hurl.FilterRegex:
		re, err := s.regex(f.Args[0])
		if err != nil {
			return nil, err
		}
		return s.firstGroup(re, v.Text), nil
	case hurl.FilterReplaceRegex:
		re, err := s.regex(f.Args[0])
		if err != nil {
			return nil, err
		}
		with, err := s.argument(f.Args[1])
		if err != nil {
			return nil, err
		}
		return some(text(s.replaceAll(re, v.Text, with)))
	case hurl.FilterJSONPath:
		return s.jsonText(f.Args[0], v.Text)
	case hurl.FilterXPath:
		tree, err := xpath.ParseHTML(s.Work, v.Text)
		return s.xPath(f.Args[0], tree, err)
	}
	arg, err := s.argument(f.Args[0])
	if err != nil {
		return nil, err
	}
	switch f.Kind {
	case hurl.FilterSplit:
		return some(list(split(v.Text, arg)))
	case hurl.FilterReplace:
		with, err := s.argument(f.Args[1])
		if err != nil {
			return nil, err
		}
		return some(text(strings.ReplaceAll(v.Text, arg, with)))
	case hurl.FilterToDate:
		t, parseErr := parseDate(v.Text, arg)
		if parseErr != nil {
			return nil, filterFault(f, "%q is not a date of the form %q: %v", v.Text, arg, parseErr)
		}
		return some(date(t))
	case hurl.FilterURLQueryParam:
		u, parseErr := url.Parse(v.Text)
		if parseErr != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			return nil, filterFault(f, "%s is not an absolute URL", v.Describe())
		}
		return queryParam(u, arg), nil
	}
	return nil, filterFault(f, "unknown filter")
}

// split cuts s at each sep. If sep is empty, it cuts before and behind each character, so that the
// first and the last item are empty.
func split(s, sep string) []Value {
	parts := strings.Split(s, sep)
	if sep == "" {
		parts = append(append([]string{""}, parts...), "")
	}
	items := make([]Value, len(parts))
	for i, p := range parts {
		items[i] = text(p)
	}
	return items
}

func queryParam(u *url.URL, name string) *Value {
	for _, pair := range strings.Split(u.RawQuery, "&") {
		key, value, _ := strings.Cut(pair, "=")
		if pair != "" && unescapeParam(key) == name {
			v := text(unescapeParam(value))
			return &v
		}
	}
	return nil
}

// unescapeParam decodes a part of a query string; what is not an escape stays as it is.
func unescapeParam(s string) string {
	if out, err := url.QueryUnescape(s); err == nil {
		return out
	}
	return s
}

// percentDecode decodes percent-encoded bytes; what is not an escape stays as it is.
func percentDecode(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			if c, err := hex.DecodeString(s[i+1 : i+3]); err == nil {
				b.Write(c)
				i += 2
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// validUTF8 decodes UTF-8. Each longest beginning of a character that is not completed becomes one
// replacement character.
func validUTF8(data []byte) string {
	// It replaces what it cannot read, so it does not fail.
	out, _ := unicode.UTF8.NewDecoder().Bytes(data)
	return string(out)
}

// EncodeParam percent-encodes the value of a query or form parameter.
func EncodeParam(s string) string { return fixture.PercentEncode(s, "-._~") }
