package engine

import (
	"runtime"
	"runtime/metrics"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// long is the first turn of a guest: what takes a few milliseconds is better done at once.
	long = 20 * time.Millisecond
	// turn is each later one, and how long at most what is no guest waits for a guest.
	turn = time.Millisecond
)

// turns is where what computes for long waits for its turn: as many as there are processors compute
// at once. The scheduler of Go has one queue for all that is ready, in which a request would wait
// for every busy guest each time that it passes from one goroutine to the next: when it is read,
// when its time limit comes, when its response is written.
//
// A guest takes part from its first safepoint on. Its turn is another's if it stays in a host
// function, which may wait for anything; it then goes on with it before others begin theirs. Most
// host functions take less time than a change of guests.
type turns struct {
	mu      sync.Mutex
	busy    []*ticket // those whose turn it is
	waiting []*ticket // the next one first
	looks   bool      // a timer runs that looks for those that stay in host functions
}

// processors is where all guests of the process wait.
var processors turns

// ticket is for one that takes turns. The zero value has not had any.
type ticket struct {
	holds atomic.Bool   // it is its turn
	calls uint32        // of host functions
	away  atomic.Uint32 // the number of the one that runs; 0: none
	seen  uint32        // what away was when it was looked at last; the lock guards it
	later bool          // the turn is not the first
	since time.Time     // when it went on with the turn
	used  time.Duration // of the turn, up to then
	// gate is locked while the ticket is in the queue, and unlocked to end a wait. It is no
	// channel, as those cannot be shared with tests that have a clock of their own.
	gate sync.Mutex
}

// next returns the time at which the holder of the ticket may continue, which is when it returns.
// It is called now and then; g is the group of a guest, whose interrupt ends the wait. If wide is
// true, the turn is as long as the first one.
func (q *turns) next(k *ticket, now time.Time, g *Group, wide bool) time.Time {
	k.comeBack() // a host function may have called the guest, or panicked
	if !k.holds.Load() {
		front := !k.since.IsZero()
		if front {
			if k.used += now.Sub(k.since); k.used >= k.length(wide) {
				k.used, k.later, front = 0, true, false
			}
		}
		q.wait(k, g, front)
		return k.since
	}
	passed := now.Sub(k.since)
	if passed < turn {
		return now
	}
	k.used, k.since = k.used+passed, now
	if k.used >= k.length(wide) {
		k.used, k.later = 0, true
		if q.wait(k, g, false) {
			return k.since
		}
	}
	if crowded() {
		runtime.Gosched() // to what is no guest, above all
		k.since = time.Now()
	}
	return k.since
}

// crowded reports whether anything may wait for a processor of Go. If one has nothing to do, it
// finds all that there is; to be asked to wakes a thread, which takes a while to find nothing.
func crowded() bool {
	s := []metrics.Sample{{Name: "/sched/goroutines/running:goroutines"},
		{Name: "/sched/goroutines/runnable:goroutines"}}
	metrics.Read(s)
	return s[0].Value.Uint64() >= uint64(runtime.GOMAXPROCS(0)) || s[1].Value.Uint64() > 0
}

// goAway and comeBack enclose a host function.
func (k *ticket) goAway() {
	k.calls++
	k.away.Store(k.calls | 1<<31) // never 0
}

func (k *ticket) comeBack() { k.away.Store(0) }

func (k *ticket) length(wide bool) time.Duration {
	if k.later && !wide {
		return turn
	}
	return long
}

// wait joins the queue, and returns when it is the ticket's turn or the group is interrupted. It
// reports whether that took any time.
func (q *turns) wait(k *ticket, g *Group, front bool) bool {
	q.mu.Lock()
	q.end(k)
	if g != nil && g.interrupted.Load() != nil {
		q.grant()
		q.mu.Unlock()
		return false
	}
	k.gate.TryLock() // it stays locked after a wait
	at := len(q.waiting)
	if front {
		at = 0
	}
	q.waiting = slices.Insert(q.waiting, at, k)
	q.grant()
	waits := !k.holds.Load()
	if waits && !q.looks {
		q.looks = true
		time.AfterFunc(turn, q.look)
	}
	if g != nil {
		g.waits = k
	}
	q.mu.Unlock()
	if waits {
		k.gate.Lock()
	}
	if k.holds.Load() {
		k.since = time.Now()
	}
	return waits
}

// end ends a ticket's turn, if it has one. The lock is held.
func (q *turns) end(k *ticket) {
	if k.holds.Load() {
		k.holds.Store(false)
		q.busy = slices.Delete(q.busy, slices.Index(q.busy, k), slices.Index(q.busy, k)+1)
	}
}

// look ends the turns of those that have been in one host function since it looked last.
func (q *turns) look() {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, k := range slices.Clone(q.busy) {
		away, seen := k.away.Load(), k.seen
		k.seen = away
		if away != 0 && away == seen {
			q.end(k) // its guest may use it for another call from now on
		}
	}
	q.grant()
	if q.looks = len(q.waiting) > 0; q.looks {
		time.AfterFunc(turn, q.look)
	}
}

// grant begins the turns for which there are processors. The lock is held.
func (q *turns) grant() {
	for len(q.waiting) > 0 && len(q.busy) < runtime.GOMAXPROCS(0) {
		k := q.waiting[0]
		q.waiting = slices.Delete(q.waiting, 0, 1)
		q.busy = append(q.busy, k)
		k.holds.Store(true)
		k.gate.Unlock()
	}
}

// leave gives up the turn, if it is the ticket's.
func (q *turns) leave(k *ticket) {
	if !k.holds.Load() {
		return
	}
	k.used += time.Since(k.since)
	q.mu.Lock()
	q.end(k)
	q.grant()
	q.mu.Unlock()
}

// interrupt ends the wait of a group's guest, if it is in one.
func (q *turns) interrupt(g *Group) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if at := slices.Index(q.waiting, g.waits); at >= 0 {
		q.waiting = slices.Delete(q.waiting, at, at+1)
		g.waits.gate.Unlock()
	}
	g.waits = nil
}
