package serve

import (
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// half is what is known of a client that sends no more, while a request of it is running. Either it
// has only ended its side, as `nc -N` does, and waits for the response; or it has left. The system
// says the same of both, until something is sent to the client.
type half struct {
	writing sync.Mutex                    // held by whoever writes to the client
	wrote   atomic.Bool                   // something was written since the last request came
	came    time.Time                     // when the last request came; belongs to whoever reads
	waiting atomic.Pointer[chan struct{}] // closed to end the wait; nil if nobody waits
	ended   atomic.Uint64                 // requests whose handlers have returned
}

const (
	// halfPause is how long the client's system gets to say that nobody is there.
	halfPause = 50 * time.Millisecond
	// halfOld and halfBegun are how long a client that sends no more is kept if it cannot be asked
	// and nothing is sent to it, in units of the server's grace: a client before HTTP/1.1, and one
	// whose response has begun.
	halfOld, halfBegun = 30, 3
)

// halfQuestion is a response that changes nothing (RFC 9110, section 15.2), in two pieces: if
// nobody is there, the system refuses the second one.
var halfQuestion = [2]string{"HTTP/1.1 100 Con", "tinue\r\n\r\n"}

// began records that a request has come.
func (h *half) began(now time.Time) {
	h.wrote.Store(false)
	h.came = now
}

// begin begins to write to the client. The caller unlocks writing in the end.
func (h *half) begin() {
	h.writing.Lock()
	h.wrote.Store(true)
}

// awaitLeave waits after the client has ended its side, and returns io.EOF if the client has left,
// or os.ErrDeadlineExceeded when the deadline for reading passes. old says that the request is not
// one of HTTP/1.1.
func (c *conn) awaitLeave(old bool) error {
	if c.state != nil {
		return io.EOF // whoever ends TLS closes the connection
	}
	woken := make(chan struct{})
	c.half.waiting.Store(&woken)
	defer c.half.waiting.Store(nil)
	// The deadline may have passed before.
	var none [1]byte
	if _, err := c.Conn.Read(none[:]); err != io.EOF {
		return err
	}
	wait, limit := c.listener.grace, halfOld
	if late := time.Since(c.half.came) > wait; late && c.half.wrote.Load() {
		return io.EOF // it came for the response, and goes in the middle of it
	} else if late {
		wait = 0
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	for idle, asked := 0, false; ; timer.Reset(c.listener.grace) {
		select {
		case <-woken:
			return os.ErrDeadlineExceeded
		case <-timer.C:
		}
		var err error
		switch wrote := c.half.wrote.Swap(false); {
		case asked:
		case wrote:
			// Writing tells by itself whether somebody is there.
			idle, limit, old = 0, halfBegun, true
		case old:
			if idle++; idle >= limit {
				return io.EOF
			}
		default:
			if asked, err = c.ask(woken); err != nil {
				return io.EOF
			}
		}
	}
}

// ask sends the client the question, unless a response has begun. It returns an error if nobody is
// there, and whether somebody is.
func (c *conn) ask(woken <-chan struct{}) (asked bool, err error) {
	c.half.writing.Lock()
	defer c.half.writing.Unlock()
	if c.half.wrote.Load() {
		return false, nil
	}
	if _, err := io.WriteString(c.Conn, halfQuestion[0]); err != nil {
		return false, err
	}
	pause := time.NewTimer(halfPause)
	defer pause.Stop()
	select {
	case <-pause.C:
	case <-woken:
	}
	_, err = io.WriteString(c.Conn, halfQuestion[1])
	return true, err
}

// SetReadDeadline sets the time until which Read waits.
func (c *conn) SetReadDeadline(t time.Time) error {
	err := c.Conn.SetReadDeadline(t)
	if !t.IsZero() && !t.After(time.Now()) {
		c.wake()
	}
	return err
}

// wake ends the wait of awaitLeave.
func (c *conn) wake() {
	if woken := c.half.waiting.Swap(nil); woken != nil {
		close(*woken)
	}
}
