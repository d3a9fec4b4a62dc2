package serve

import "context"

// AwaitReadable reports that it cannot tell.
func (c *conn) AwaitReadable(context.Context, int64) (bool, error) { return false, nil }
