package xpath

import (
	"math"
	"strconv"
	"strings"
)

func toBool(v any) bool {
	switch v := v.(type) {
	case bool:
		return v
	case float64:
		return v != 0 && !math.IsNaN(v)
	case string:
		return v != ""
	case *set:
		return len(v.spans) > 0
	}
	return false
}

func toNumber(v any) float64 {
	switch v := v.(type) {
	case float64:
		return v
	case bool:
		if v {
			return 1
		}
		return 0
	}
	text := strings.Trim(toString(v), " \t\r\n")
	digits := strings.TrimPrefix(text, "-")
	if digits == "" || !isDigit(digits[0]) && digits[0] != '.' ||
		strings.Trim(digits, "0123456789.eE+-") != "" {
		return math.NaN()
	}
	n, err := strconv.ParseFloat(text, 64)
	if err != nil && !math.IsInf(n, 0) {
		return math.NaN()
	}
	return n
}

func toString(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case bool:
		return strconv.FormatBool(v)
	case float64:
		return formatNumber(v)
	case *set:
		if n := v.first(); n != nil {
			return n.value()
		}
	}
	return ""
}

// precision is the number of significant digits that are written.
const precision = 15

// formatNumber writes a number as libxml2 does: with an exponent if it is very large or very small.
func formatNumber(n float64) string {
	abs := math.Abs(n)
	switch {
	case math.IsNaN(n):
		return "NaN"
	case math.IsInf(n, 1):
		return "Infinity"
	case math.IsInf(n, -1):
		return "-Infinity"
	case n == math.Trunc(n) && abs < math.MaxInt32:
		return strconv.FormatInt(int64(n), 10)
	case abs > 1e9 || abs < 1e-5:
		mantissa, exponent, _ := strings.Cut(strconv.FormatFloat(n, 'e', precision-1, 64), "e")
		return trimFraction(mantissa) + "e" + exponent
	}
	places := int(math.Log10(abs))
	fraction := precision - places
	if places > 0 {
		fraction--
	}
	return trimFraction(strconv.FormatFloat(n, 'f', fraction, 64))
}

func trimFraction(s string) string {
	if !strings.Contains(s, ".") {
		return s
	}
	return strings.TrimRight(strings.TrimRight(s, "0"), ".")
}
