package handler

import (
	"sync"
	"sync/atomic"
	"time"
)

// clock is the timer of all workers of a handler: one for each would be set and stopped for each
// request, nearly always for nothing.
type clock struct {
	h     *ProxyHandler
	began time.Time
	// at is when the timer fires, in nanoseconds since began; 0 if it is not set.
	at atomic.Int64

	mu    sync.Mutex
	timer *time.Timer // made when first needed
}

// set makes the clock ring at that time, or before.
func (c *clock) set(at time.Time) {
	n := max(int64(at.Sub(c.began)), 1)
	if now := c.at.Load(); now != 0 && now <= n {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := c.at.Load(); now != 0 && now <= n {
		return
	}
	c.at.Store(n)
	if c.timer == nil {
		c.timer = time.AfterFunc(time.Until(at), c.ring)
	} else {
		c.timer.Reset(time.Until(at))
	}
}

// ring lets each worker look at its deadlines. One that is set meanwhile sets the clock itself.
func (c *clock) ring() {
	c.at.Store(0)
	for _, w := range c.h.running() {
		w.onTimer()
	}
}

// stop stops the clock, when there are no workers any more.
func (c *clock) stop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.timer != nil {
		c.timer.Stop()
	}
}
