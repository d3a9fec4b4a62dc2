//go:build linux || darwin

package sockets

import (
	"context"
	"time"
)

// past is a deadline that has passed.
var past = time.Unix(1, 0)

// blockRead blocks until the socket can be read or is closed, or the context ends, whose cause it
// then returns. The guest is at its end then: nothing else may wait to read any more.
func (s *system) blockRead(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() {
		_ = s.file.SetReadDeadline(past) // a socket that is closed does not block
	})
	s.await(toRead)
	if !stop() {
		return context.Cause(ctx)
	}
	return nil
}

// Block makes TCPInput a wasi.Blocker.
func (i *TCPInput) Block(ctx context.Context) error { return i.t.blockRead(ctx) }

// Block makes it a wasi.Blocker.
func (i incoming) Block(ctx context.Context) error { return i.u.blockRead(ctx) }
