package component

import "context"

// Call is what a host function learns about the call it serves. It is valid until the function returns.
type Call struct {
	store *Store
	ctx   context.Context
}

// Context ends when the store is interrupted or the guest's time is over; a host function that waits must return then.
func (c *Call) Context() context.Context { return c.ctx }

// Data is what the embedder put into the store.
func (c *Call) Data() any { return c.store.data }

// Store is the caller's store.
func (c *Call) Store() *Store { return c.store }
