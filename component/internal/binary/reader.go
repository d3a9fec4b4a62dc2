package binary

import (
	"fmt"
	"unicode/utf8"
)

// reader walks over the input. The first error sticks: afterwards every method returns a zero value
// and reads nothing, so that callers check once, where they would otherwise loop or keep a result.
type reader struct {
	data    []byte // the whole input, cut at the end of what may be read
	pos     int
	section string
	parts   int // read so far
	err     *Error
}

// maxParts bounds how many sections, definitions and parts of them there may be. Each takes some
// 200 bytes of memory and a microsecond, though it may be written in two bytes; a Python
// interpreter with all of WASI has 5,700, its largest core module 14,000.
const maxParts = 1_000_000

// part counts n parts that are to be read.
func (r *reader) part(n int) {
	if r.parts += n; r.parts > maxParts {
		r.failAt(r.pos, "more than %d sections, definitions and parts of them", maxParts)
	}
}

func (r *reader) failAt(offset int, format string, args ...any) {
	if r.err == nil {
		r.err = &Error{Offset: offset, Section: r.section, Msg: fmt.Sprintf(format, args...)}
	}
}

func (r *reader) left() int { return len(r.data) - r.pos }

// badByte reports a byte, the one read last, that is not one of those the format has at this place.
func (r *reader) badByte(b byte, what string) {
	r.failAt(r.pos-1, "unexpected byte 0x%02x for %s", b, what)
}

func (r *reader) byte(what string) byte {
	if r.err != nil {
		return 0
	}
	if r.pos >= len(r.data) {
		r.failAt(r.pos, "unexpected end, expected %s", what)
		return 0
	}
	b := r.data[r.pos]
	r.pos++
	return b
}

func (r *reader) peek() (byte, bool) {
	if r.err != nil || r.pos >= len(r.data) {
		return 0, false
	}
	return r.data[r.pos], true
}

// bytes returns n bytes of the input itself.
func (r *reader) bytes(n uint32, what string) []byte {
	if r.err != nil {
		return nil
	}
	if uint64(n) > uint64(r.left()) {
		r.failAt(r.pos, "unexpected end: %s has %d bytes, %d are left", what, n, r.left())
		return nil
	}
	b := r.data[r.pos : r.pos+int(n) : r.pos+int(n)]
	r.pos += int(n)
	return b
}

// uleb reads an unsigned LEB128 number of at most bits bits, strictly: neither more bytes than bits
// need nor bits beyond.
func (r *reader) uleb(bits uint, what string) uint64 {
	start := r.pos
	var v uint64
	for shift := uint(0); ; shift += 7 {
		b := r.byte(what)
		if r.err != nil {
			return 0
		}
		if room := bits - shift; room < 7 {
			if b&0x80 != 0 {
				r.failAt(start, "number too long: %s", what)
				return 0
			}
			if b>>room != 0 {
				r.failAt(start, "number too large: %s", what)
				return 0
			}
		}
		v |= uint64(b&0x7f) << shift
		if b&0x80 == 0 {
			return v
		}
	}
}

func (r *reader) u32(what string) uint32 { return uint32(r.uleb(32, what)) }

// s33 reads a signed LEB128 number of at most 33 bits.
func (r *reader) s33(what string) int64 {
	start := r.pos
	var v int64
	for shift := uint(0); ; shift += 7 {
		b := r.byte(what)
		if r.err != nil {
			return 0
		}
		v |= int64(b&0x7f) << shift
		if shift == 28 {
			if top := b & 0x70; b&0x80 != 0 || top != 0 && top != 0x70 {
				r.failAt(start, "number too large: %s", what)
				return 0
			}
		}
		if b&0x80 == 0 {
			if b&0x40 != 0 {
				v |= -1 << (shift + 7)
			}
			return v
		}
	}
}

// count reads the length of a vector whose items take at least one byte each.
func (r *reader) count(what string) int {
	start := r.pos
	n := r.u32("number of " + what)
	if r.err == nil && uint64(n) > uint64(r.left()) {
		r.failAt(start, "unexpected end: %d %s in %d bytes", n, what, r.left())
	}
	if r.err == nil {
		r.part(int(n))
	}
	if r.err != nil {
		return 0
	}
	return int(n)
}

// vec reads a vector. What it allocates grows with what was really read.
func vec[T any](r *reader, what string, item func() T) []T {
	n := r.count(what)
	var list []T
	for range n {
		v := item()
		if r.err != nil {
			return nil
		}
		list = append(list, v)
	}
	return list
}

// name reads a length-prefixed UTF-8 string.
func (r *reader) name(what string) string {
	n := r.u32("length of " + what)
	start := r.pos
	b := r.bytes(n, what)
	if r.err == nil && !utf8.Valid(b) {
		r.failAt(start, "malformed UTF-8 in %s", what)
		return ""
	}
	return string(b)
}

// flag reads a byte that is 0 or 1.
func (r *reader) flag(what string) bool {
	switch b := r.byte(what); b {
	case 0:
		return false
	case 1:
		return true
	default:
		r.badByte(b, what)
		return false
	}
}

// optional reads what follows the byte 1, nothing after the byte 0.
func optional[T any](r *reader, what string, item func() T) *T {
	if !r.flag("the presence of " + what) {
		return nil
	}
	v := item()
	if r.err != nil {
		return nil
	}
	return &v
}
