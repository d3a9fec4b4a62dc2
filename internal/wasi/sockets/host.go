// Package sockets holds the behaviour behind wasi:sockets: TCP, UDP and look-ups of names, for the
// dialects of 0.2 and 0.3. No call blocks; what has to be waited for is a wasi.Source.
//
// Sockets are the system's own, made non-blocking: the types of package net can neither be bound
// without listening nor take options first. What differs between systems is in sys_*.go.
package sockets

import (
	"context"
	"io"
	"net/netip"
	"sync"
	"time"

	"github.com/wasihttp/wasihttp/internal/wasi"
)

// defaultLinger is how long Close waits for bytes that a guest has written and whose peer is slow.
const defaultLinger = time.Second

// Host holds what the sockets of one State share: the policy, and all that has to be closed in the
// end. Its methods are called by the goroutine of the guest, except Close.
type Host struct {
	policy *wasi.Network
	uses   func(kind wasi.UseKind, name string, refused bool)
	ctx    context.Context // ends with the State
	cancel context.CancelFunc
	buf    *[maxRead]byte // the guest's, for what a connection receives

	mu      sync.Mutex
	closed  bool
	conns   map[*conn]struct{}
	lookups int
	// granted holds, for each rule with a name, the addresses that its look-ups returned.
	granted map[int]map[netip.Addr]struct{}

	work     sync.WaitGroup // goroutines
	flushing sync.WaitGroup // those of them that write what a guest has written
	flushers int
	linger   time.Duration
}

type hostKey struct{}

// Of returns the Host of a State, which closes it.
func Of(st *wasi.State) *Host {
	return st.Part(hostKey{}, func() io.Closer {
		h := newHost(st.Config().Network)
		h.uses = st.Uses
		return h
	}).(*Host)
}

func newHost(policy *wasi.Network) *Host {
	if policy == nil {
		policy = &wasi.Network{}
	}
	h := &Host{
		policy: policy, conns: map[*conn]struct{}{},
		granted: map[int]map[netip.Addr]struct{}{},
		linger:  defaultLinger,
		uses:    func(wasi.UseKind, string, bool) {},
	}
	h.ctx, h.cancel = context.WithCancel(context.Background())
	return h
}

// Close closes every socket, ends every look-up, and returns when nothing is left. Bytes that wait
// for a slow peer have a second to go.
func (h *Host) Close() error {
	h.mu.Lock()
	h.closed = true
	flushers := h.flushers
	h.mu.Unlock()
	h.cancel()
	if flushers > 0 {
		flushed := make(chan struct{})
		go func() {
			h.flushing.Wait()
			close(flushed)
		}()
		timer := time.NewTimer(h.linger)
		select {
		case <-flushed:
		case <-timer.C:
		}
		timer.Stop()
		defer func() { <-flushed }()
	}
	h.mu.Lock()
	conns := h.conns
	h.conns = nil
	h.mu.Unlock()
	for c := range conns {
		c.close()
	}
	h.work.Wait()
	return nil
}

// Open returns how many sockets are open.
func (h *Host) Open() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.conns)
}

// goWork runs f on a goroutine that Close awaits, and that the end of all sockets must end; it
// returns false if the Host is closed.
func (h *Host) goWork(f func()) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return false
	}
	h.work.Go(f)
	return true
}

// goFlush is goWork for a goroutine that Close lets run on for a while.
func (h *Host) goFlush(f func()) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return false
	}
	h.flushers++
	h.flushing.Go(func() {
		f()
		h.mu.Lock()
		h.flushers--
		h.mu.Unlock()
	})
	return true
}

// room returns an error if there may be no more sockets.
func (h *Host) room() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	most := h.policy.MaxSockets
	if most == 0 {
		most = wasi.DefaultMaxSockets
	}
	if h.closed || len(h.conns) >= most {
		return NewSocketLimit
	}
	return nil
}

// adopt keeps a new socket among those that Close closes.
func (h *Host) adopt(c *conn) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		c.close()
		return NewSocketLimit
	}
	c.host = h
	c.refs.Store(1)
	h.conns[c] = struct{}{}
	return nil
}

// open makes a socket.
func (h *Host) open(v6, stream bool) (*conn, error) {
	if !h.policy.Allows() {
		h.refused("*")
		return nil, AccessDenied
	}
	if err := h.room(); err != nil {
		return nil, err
	}
	c, err := openConn(v6, stream)
	if err != nil {
		return nil, coded(err)
	}
	return c, h.adopt(c)
}

// allowed reports whether the policy allows an address.
func (h *Host) allowed(a netip.AddrPort) bool {
	if h.policy.All {
		return true
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for i := range h.policy.Rules {
		r := &h.policy.Rules[i]
		if !r.MatchPort(a.Port()) {
			continue
		}
		if r.Prefix.Contains(a.Addr()) {
			return true
		}
		if _, ok := h.granted[i][a.Addr()]; ok {
			return true
		}
	}
	return false
}

// check returns an error unless the policy allows an address.
func (h *Host) check(a Address) error {
	if h.allowed(a.AddrPort) {
		h.uses(wasi.UseNetwork, a.String(), false)
		return nil
	}
	h.refused(a.String())
	return AccessDenied
}

func (h *Host) refused(target string) {
	h.uses(wasi.UseNetwork, target, true)
	if h.policy.Refused != nil {
		h.policy.Refused(target)
	}
}
