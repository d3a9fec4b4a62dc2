// Package bodies reads bodies whole, within a bound and without more memory than they take.
package bodies

import (
	"errors"
	"fmt"
	"io"
	"math"
	"runtime"

	"github.com/wasihttp/wasihttp/internal/units"
)

// TooLargeError says that a body has more bytes than it may.
type TooLargeError struct{ Limit int64 }

// Error says how many it may have.
func (e *TooLargeError) Error() string {
	return fmt.Sprintf("the body is larger than %s; --max-body allows more",
		units.BinarySize(e.Limit))
}

const (
	firstChunk = 4 << 10
	largeChunk = 32 << 20
	// perCollection is after how much of a body the garbage is collected that reading it makes:
	// beside something that large the collector would wait until there is as much again.
	perCollection = 128 << 20
	// maxReserved bounds the address space that is taken for a body of unknown length.
	maxReserved = 8 << 30
)

// Read reads all that r has. length is how much that is said to be, in bytes, -1 if that is not
// known; limit, unless 0, is how much it may be. What was read before an error is returned with it,
// but not with a *TooLargeError.
//
// A body of the length that was said is read into place. Others are read in chunks; once there are
// many, and if there is a limit, the rest is read behind them into a place for as much as there may
// be: what of it is not used takes no memory. Growing in place would leave behind several times as
// much as there is.
func Read(r io.Reader, length, limit int64) ([]byte, error) {
	if limit > 0 && length > limit {
		return nil, &TooLargeError{limit}
	}
	b := builder{next: firstChunk}
	if length >= 0 && length < math.MaxInt32 {
		b.next = int(length) + 1 // the end has to be seen, too
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
	next  int // the size of the next chunk
	total int64
	// collect is the total when the garbage was last collected.
	collect int64
}

// grow makes room for a byte at least.
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

// join joins the chunks, of which it keeps none longer than needed.
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
