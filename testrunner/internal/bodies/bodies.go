// Package bodies reads whole bodies, up to a limit and without using more memory than they need.
package bodies

import (
	"errors"
	"fmt"
	"io"
	"math"
	"runtime"

	"github.com/wasihttp/wasihttp/internal/units"
)

// TooLargeError says that a body is larger than Limit, in bytes.
type TooLargeError struct{ Limit int64 }

// Error returns the limit and the flag that raises it.
func (e *TooLargeError) Error() string {
	return fmt.Sprintf("the body is larger than %s; --max-body allows more",
		units.BinarySize(e.Limit))
}

const (
	firstChunk = 4 << 10
	largeChunk = 32 << 20
	// perCollection is the amount of a body, in bytes, after which the garbage from reading it is
	// collected: beside something that large, the collector would otherwise wait until there is as
	// much garbage again.
	perCollection = 128 << 20
	// maxReserved bounds the address space, in bytes, that is reserved for a body of unknown
	// length.
	maxReserved = 8 << 30
)

// Read reads r to its end. length is the announced length in bytes, or -1 if it is unknown; limit
// is the largest allowed size in bytes, 0 for none. With an error other than a *TooLargeError, Read
// returns what it has read before.
//
// A body of the announced length is read into place. Others are read in chunks; once there are
// many, and if there is a limit, the rest is read into one place that has room for as much as is
// allowed: the part that is not used takes no memory. Growing in place would leave garbage of
// several times the size behind.
func Read(r io.Reader, length, limit int64) ([]byte, error) {
	if limit > 0 && length > limit {
		return nil, &TooLargeError{limit}
	}
	b := builder{next: firstChunk}
	if length >= 0 && length < math.MaxInt32 {
		b.next = int(length) + 1 // to see the end, too
	}
	var err error
	for err == nil {
		b.grow(limit)
		var n int
		n, err = r.Read(b.chunk[len(b.chunk):cap(b.chunk)])
		b.chunk, b.total = b.chunk[:len(b.chunk)+n], b.total+int64(n)
		if limit > 0 && b.total > limit {
			return nil, &TooLargeError{limit}
		}
		if b.total >= b.collect+perCollection {
			b.collect = b.total
			runtime.GC()
		}
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return b.join(b.total), err
}

// builder is a body that is being read.
type builder struct {
	full  [][]byte
	chunk []byte
	next  int // the size of the next chunk, in bytes
	total int64
	// collect is the total at which the garbage was last collected.
	collect int64
}

// grow makes room for at least one byte.
func (b *builder) grow(limit int64) {
	switch {
	case len(b.chunk) < cap(b.chunk):
	case b.total >= largeChunk && limit > 0 && limit < min(maxReserved, math.MaxInt):
		runtime.GC() // of the body before
		b.chunk, b.full = b.join(limit+1), nil
	default:
		if len(b.chunk) > 0 {
			b.full = append(b.full, b.chunk)
			b.next = min(max(b.next, int(b.total)), largeChunk)
		}
		b.chunk = make([]byte, 0, b.next)
	}
}

// join joins the chunks and releases each as soon as it is copied.
func (b *builder) join(capacity int64) []byte {
	if len(b.full) == 0 && int64(cap(b.chunk)) >= capacity {
		return b.chunk
	}
	out := make([]byte, 0, capacity)
	for i := range b.full {
		out = append(out, b.full[i]...)
		b.full[i] = nil
	}
	return append(out, b.chunk...)
}
