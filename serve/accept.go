package serve

import (
	"mime"
	"strconv"
	"strings"
)

// format is a way to write a report.
type format int

const (
	formatText format = iota
	formatJSON
	formatHTML
)

// negotiate chooses the format of a report from the Accept header's lines (RFC
// 9110, section 12.5.1). HTML and JSON must be asked for by name: programs that
// do not care send a wildcard, and get text. Among formats with the same
// weight, the richer one wins.
func negotiate(accept []string) format {
	best, quality := formatText, 0.0
	for part := range strings.SplitSeq(strings.Join(accept, ","), ",") {
		name, params, err := mime.ParseMediaType(part)
		if err != nil {
			continue
		}
		q := 1.0
		if s, ok := params["q"]; ok {
			if q, err = strconv.ParseFloat(s, 64); err != nil || q < 0 || q > 1 {
				continue
			}
		}
		f, ok := formatOf(name)
		if !ok || q == 0 {
			continue
		}
		if q > quality || q == quality && f > best {
			best, quality = f, q
		}
	}
	return best
}

// formatOf returns the format a media type names.
func formatOf(name string) (format, bool) {
	switch {
	case name == "text/html" || name == "application/xhtml+xml":
		return formatHTML, true
	case name == "application/json" || strings.HasSuffix(name, "+json"):
		return formatJSON, true
	case name == "text/plain":
		return formatText, true
	}
	return 0, false
}
