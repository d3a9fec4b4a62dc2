// Package queue holds bytes between a guest and the network, in chunks of memory that are used
// again.
package queue

import (
	"slices"
	"sync"
)

const (
	// gather is the size of the chunk that small pieces share, in bytes.
	gather = 4 << 10
	// blockSize is the size of chunks for larger pieces, in bytes.
	blockSize = 64 << 10
)

// blocks are unused blocks.
var blocks = sync.Pool{New: func() any { return new([blockSize]byte) }}

// Bytes is a queue of bytes. The zero value is empty and ready to use; it must not be copied. It is
// not safe for concurrent use.
type Bytes struct {
	size   int
	chunks []chunk
	first  [1]chunk // storage for chunks: most bodies are one piece
}

// chunk is a part of a queue.
type chunk struct {
	bytes []byte
	block *[blockSize]byte // the memory of bytes, or nil
}

// free releases the chunk's block.
func (c *chunk) free() {
	if c.block != nil {
		blocks.Put(c.block)
	}
	*c = chunk{}
}

// Len returns the number of bytes.
func (q *Bytes) Len() int { return q.size }

// Append appends a copy of p.
func (q *Bytes) Append(p []byte) {
	q.size += len(p)
	for len(p) > 0 {
		p = p[q.fill(p):]
	}
}

// fill appends a beginning of p to the last chunk, or to a new one if that is full, and returns its
// length.
func (q *Bytes) fill(p []byte) (n int) {
	if q.chunks == nil {
		q.chunks = q.first[:0]
	}
	last := len(q.chunks) - 1
	if last < 0 || len(q.chunks[last].bytes) == cap(q.chunks[last].bytes) {
		var c chunk
		switch {
		case len(p) > gather:
			c.block = blocks.Get().(*[blockSize]byte)
			c.bytes = c.block[:0]
		case last < 0:
			c.bytes = make([]byte, 0, len(p)) // often the whole body
		default:
			c.bytes = make([]byte, 0, gather)
		}
		q.chunks = append(q.chunks, c)
		last++
	}
	c := &q.chunks[last].bytes
	n = min(len(p), cap(*c)-len(*c))
	*c = append(*c, p[:n]...)
	return n
}

// Take moves bytes from the front to p and returns their number: all of them, or len(p).
func (q *Bytes) Take(p []byte) (n int) {
	i := 0
	for ; i < len(q.chunks) && n < len(p); i++ {
		c := &q.chunks[i]
		m := copy(p[n:], c.bytes)
		n += m
		if m < len(c.bytes) {
			c.bytes = c.bytes[m:]
			break
		}
		c.free()
	}
	q.size -= n
	q.chunks = slices.Delete(q.chunks, 0, i)
	return n
}

// Drop removes all bytes.
func (q *Bytes) Drop() {
	for i := range q.chunks {
		q.chunks[i].free()
	}
	q.chunks, q.size = q.chunks[:0], 0
}
