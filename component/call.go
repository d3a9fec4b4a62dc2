package component

import "context"

// Call is the call that a host function serves. It is valid until the function returns.
type Call struct {
	store *Store
	ctx   context.Context
}

// Context returns a context that ends when the store is interrupted or the guest's time is over. A
// host function that waits must return then.
func (c *Call) Context() context.Context { return c.ctx }

// Data returns what the embedder put into the store.
func (c *Call) Data() any { return c.store.data }

// Recycle lets the next list take the place of b, the bytes of a list<u8> argument of the function.
// They must not be used after it.
func (c *Call) Recycle(b []byte) {
	if cap(b) <= maxSpare {
		c.store.spare = b
	}
}

// maxSpare is the size of the largest list that is kept to be used again, in bytes.
const maxSpare = 1 << 20

// bytes returns n bytes for a list, whatever they hold.
func (s *Store) bytes(n uint32) []byte {
	b := s.spare
	if n == 0 || uint64(cap(b)) < uint64(n) {
		return make([]byte, n)
	}
	s.spare = nil
	return b[:n]
}

// Store returns the caller's store.
func (c *Call) Store() *Store { return c.store }
