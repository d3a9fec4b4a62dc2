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

// Store returns the caller's store.
func (c *Call) Store() *Store { return c.store }
