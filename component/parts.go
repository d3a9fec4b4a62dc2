package component

import (
	"iter"
	"unicode/utf8"
)

// What a guest passes to the host, or makes the host copy, can be hundreds of megabytes. Host code
// handles it in parts, and stops in between if the guest is to be stopped.
const (
	partBytes = 1 << 20
	partItems = 1 << 14 // of lists
)

// pause traps if the guest was interrupted.
func (c *cx) pause() {
	if err := c.th.store.group.Interrupted(); err != nil {
		panic(&callError{err})
	}
}

// item is called for each item of a list, with its index.
func (c *cx) item(i uint32) {
	if i%partItems == partItems-1 {
		c.pause()
	}
}

// parts cuts a string between characters.
func (c *cx) parts(s string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for len(s) > partBytes {
			n := partBytes
			for n > partBytes-utf8.UTFMax && !utf8.RuneStart(s[n]) {
				n--
			}
			if !yield(s[:n]) {
				return
			}
			s = s[n:]
			c.pause()
		}
		yield(s)
	}
}

// move copies as copy does; behind says whether dst is behind src in memory, in which case they may
// overlap.
func (c *cx) move(dst, src []byte, behind bool) {
	for behind && len(src) > partBytes {
		n := len(src) - partBytes
		copy(dst[n:], src[n:])
		src = src[:n]
		c.pause()
	}
	for len(src) > partBytes {
		copy(dst, src[:partBytes])
		dst, src = dst[partBytes:], src[partBytes:]
		c.pause()
	}
	copy(dst, src)
}

// write puts a string into memory.
func (c *cx) write(p uint64, s string) {
	for part := range c.parts(s) {
		p += uint64(copy(c.mem[p:], part))
	}
}
