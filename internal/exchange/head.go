package exchange

import (
	"fmt"
	"net/http"
	"net/textproto"
	"strconv"
	"strings"
)

// Field is a field of a head. The name is in canonical form.
type Field struct {
	Name   string
	Values []string
}

// FieldTaker is an optional method of an [http.ResponseWriter], which costs less than a map.
// TakeFields takes fields of the head that is about to be written, beside those of Header, which
// has none of that name; they stay the caller's, and do not change before that. Content-Type
// without a value means that none is to be guessed.
type FieldTaker interface{ TakeFields([]Field) }

// head is the head of a response, as it will be passed on.
type head struct {
	fields   []Field
	room     [6]Field // of fields
	declared []string // the only line about the length, if there is one, and it is one
}

// take takes the fields of a response, and returns the length of the body that they promise, -1 if
// they promise none. Lines that say the same are one (RFC 9110, section 8.6); those that contradict
// each other are an error, for the client and a proxy might believe different ones. What is no
// length is left out, as are reserved names.
func (h *head) take(c *Config, from http.Header) (length int64, err error) {
	length = -1
	h.fields, h.declared = h.room[:0], nil
	typed, twins := false, false
	for name, values := range from {
		canonical := CanonicalName(name)
		twins = twins || canonical != name
		switch {
		case canonical == "Content-Length":
			if length, err = lengthOf(values, length); err != nil {
				return 0, err
			}
			if len(values) == 1 && isLength(values[0]) {
				h.declared = values
			}
			continue
		case len(values) == 0 || c.reserved(canonical):
			continue
		case canonical == "Content-Type":
			typed = true
		}
		if twins && h.replace(canonical, values) {
			continue // spelled in another way, it is there
		}
		h.add(canonical, values)
	}
	if !typed {
		h.add("Content-Type", nil)
	}
	return length, nil
}

func (h *head) add(name string, values []string) {
	h.fields = append(h.fields, Field{name, values})
}

// replace replaces the values of a name. It reports whether that was there.
func (h *head) replace(name string, values []string) bool {
	for i := range h.fields {
		if f := &h.fields[i]; f.Name == name {
			f.Values = values
			return true
		}
	}
	return false
}

// length returns the values of Content-Length for a length, which is the one that take has
// returned, unless that was -1.
func (h *head) length(n int64) []string {
	if h.declared != nil {
		return h.declared
	}
	return []string{strconv.FormatInt(n, 10)}
}

// pass passes the fields on to w.
func (h *head) pass(w http.ResponseWriter) {
	if taker, ok := w.(FieldTaker); ok {
		taker.TakeFields(h.fields)
		return
	}
	header := w.Header()
	for _, f := range h.fields {
		if _, set := header[f.Name]; f.Values != nil || !set {
			header[f.Name] = f.Values
		}
	}
}

// lengthOf returns the length that lines of Content-Length promise beside another one, which is -1
// for none.
func lengthOf(lines []string, length int64) (int64, error) {
	for _, line := range lines {
		for value, more := "", true; more; {
			value, line, more = strings.Cut(line, ",")
			n, err := strconv.ParseUint(textproto.TrimString(value), 10, 63)
			if err != nil {
				continue
			}
			if length >= 0 && int64(n) != length {
				return 0, &ResponseError{
					Code:  "HTTP-protocol-error",
					Cause: fmt.Sprintf("the response has content-length %d and %d", length, n),
					Hint:  "set the header once, to the length of the body, or leave it out",
				}
			}
			length = int64(n)
		}
	}
	return length, nil
}

// isLength reports whether all of s is a length, which is not out of range, without more zeros than
// it needs.
func isLength(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s == "0" || 0 < len(s) && len(s) < 19 && s[0] != '0'
}
