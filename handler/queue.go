package handler

import "slices"

// queue holds the requests that wait for a worker, the oldest first.
type queue struct{ waiting []*exchange }

func (q *queue) push(x *exchange) { q.waiting = append(q.waiting, x) }

// pop removes and returns the oldest request that still has a receiver; it returns nil if there is
// none.
func (q *queue) pop() *exchange {
	for len(q.waiting) > 0 {
		x := q.waiting[0]
		q.waiting[0] = nil
		q.waiting = q.waiting[1:]
		if !x.abandoned() {
			return x
		}
	}
	return nil
}

// remove removes a request that no longer waits, if it is in the queue.
func (q *queue) remove(x *exchange) {
	if i := slices.Index(q.waiting, x); i >= 0 {
		q.waiting = slices.Delete(q.waiting, i, i+1)
	}
}
