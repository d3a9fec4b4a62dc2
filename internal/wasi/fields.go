package wasi

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"unsafe"

	"github.com/wasihttp/wasihttp/internal/timeline"
)

// The errors of changing fields; they correspond to the cases of header-error.
var (
	ErrFieldSyntax    = errors.New("invalid field name or value")
	ErrFieldForbidden = errors.New("field is forbidden")
	ErrFieldImmutable = errors.New("fields are immutable")
	ErrFieldsTooBig   = errors.New("fields exceed their size limit")
)

// DefaultFieldsBytes is the default of FieldRules.Bytes.
const DefaultFieldsBytes = 128 << 10

// fieldOverhead is what every entry counts beside its own bytes, in bytes, so that empty values are
// not free.
const fieldOverhead = 32

// FieldRules are an embedder's limits and additional rules for fields. They must not change once in
// use. A nil *FieldRules stands for the defaults.
type FieldRules struct {
	// Bytes limits the names and values of one fields value, with 32 bytes added for every entry; 0
	// means DefaultFieldsBytes. What came from the network is not held to it until a guest makes it
	// grow.
	Bytes int
	// Forbidden are lower-case names that guests may not use and never see, besides those of HTTP
	// connections.
	Forbidden []string
}

func (r *FieldRules) limit() int {
	if r != nil && r.Bytes > 0 {
		return r.Bytes
	}
	return DefaultFieldsBytes
}

// forbidden reports whether a lower-case name concerns the connection and thus the host alone.
func (r *FieldRules) forbidden(key string) bool {
	switch key {
	case "connection",
		"keep-alive",
		"proxy-authenticate",
		"proxy-authorization",
		"proxy-connection",
		"transfer-encoding",
		"upgrade",
		"host",
		"http2-settings":
		return true
	}
	return r != nil && slices.Contains(r.Forbidden, key)
}

// Field is one name with one value.
type Field struct {
	Name string
	// Value is never changed once it is part of a Fields.
	Value []byte
}

// Fields are HTTP fields, headers or trailers: pairs in order, found without regard to case. All
// values of a name have the spelling that was first used for it. Fields belong to one goroutine
// until they are frozen; then any may read them.
type Fields struct {
	rules   *FieldRules
	entries []entry
	room    [2]entry // storage for entries: many have few
	bytes   int
	frozen  bool
}

type entry struct {
	key string // lower-case name
	Field
}

// NewFields returns empty, mutable fields.
func NewFields(rules *FieldRules) *Fields {
	f := &Fields{rules: rules}
	f.entries = f.room[:0]
	return f
}

// Spare gives the State room for the next NewFields, which is zero; nil takes it back.
func (s *State) Spare(f *Fields) { s.spare = f }

// NewFields returns empty, mutable fields.
func (s *State) NewFields() *Fields {
	f := s.spare
	if f == nil {
		return NewFields(s.FieldRules())
	}
	s.spare = nil
	f.rules, f.entries = s.FieldRules(), f.room[:0]
	return f
}

// FieldsFromList returns mutable fields with these pairs. The first bad one decides the error.
func FieldsFromList(rules *FieldRules, list []Field) (*Fields, error) {
	f := NewFields(rules)
	for _, e := range list {
		if err := f.Append(e.Name, e.Value); err != nil {
			return nil, err
		}
	}
	return f, nil
}

// FieldsFromHTTP returns what arrived from the network as frozen fields: lower-case names in
// alphabetical order, without those that concern the connection. A name without values (a trailer
// that was announced but not sent) does not appear.
func FieldsFromHTTP(rules *FieldRules, h http.Header) *Fields {
	return new(Fields).fromHTTP(rules, h)
}

// fromHTTP makes f, which is zero, what FieldsFromHTTP returns.
func (f *Fields) fromHTTP(rules *FieldRules, h http.Header) *Fields {
	f.rules, f.frozen, f.entries = rules, true, f.room[:0]
	if len(h) > len(f.room) {
		f.entries = make([]entry, 0, len(h))
	}
	for name, values := range h {
		key := strings.ToLower(name)
		if rules.forbidden(key) {
			continue
		}
		if key == contentLength && len(values) > 1 {
			values = values[:1] // net/http lets no message in whose values differ
		}
		for _, v := range values {
			f.add(key, key, []byte(v))
		}
	}
	slices.SortStableFunc(f.entries, func(a, b entry) int { return strings.Compare(a.key, b.key) })
	return f
}

func size(name string, value []byte) int { return len(name) + len(value) + fieldOverhead }

func (f *Fields) add(key, name string, value []byte) {
	f.entries = append(f.entries, entry{key, Field{name, value}})
	f.bytes += size(name, value)
}

// Freeze makes f immutable, for good.
func (f *Fields) Freeze() *Fields {
	if !f.frozen { // frozen ones may be shared
		f.frozen = true
	}
	return f
}

// Frozen reports whether f is immutable.
func (f *Fields) Frozen() bool { return f.frozen }

// Len returns the number of pairs.
func (f *Fields) Len() int { return len(f.entries) }

// Clone returns a mutable copy.
func (f *Fields) Clone() *Fields {
	return &Fields{rules: f.rules, entries: slices.Clone(f.entries), bytes: f.bytes}
}

// Entries returns the pairs in order. The values must not be changed.
func (f *Fields) Entries() []Field {
	list := make([]Field, len(f.entries))
	for i := range f.entries {
		list[i] = f.entries[i].Field
	}
	return list
}

// Get returns the values of a name in order; none for a name that is absent or invalid. They must
// not be changed.
func (f *Fields) Get(name string) [][]byte {
	var values [][]byte
	for i := range f.entries {
		if f.entries[i].named(name) {
			values = append(values, f.entries[i].Value)
		}
	}
	return values
}

// named reports whether that is the name of the field. A name without end costs no more than one
// that is there.
func (e *entry) named(name string) bool {
	return len(name) == len(e.key) && strings.EqualFold(name, e.key)
}

// Has reports whether a name is present.
func (f *Fields) Has(name string) bool {
	return slices.ContainsFunc(f.entries, func(e entry) bool { return e.named(name) })
}

func (f *Fields) index(key string) int {
	return slices.IndexFunc(f.entries, func(e entry) bool { return e.key == key })
}

// change checks what every change needs, in the order in which guests see the errors, and returns
// the key of the name.
func (f *Fields) change(name string) (key string, err error) {
	if err := f.Admit(len(name)); err != nil {
		return "", err
	}
	if !validToken(name) {
		return "", ErrFieldSyntax
	}
	key = strings.ToLower(name)
	if f.rules.forbidden(key) {
		return "", ErrFieldForbidden
	}
	return key, nil
}

// Admit refuses, before anything looks at them, names and values of n bytes together that no fields
// could hold: a guest cannot make the host work on hundreds of megabytes.
func (f *Fields) Admit(n int) error {
	switch {
	case n <= f.rules.limit():
		return nil
	case f.frozen:
		return ErrFieldImmutable
	}
	return ErrFieldsTooBig
}

// Append adds a value, which f keeps. A second content-length that equals the first adds nothing;
// one that differs is invalid (RFC 9110, 8.6), because receivers may disagree about which one
// holds.
func (f *Fields) Append(name string, value []byte) error {
	key, err := f.change(name)
	if err == nil {
		err = f.Admit(len(value))
	}
	switch {
	case err != nil:
		return err
	case !validValue(key, value), f.conflicts(key, value):
		return ErrFieldSyntax
	case f.frozen:
		return ErrFieldImmutable
	case key == contentLength && f.Has(key):
		return nil
	case f.bytes+size(name, value) > f.rules.limit():
		return ErrFieldsTooBig
	}
	if i := f.index(key); i >= 0 {
		name = f.entries[i].Name
	}
	f.add(key, name, value)
	return nil
}

// conflicts reports whether value is another content-length than the one that f has.
func (f *Fields) conflicts(key string, value []byte) bool {
	if key != contentLength {
		return false
	}
	i := f.index(key)
	return i >= 0 && !sameLength(f.entries[i].Value, value)
}

// Set replaces all values of a name by these, which f keeps; none removes the name. The new values
// stand where the first old one stood. A content-length is kept once, however often it is given.
func (f *Fields) Set(name string, values [][]byte) error {
	key, err := f.change(name)
	switch {
	case err != nil:
		return err
	case f.frozen:
		return ErrFieldImmutable
	}
	total := f.bytes
	for i := range f.entries {
		if e := &f.entries[i]; e.key == key {
			total -= size(e.Name, e.Value)
		}
	}
	added := make([]entry, 0, len(values))
	for _, v := range values {
		if err := f.Admit(len(v)); err != nil {
			return err
		}
		if !validValue(key, v) {
			return ErrFieldSyntax
		}
		if key == contentLength && len(added) > 0 {
			if !sameLength(added[0].Value, v) {
				return ErrFieldSyntax
			}
			continue
		}
		added = append(added, entry{key, Field{name, v}})
		if total += size(name, v); total > f.rules.limit() {
			return ErrFieldsTooBig
		}
	}
	if len(values) > 0 && total > f.rules.limit() {
		return ErrFieldsTooBig
	}
	at := f.index(key)
	if at < 0 {
		at = len(f.entries)
	}
	f.remove(key)
	f.entries = slices.Insert(f.entries, at, added...)
	f.bytes = total
	return nil
}

// Delete removes all values of a name and returns them.
func (f *Fields) Delete(name string) ([][]byte, error) {
	key, err := f.change(name)
	switch {
	case err != nil:
		return nil, err
	case f.frozen:
		return nil, ErrFieldImmutable
	}
	return f.remove(key), nil
}

func (f *Fields) remove(key string) (removed [][]byte) {
	if f.index(key) < 0 {
		return nil
	}
	f.entries = slices.DeleteFunc(f.entries, func(e entry) bool {
		if e.key != key {
			return false
		}
		removed = append(removed, e.Value)
		f.bytes -= size(e.Name, e.Value)
		return true
	})
	return removed
}

// ContentLength returns the value of content-length; ok is false if there is none.
func (f *Fields) ContentLength() (n uint64, ok bool) {
	i := f.index(contentLength)
	if i < 0 {
		return 0, false
	}
	return parseLength(f.entries[i].Value)
}

// HTTP returns the fields for net/http, which recognises its own spelling of names alone.
func (f *Fields) HTTP() http.Header { return f.http(nil) }

// http is HTTP with room for values of names that occur once.
func (f *Fields) http(room []string) http.Header {
	h := make(http.Header, len(f.entries))
	if len(room) < len(f.entries) {
		room = make([]string, len(f.entries))
	}
	for i := range f.entries {
		e := &f.entries[i]
		name := e.httpName()
		value := unsafe.String(unsafe.SliceData(e.Value), len(e.Value)) // never changed
		if old, ok := h[name]; ok {
			h[name] = append(old, value)
			continue
		}
		room[i] = value
		h[name] = room[i : i+1 : i+1]
	}
	return h
}

// httpName returns the name as net/http spells it, which takes a while to find out for those that
// are not among the most common ones.
func (e *entry) httpName() string {
	switch e.key {
	case "cache-control":
		return "Cache-Control"
	case contentLength:
		return "Content-Length"
	case "content-type":
		return "Content-Type"
	case "date":
		return "Date"
	case "server":
		return "Server"
	case "vary":
		return "Vary"
	}
	return http.CanonicalHeaderKey(e.Name)
}

// timelineFields returns the fields for a timeline.
func (f *Fields) timelineFields() []timeline.Field {
	list := make([]timeline.Field, len(f.entries))
	for i := range f.entries {
		list[i] = timeline.Field{Name: f.entries[i].Name, Value: string(f.entries[i].Value)}
	}
	return list
}
