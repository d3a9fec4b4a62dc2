package serve

import (
	"errors"
	"os"
	"time"
)

// turning is a wire that can wait for what comes next without looking for it first.
type turning interface {
	// WriteThenRead writes all of out, calls sent, waits until something comes, and reads that into
	// p. What had come before the call may be noticed only when more comes. If sent returns false,
	// nothing is read; if writing fails, it is not called.
	WriteThenRead(out, p []byte, sent func() bool) (int, error)
	// ReadNow reads what has come. found is false if nothing has.
	ReadNow(p []byte) (n int, found bool, err error)
}

// turn is how a connection goes from one plain request to the next if they come one right after the
// other: the response leaves when the wait for the next request has begun. Of the two reads that a
// request takes otherwise, the one that finds nothing is left out.
//
// What the client sends before it has its response, another request or the end of what it sends,
// may go unnoticed then. So a connection on which nothing comes is looked at, after one tick of the
// front at least and two at most; if something was there, that was its last turn.
type turn struct {
	p    *plainConn
	wire turning // nil if there are no turns
	soon bool    // the current request came soon after the last response
	took time.Duration
	out  []byte // the response that is held

	// What follows is guarded by p.mu; held is written by the connection's goroutine alone.
	held   bool // the response has not left
	unread bool // it has, and what comes next is waited for, without a look
	looks  bool // the wait has been ended for a look
}

// came is called at the time at which a request has come.
func (t *turn) came(now time.Time) {
	t.soon = t.wire != nil && now.Sub(t.p.out.start)-t.took < t.p.f.soon
}

// hold takes the response to the current request, which is whole. It reports whether that leaves
// when the next request is read.
func (t *turn) hold(out []byte) bool {
	p := t.p
	if t.took = p.q.record.Duration; !t.soon || p.f.stopping.Load() {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.watched != nil || p.closed {
		return false
	}
	t.out, t.held = out, true
	return true
}

// sent ends the request whose response has left. It reports whether there may be another one.
func (t *turn) sent() bool {
	p := t.p
	p.c.half.writing.Unlock()
	p.mu.Lock()
	p.cancel, p.marked = nil, false
	t.held, t.unread = false, true
	p.mu.Unlock()
	return !p.f.stopping.Load() // stop has left it alone
}

// tick is called at a tick if held or unread is true, with the lock held. It reports whether the
// connection is to be looked at again.
func (t *turn) tick() (again bool) {
	p := t.p
	if t.held || !p.marked {
		p.marked = t.unread
		return true
	}
	t.unread, t.looks = false, true
	_ = p.c.SetReadDeadline(time.Unix(1, 0)) // a connection that is closed needs no look
	return false
}

// read sends the response that is held, if one is, and reads what comes next.
func (p *plainConn) read() (int, error) {
	t := &p.late
	if !t.held {
		return p.c.wire.Read(p.buf)
	}
	p.c.half.begin()
	n, err := t.wire.WriteThenRead(t.out, p.buf, t.sent)
	if t.held { // it could not be sent
		p.c.half.writing.Unlock()
		t.held = false
		p.end()
		return n, err
	}
	p.mu.Lock()
	looks := t.looks
	t.unread, t.looks, p.marked = false, false, false
	p.mu.Unlock()
	if !looks {
		return n, err
	}
	if p.setDeadline(time.Now().Add(p.f.server.options.IdleTimeout)) != nil ||
		!errors.Is(err, os.ErrDeadlineExceeded) {
		return n, err
	}
	n, found, err := t.wire.ReadNow(p.buf)
	if found {
		t.wire = nil
		return n, err
	}
	return p.c.wire.Read(p.buf)
}
