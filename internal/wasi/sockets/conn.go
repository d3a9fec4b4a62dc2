package sockets

import (
	"errors"
	"sync/atomic"
)

// direction says whether a waiter waits for reading or for writing.
type direction byte

const (
	toRead direction = iota
	toWrite
)

// errClosed is the error of an operation on a closed socket.
var errClosed = errors.New("socket is closed")

// conn is a socket of the system. It is shared by the guest's handles that refer to it, and closed
// with the last of them.
type conn struct {
	system
	host *Host
	refs atomic.Int32
}

func (c *conn) retain() { c.refs.Add(1) }

// release drops a reference.
func (c *conn) release() {
	if c.refs.Add(-1) > 0 {
		return
	}
	c.host.mu.Lock()
	delete(c.host.conns, c)
	c.host.mu.Unlock()
	c.close()
}

// option is an option of a socket, whatever the system calls it.
type option byte

const (
	optKeepAlive option = iota
	optKeepIdle         // seconds
	optKeepInterval
	optKeepCount
	optHopLimit
	optReceiveBuffer
	optSendBuffer
	optError // the pending error, an errno; reading it clears it
)

// get returns an option's value.
func (c *conn) get(o option) (v int, err error) {
	err = c.do(func(fd descriptor) (err error) {
		v, err = getOption(fd, o, c.v6)
		return err
	})
	return v, coded(err)
}

// set changes an option.
func (c *conn) set(o option, v int) error {
	return coded(c.do(func(fd descriptor) error { return setOption(fd, o, c.v6, v) }))
}
