package sockets

import (
	"math"
	"time"
)

// The longest times and the highest count that Linux takes for keep-alive.
const (
	maxKeepSeconds = 32767
	maxKeepCount   = 127
)

// socket is what sockets of TCP and UDP have in common.
type socket struct {
	*conn
	v6 bool
	// inherited are the options that were set, for the sockets that a listener accepts.
	inherited map[option]int
}

// IPv6 returns whether the socket is one of IPv6.
func (s *socket) IPv6() bool { return s.v6 }

// change sets an option and remembers it.
func (s *socket) change(o option, v int) error {
	if err := s.set(o, v); err != nil {
		return err
	}
	if s.inherited == nil {
		s.inherited = map[option]int{}
	}
	s.inherited[o] = v
	return nil
}

func (s *socket) number(o option) (uint64, error) {
	v, err := s.get(o)
	return uint64(max(v, 0)), err
}

// HopLimit returns how many hops packets may make.
func (s *socket) HopLimit() (uint8, error) {
	v, err := s.get(optHopLimit)
	return uint8(v), err
}

// SetHopLimit sets how many hops packets may make.
func (s *socket) SetHopLimit(v uint8) error {
	if v == 0 {
		return InvalidArgument
	}
	return s.change(optHopLimit, int(v))
}

// ReceiveBufferSize returns the size of the system's buffer, in bytes.
func (s *socket) ReceiveBufferSize() (uint64, error) { return s.number(optReceiveBuffer) }

// SetReceiveBufferSize sets that size; the system takes what comes near.
func (s *socket) SetReceiveBufferSize(v uint64) error { return s.setBuffer(optReceiveBuffer, v) }

// SendBufferSize returns the size of the system's buffer, in bytes.
func (s *socket) SendBufferSize() (uint64, error) { return s.number(optSendBuffer) }

// SetSendBufferSize sets that size; the system takes what comes near.
func (s *socket) SetSendBufferSize(v uint64) error { return s.setBuffer(optSendBuffer, v) }

func (s *socket) setBuffer(o option, v uint64) error {
	if v == 0 {
		return InvalidArgument
	}
	return s.change(o, int(min(v, math.MaxInt32/2)))
}

// KeepAlive reports whether the system sends probes on an idle connection.
func (t *TCP) KeepAlive() (bool, error) {
	v, err := t.get(optKeepAlive)
	return v != 0, err
}

// SetKeepAlive sets whether it does.
func (t *TCP) SetKeepAlive(on bool) error {
	v := 0
	if on {
		v = 1
	}
	return t.change(optKeepAlive, v)
}

// KeepAliveIdle returns the time before the first probe, in nanoseconds.
func (t *TCP) KeepAliveIdle() (uint64, error) { return t.duration(optKeepIdle) }

// SetKeepAliveIdle sets that time, which the system knows in seconds.
func (t *TCP) SetKeepAliveIdle(ns uint64) error { return t.setDuration(optKeepIdle, ns) }

// KeepAliveInterval returns the time between probes, in nanoseconds.
func (t *TCP) KeepAliveInterval() (uint64, error) { return t.duration(optKeepInterval) }

// SetKeepAliveInterval sets that time, which the system knows in seconds.
func (t *TCP) SetKeepAliveInterval(ns uint64) error { return t.setDuration(optKeepInterval, ns) }

func (t *TCP) duration(o option) (uint64, error) {
	v, err := t.number(o)
	return v * uint64(time.Second), err
}

func (t *TCP) setDuration(o option, ns uint64) error {
	if ns == 0 {
		return InvalidArgument
	}
	return t.change(o, int(min(max(ns/uint64(time.Second), 1), maxKeepSeconds)))
}

// KeepAliveCount returns how many probes are sent before the connection is given up.
func (t *TCP) KeepAliveCount() (uint32, error) {
	v, err := t.number(optKeepCount)
	return uint32(v), err
}

// SetKeepAliveCount sets how many.
func (t *TCP) SetKeepAliveCount(v uint32) error {
	if v == 0 {
		return InvalidArgument
	}
	return t.change(optKeepCount, int(min(v, maxKeepCount)))
}
