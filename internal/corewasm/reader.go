package corewasm

import (
	"fmt"
	"unicode/utf8"
)

// FormatError reports where the bytes of a module are malformed.
type FormatError struct {
	// Offset counts bytes from the start of the module.
	Offset int
	// Reason is a short phrase without the offset.
	Reason string
}

// Error returns reason and offset in one line.
func (e *FormatError) Error() string {
	return fmt.Sprintf("%s at offset 0x%x", e.Reason, e.Offset)
}

// FeatureError reports that a module needs a part of the language that is not supported; it may be
// well-formed.
type FeatureError struct {
	// Feature names it as the proposals do.
	Feature string
	// Offset is where the feature is used first, as far as the module has been read, in bytes.
	Offset int
}

// Error returns the feature and the offset in one line.
func (e *FeatureError) Error() string {
	return fmt.Sprintf("it uses %s, which is not supported here (build it without), at offset 0x%x",
		e.Feature, e.Offset)
}

// The features that are known and not supported.
const (
	featureGC       = "garbage collection (structs, arrays and subtypes)"
	featureLegacyEH = "the first version of exception handling (try and catch; the final one is " +
		"try_table)"
	featureSwitching = "stack switching"
	featureThreads   = "threads (shared memories and atomic instructions)"
	featureRelaxed   = "relaxed SIMD"
	featureWide      = "wide arithmetic"
	featureMemory64  = "64-bit memories or tables (memory64)"
	featurePageSizes = "custom page sizes"
)

// featureOf returns the feature that an instruction belongs to, or "" if the instruction is
// supported or not known.
func featureOf(op byte, sub uint32) string {
	switch {
	case op == 0xfb:
		return featureGC
	case op == 0x06 || op == 0x07 || op == 0x09 || op == 0x18 || op == 0x19:
		return featureLegacyEH
	case op >= 0xe0 && op <= 0xe6:
		return featureSwitching
	case op == 0xfe:
		return featureThreads
	case op == 0xfd && sub >= 0x100 && sub <= 0x113:
		return featureRelaxed
	case op == 0xfc && sub >= 19 && sub <= 22:
		return featureWide
	}
	return ""
}

// reader walks bytes with a sticky error: after the first failure every read returns zero values,
// so that callers check once.
type reader struct {
	b    []byte
	pos  int
	base int // offset of b[0] in the module
	err  error
	// info, unless nil, bounds the indices; visible bounds the globals that a constant expression
	// may read.
	info    *Info
	visible uint32
}

func (r *reader) fail(format string, args ...any) {
	r.failAt(r.pos, format, args...)
}

func (r *reader) failAt(pos int, format string, args ...any) {
	if r.err == nil {
		r.err = &FormatError{Offset: r.base + pos, Reason: fmt.Sprintf(format, args...)}
		r.pos = len(r.b)
	}
}

// lacks fails because of a feature.
func (r *reader) lacks(pos int, feature string) {
	if r.err == nil {
		r.err = &FeatureError{Feature: feature, Offset: r.base + pos}
		r.pos = len(r.b)
	}
}

// badOpcode fails because of an instruction.
func (r *reader) badOpcode(pos int, op byte, reason string) {
	if f := featureOf(op, 0); f != "" {
		r.lacks(pos, f)
		return
	}
	r.failAt(pos, "unknown opcode 0x%02x%s", op, reason)
}

func (r *reader) more() bool { return r.err == nil && r.pos < len(r.b) }

func (r *reader) byte() byte {
	if r.pos >= len(r.b) {
		r.fail("unexpected end")
		return 0
	}
	c := r.b[r.pos]
	r.pos++
	return c
}

// bytes returns the next n bytes, aliasing the input.
func (r *reader) bytes(n uint32) []byte {
	if uint64(n) > uint64(len(r.b)-r.pos) {
		r.fail("unexpected end: %d bytes wanted, %d left", n, len(r.b)-r.pos)
		return nil
	}
	s := r.b[r.pos : r.pos+int(n) : r.pos+int(n)]
	r.pos += int(n)
	return s
}

// u32 reads an unsigned LEB128 number of at most 32 bits.
func (r *reader) u32() uint32 {
	return uint32(r.uleb(32))
}

func (r *reader) uleb(bits uint) uint64 {
	start := r.pos
	var v uint64
	for shift := uint(0); ; shift += 7 {
		c := r.byte()
		if r.err != nil {
			return 0
		}
		if left := bits - shift; left < 7 && c>>left != 0 {
			r.failAt(start, "integer too long")
			return 0
		}
		v |= uint64(c&0x7f) << shift
		if c&0x80 == 0 {
			return v
		}
	}
}

// sleb reads a signed LEB128 number of at most the given bits.
func (r *reader) sleb(bits uint) int64 {
	start := r.pos
	var v int64
	for shift := uint(0); ; {
		c := r.byte()
		if r.err != nil {
			return 0
		}
		v |= int64(c&0x7f) << shift
		shift += 7
		if c&0x80 == 0 {
			if shift < 64 && c&0x40 != 0 {
				v |= -1 << shift
			}
			if bits < 64 && v>>(bits-1) != 0 && v>>(bits-1) != -1 {
				r.failAt(start, "integer too large")
				return 0
			}
			return v
		}
		if shift >= bits {
			r.failAt(start, "integer too long")
			return 0
		}
	}
}

// count reads the length of a vector whose elements take at least one byte
// each, so that a hostile length cannot make the caller allocate much.
func (r *reader) count(what string) int {
	start := r.pos
	n := r.u32()
	if uint64(n) > uint64(len(r.b)-r.pos) {
		r.failAt(start, "%s: length %d out of bounds", what, n)
		return 0
	}
	return int(n)
}

func (r *reader) name() string {
	start := r.pos
	b := r.bytes(r.u32())
	if !utf8.Valid(b) {
		r.failAt(start, "name is not UTF-8")
		return ""
	}
	return string(b)
}

// sub returns a reader over the next n bytes.
func (r *reader) sub(n uint32) reader {
	at := r.base + r.pos
	b := r.bytes(n)
	return reader{b: b, base: at, err: r.err}
}

func appendU32(dst []byte, v uint32) []byte {
	for v >= 0x80 {
		dst = append(dst, byte(v)|0x80)
		v >>= 7
	}
	return append(dst, byte(v))
}

func appendS32(dst []byte, v int32) []byte { return appendS64(dst, int64(v)) }

func appendS64(dst []byte, v int64) []byte {
	for {
		c := byte(v & 0x7f)
		v >>= 7
		if (v == 0 && c&0x40 == 0) || (v == -1 && c&0x40 != 0) {
			return append(dst, c)
		}
		dst = append(dst, c|0x80)
	}
}

func appendName(dst []byte, s string) []byte {
	return append(appendU32(dst, uint32(len(s))), s...)
}
