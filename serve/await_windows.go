package serve

import "context"

// AwaitReadable reports that it cannot tell.
func (c *conn) AwaitReadable(context.Context, int64) (bool, error) { return false, nil }

// Readable reports that it cannot tell.
func (c *conn) Readable(int64) (readable, known bool) { return false, false }
