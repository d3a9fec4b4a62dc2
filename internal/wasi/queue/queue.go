// Package queue holds bytes between a guest and the network, in chunks of memory that are used
// again.
package queue

import (
	"slices"
	"sync"
)

// sizes are those of blocks of memory, in bytes. The more bytes wait, the larger is the next block.
var sizes = [...]int{4 << 10, 64 << 10, 256 << 10}

// pools hold the unused blocks of each size.
var pools [len(sizes)]sync.Pool

// Bytes is a queue of bytes. The zero value is empty and ready to use; it must not be copied. It is
// not safe for concurrent use.
type Bytes struct {
	size   int
	chunks []Chunk
	first  [1]Chunk // storage for chunks: most bodies are one piece
}

// Chunk is a part of a queue. The zero value is empty.
type Chunk struct {
	// Bytes are what is in it.
	Bytes []byte
	block *[]byte // the memory of Bytes, or nil
	class int     // the index of its size
}

// newChunk returns an empty chunk with a block of that class.
func newChunk(class int) Chunk {
	block, ok := pools[class].Get().(*[]byte)
	if !ok {
		b := make([]byte, sizes[class])
		block = &b
	}
	return Chunk{(*block)[:0], block, class}
}

// Free empties the chunk and releases its memory: nobody may use the bytes any more.
func (c *Chunk) Free() {
	if c.block != nil {
		pools[c.class].Put(c.block)
	}
	*c = Chunk{}
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
	if last < 0 || len(q.chunks[last].Bytes) == cap(q.chunks[last].Bytes) {
		waiting := q.size - len(p) // the size has all of p already
		class := 0
		for class < len(sizes)-1 && sizes[class] < max(len(p), waiting) {
			class++
		}
		q.chunks = append(q.chunks, newChunk(class))
		last++
	}
	c := &q.chunks[last].Bytes
	n = min(len(p), cap(*c)-len(*c))
	*c = append(*c, p[:n]...)
	return n
}

// Pop removes the first chunk and returns it; it is empty if the queue is. The caller frees it.
func (q *Bytes) Pop() Chunk {
	if len(q.chunks) == 0 {
		return Chunk{}
	}
	c := q.chunks[0]
	q.size -= len(c.Bytes)
	q.chunks = slices.Delete(q.chunks, 0, 1)
	return c
}

// Take moves bytes from the front to p and returns their number: all of them, or len(p).
func (q *Bytes) Take(p []byte) (n int) {
	i := 0
	for ; i < len(q.chunks) && n < len(p); i++ {
		c := &q.chunks[i]
		m := copy(p[n:], c.Bytes)
		n += m
		if m < len(c.Bytes) {
			c.Bytes = c.Bytes[m:]
			break
		}
		c.Free()
	}
	q.size -= n
	q.chunks = slices.Delete(q.chunks, 0, i)
	return n
}

// Drop removes all bytes.
func (q *Bytes) Drop() {
	for i := range q.chunks {
		q.chunks[i].Free()
	}
	q.chunks, q.size = q.chunks[:0], 0
}
