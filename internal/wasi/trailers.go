package wasi

import (
	"slices"
	"strings"
)

// trailing returns what of f may follow a body, frozen. The others are left out: a receiver needs
// them before the body, and one that took them from its end could be made to frame, route or trust
// a message differently from the parties before it (RFC 9110, 6.5.1). f may be nil.
func (f *Fields) trailing() *Fields {
	if f == nil {
		return nil
	}
	if !slices.ContainsFunc(f.entries, func(e entry) bool { return !mayTrail(e.key) }) {
		return f.Freeze()
	}
	kept := f.Clone()
	kept.entries = slices.DeleteFunc(kept.entries, func(e entry) bool {
		if mayTrail(e.key) {
			return false
		}
		kept.bytes -= size(e.Name, e.Value)
		return true
	})
	return kept.Freeze()
}

// mayTrail reports whether a field with that lower-case name may be a trailer. Those that
// FieldRules.forbidden lists never get as far as here.
func mayTrail(key string) bool {
	switch key {
	case contentLength, "trailer", // framing
		"cache-control", "expect", "max-forwards", "pragma", "range", "te", // request modifiers
		"authorization", "cookie", "set-cookie", "www-authenticate", // authentication
		"age", "date", "expires", "location", "retry-after", "vary", // response control
		"content-encoding", "content-range", "content-type": // what the body is
		return false
	}
	return !strings.HasPrefix(key, "if-")
}
