package component

import (
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/wasihttp/wasihttp/component/internal/binary"
)

// utf16Tag marks a latin1+utf16 string as UTF-16 in its length.
const utf16Tag = 1 << 31

// A string Value remembers in its bits how the caller held it, because the canonical ABI sizes
// allocations by that: the simple encoding in the low two bits, whether it came from the
// latin1+utf16 option in the third, code units above, and above them its own length. Zero stands
// for one of the embedder's, in UTF-8.
const (
	srcUTF8    = 0
	srcUTF16   = 1
	srcLatin1  = 2
	srcMask    = 3
	srcTagged  = 4
	srcUnitsAt = 3
	srcBits    = 32 // what all of that takes
)

func (c *cx) liftString(p, n uint32) Value {
	enc := c.opts.enc
	src := uint64(srcUTF8)
	if enc == binary.Latin1UTF16 {
		src = srcLatin1 | srcTagged
		if n&utf16Tag != 0 {
			n &^= utf16Tag
			src = srcUTF16 | srcTagged
		}
	} else if enc == binary.UTF16 {
		src = srcUTF16
	}
	unit, align := uint64(1), uint32(1)
	if src&srcMask == srcUTF16 {
		unit = 2
	}
	if enc != binary.UTF8 {
		align = 2
	}
	size := uint64(n) * unit
	if size > maxStringBytes {
		trapf("string is too long: %d bytes", size)
	}
	c.check(p, uint32(size), align, "string")
	c.charge(size)
	b := c.mem[p : uint64(p)+size]
	var s string
	switch src & srcMask {
	case srcUTF16:
		s = c.decodeUTF16(b)
	case srcLatin1:
		s = c.decodeLatin1(b)
	default:
		s = c.decodeUTF8(b)
	}
	return stringOf(s, src|uint64(n)<<srcUnitsAt)
}

func (c *cx) decodeUTF8(b []byte) string {
	s := string(b)
	for part := range c.parts(s) {
		if !utf8.ValidString(part) {
			trapf("string content is not valid UTF-8")
		}
	}
	return s
}

func (c *cx) decodeUTF16(b []byte) string {
	out := make([]byte, 0, len(b))
	next := partBytes
	for i := 0; i < len(b); i += 2 {
		if i >= next {
			c.pause()
			next += partBytes
		}
		r := rune(le.Uint16(b[i:]))
		if utf16.IsSurrogate(r) {
			i += 2
			var low rune
			if i < len(b) {
				low = rune(le.Uint16(b[i:]))
			}
			if r = utf16.DecodeRune(r, low); r == utf8.RuneError {
				trapf("string content is not valid UTF-16: unpaired surrogate")
			}
		}
		out = utf8.AppendRune(out, r)
	}
	return string(out)
}

func (c *cx) decodeLatin1(b []byte) string {
	out := make([]byte, 0, len(b))
	for i, x := range b {
		if i%partBytes == partBytes-1 {
			c.pause()
		}
		out = utf8.AppendRune(out, rune(x))
	}
	return string(out)
}

func (c *cx) appendUTF16(out []byte, s string) []byte {
	for part := range c.parts(s) {
		for _, r := range part {
			if r1, r2 := utf16.EncodeRune(r); r1 != utf8.RuneError {
				out = le.AppendUint16(le.AppendUint16(out, uint16(r1)), uint16(r2))
			} else {
				out = le.AppendUint16(out, uint16(r))
			}
		}
	}
	return out
}

// lowerString writes a string into the receiver's memory: pointer and length in code units (tagged
// for latin1+utf16). The sequence of allocations is that of CanonicalABI.md,
// store_string_into_range, since guests can observe it.
func (c *cx) lowerString(v Value) (p, n uint32) {
	s := v.Str()
	source := uint32(v.bits)
	src := source & srcMask
	units := source >> srcUnitsAt
	if source == 0 {
		if !utf8.ValidString(s) {
			s = strings.ToValidUTF8(s, "\uFFFD")
		}
		units = stringLen(s)
	}
	switch c.opts.enc {
	case binary.UTF8:
		switch src {
		case srcUTF16:
			return c.stringToUTF8(s, units, uint64(units)*3)
		case srcLatin1:
			return c.stringToUTF8(s, units, uint64(units)*2)
		}
		p = c.allocString(0, 0, 1, uint64(len(s)))
		c.write(uint64(p), s)
		return p, uint32(len(s))
	case binary.UTF16:
		if src == srcUTF8 {
			return c.utf8ToUTF16(s, units)
		}
		p = c.allocString(0, 0, 2, uint64(units)*2)
		c.appendUTF16(c.mem[p:p:uint64(p)+uint64(units)*2], s)
		return p, units
	}
	if v.bits&srcTagged == 0 {
		return c.stringToLatin1OrUTF16(s, units)
	}
	if src == srcLatin1 {
		p = c.allocString(0, 0, 2, uint64(units))
		for part := range c.parts(s) {
			for _, r := range part {
				c.mem[p+n] = byte(r)
				n++
			}
		}
		return p, units
	}
	return c.probablyUTF16(s, units)
}

func stringLen(s string) uint32 {
	if uint64(len(s)) > maxStringBytes {
		trapf("string is too long: %d bytes", len(s))
	}
	return uint32(len(s))
}

func (c *cx) allocString(old, oldSize, align uint32, size uint64) uint32 {
	if size > maxStringBytes {
		trapf("string is too long: %d bytes", size)
	}
	return c.realloc(old, oldSize, align, uint32(size))
}

// stringToUTF8 starts with one byte per code unit, and grows to the worst case at the first one
// that needs more.
func (c *cx) stringToUTF8(s string, units uint32, worst uint64) (p, n uint32) {
	p = c.allocString(0, 0, 1, uint64(units))
	ascii := c.ascii(s)
	c.write(uint64(p), s[:ascii])
	if ascii == len(s) {
		return p, units
	}
	p = c.allocString(p, units, 1, worst)
	c.write(uint64(p)+uint64(ascii), s[ascii:])
	n = uint32(len(s))
	if worst > uint64(n) {
		p = c.allocString(p, uint32(worst), 1, uint64(n))
	}
	return p, n
}

// ascii returns how much of a string is ASCII, at its beginning.
func (c *cx) ascii(s string) (n int) {
	for part := range c.parts(s) {
		for i := range len(part) {
			if part[i] >= utf8.RuneSelf {
				return n + i
			}
		}
		n += len(part)
	}
	return n
}

func (c *cx) utf8ToUTF16(s string, units uint32) (p, n uint32) {
	worst := uint64(units) * 2
	p = c.allocString(0, 0, 2, worst)
	n = uint32(len(c.appendUTF16(c.mem[p:p:uint64(p)+worst], s)))
	if uint64(n) < worst {
		p = c.allocString(p, uint32(worst), 2, uint64(n))
	}
	return p, n / 2
}

// stringToLatin1OrUTF16 starts as Latin-1 and inflates at the first character beyond it.
func (c *cx) stringToLatin1OrUTF16(s string, units uint32) (p, n uint32) {
	p = c.allocString(0, 0, 2, uint64(units))
	for part := range c.parts(s) {
		for _, r := range part {
			if r >= 1<<8 {
				return c.inflate(s, p, units)
			}
			c.mem[p+n] = byte(r)
			n++
		}
	}
	if n < units {
		p = c.allocString(p, units, 2, uint64(n))
	}
	return p, n
}

// inflate stores as UTF-16 what has begun as Latin-1 at p.
func (c *cx) inflate(s string, p, units uint32) (uint32, uint32) {
	worst := uint64(units) * 2
	p = c.allocString(p, units, 2, worst)
	size := uint32(len(c.appendUTF16(c.mem[p:p:uint64(p)+worst], s)))
	if worst > uint64(size) {
		p = c.allocString(p, uint32(worst), 2, uint64(size))
	}
	return p, size/2 | utf16Tag
}

// probablyUTF16 lowers a string that came as UTF-16 from a latin1+utf16 caller: it stays UTF-16
// unless all of it fits Latin-1.
func (c *cx) probablyUTF16(s string, units uint32) (p, n uint32) {
	size := uint64(units) * 2
	p = c.allocString(0, 0, 2, size)
	c.appendUTF16(c.mem[p:p:uint64(p)+size], s)
	for part := range c.parts(s) {
		for _, r := range part {
			if r >= 1<<8 {
				return p, units | utf16Tag
			}
		}
	}
	for i := range units {
		c.mem[p+i] = c.mem[p+2*i]
		if i%partBytes == partBytes-1 {
			c.pause()
		}
	}
	return c.allocString(p, uint32(size), 1, uint64(units)), units
}
