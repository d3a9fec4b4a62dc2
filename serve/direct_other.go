//go:build !linux || race || 386

package serve

import "net"

// newWire returns the wire of a connection.
func newWire(c net.Conn) wire { return &vectored{Conn: c} }
