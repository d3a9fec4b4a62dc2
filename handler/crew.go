package handler

import "sync"

// crew is the goroutines of workers. One whose worker has ended waits for the next worker: a new
// goroutine has a small stack, which would have to grow for each instance.
type crew struct {
	mu      sync.Mutex
	resting []chan shift // of goroutines without a worker, the most recent one last
	ended   bool
	all     sync.WaitGroup
}

// shift is a worker with its first request; the zero value ends a goroutine.
type shift struct {
	w     *worker
	x     *exchange
	moved bool // the worker has begun on another goroutine and goes on here
}

// maxResting bounds the goroutines that wait for a worker.
const maxResting = 16

// run runs w on a goroutine of the crew, or on a new one.
func (c *crew) run(w *worker, x *exchange) { c.begin(shift{w: w, x: x}) }

// goOn has w, which is at the beginning of a wait, go on elsewhere.
func (c *crew) goOn(w *worker) { c.begin(shift{w: w, moved: true}) }

func (c *crew) begin(s shift) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if n := len(c.resting) - 1; n >= 0 {
		next := c.resting[n]
		c.resting = c.resting[:n]
		next <- s
		return
	}
	c.all.Go(func() { c.work(s) })
}

// work runs one worker after the other.
func (c *crew) work(s shift) {
	var next chan shift
	for s.w != nil {
		if s.w.inst == nil {
			growStack() // it may have shrunk meanwhile
		}
		s.w.borrowed = false
		if s.moved {
			s.w.goOn()
		} else {
			s.w.run(s.x)
		}
		s = shift{}
		if next == nil {
			next = make(chan shift, 1)
		}
		if !c.rest(next) {
			return
		}
		s = <-next
	}
}

// rest makes a goroutine wait for a shift. It returns false if that will not come.
func (c *crew) rest(next chan shift) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended || len(c.resting) >= maxResting {
		return false
	}
	c.resting = append(c.resting, next)
	return true
}

// end ends the goroutines, when no worker is left and none begins any more, and waits for them.
func (c *crew) end() {
	c.mu.Lock()
	c.ended = true
	for _, next := range c.resting {
		next <- shift{}
	}
	c.resting = nil
	c.mu.Unlock()
	c.all.Wait()
}

// growStack makes the goroutine's stack grow to what guest calls need while there is little on it.
// Otherwise the stack is copied several times during a request, which takes a sixth of the time of
// a small one.
//
//go:noinline
func growStack() {
	var room [24 << 10]byte
	touch(&room)
}

//go:noinline
func touch(room *[24 << 10]byte) { room[0] = 1 }
