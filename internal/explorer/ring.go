package explorer

import (
	"encoding/binary"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/wasihttp/wasihttp/internal/timeline"
	"github.com/wasihttp/wasihttp/serve"
)

// The bounds of what is kept.
const (
	maxRequests = 1000
	maxBody     = 64 << 10 // bytes of each body, and of each of stdout and stderr
	maxTotal    = 64 << 20 // bytes of all requests
	maxBuilds   = 200
)

// ring has the last requests, those that go on included, and the builds.
type ring struct {
	bytes   atomic.Int64  // that are kept
	version atomic.Uint64 // of the last change
	limit   int64         // of bytes

	watching atomic.Int32 // how many watch changes

	mu       sync.Mutex
	entries  [maxRequests]*entry // at seq % maxRequests
	seq      uint64              // of the newest entry
	oldest   uint64              // entries before this one are gone
	cleared  uint64              // how often all of them were removed
	number   uint64              // of the build that is served
	builds   []Build             // the oldest first
	buildSeq uint64
	watchers map[chan struct{}]struct{}
}

// entry is one request. Its Trace has what is said of it, and its bodies.
type entry struct {
	ring     *ring
	id       string
	remote   string
	protocol string
	head     packed // method, host, target, and the fields of the request

	// request and response are there for their trailers, until the end; nil if there are none.
	request  *http.Request
	response *http.Response

	responseHead     packed         // its fields
	failure          *serve.Failure // without its error
	trailers         *trailers      // nil for none
	outcome, message string
	masked           string // target, once it is needed

	seq, from uint64 // from: of the request that this one repeats
	version   atomic.Uint64
	build     atomic.Uint64

	mu        sync.Mutex
	hasBody   bool
	ended     bool
	responded bool
	aborted   bool
	status    int
	bytes     int64
	duration  time.Duration
	uncharged int

	trace timeline.Trace
}

// trailers are those of the request and of the response.
type trailers struct{ request, response http.Header }

// entrySize is about how many bytes an entry takes without what it refers to.
const entrySize = 1000

// resent is where a request says in its context what it repeats, and learns its number.
type resent struct {
	from  uint64
	began chan<- uint64
}

type resentKey struct{}

// resentRemote is the address of the client of requests that are sent again.
const resentRemote = "explorer"

// Begin implements [serve.Explorer].
func (r *ring) Begin(q *http.Request, record *serve.Record) serve.Follower {
	e := &entry{ring: r, id: record.ID, remote: q.RemoteAddr, protocol: q.Proto}
	size := len(q.Method) + len(q.Host) + len(record.Target) + 3*binary.MaxVarintLen32 +
		sizeOf(q.Header)
	e.head = make(packed, 0, size).add(q.Method).add(q.Host).add(record.Target).addHeader(q.Header)
	if q.Body != nil && q.Body != http.NoBody {
		e.request, e.hasBody = q, true
	}
	e.trace.Begin(record.Start, r, maxBody)
	var again *resent
	if q.RemoteAddr == resentRemote {
		if again, _ = q.Context().Value(resentKey{}).(*resent); again != nil {
			e.from = again.from
		}
	}
	r.mu.Lock()
	r.seq++
	e.seq = r.seq
	e.version.Store(r.version.Add(1))
	slot := &r.entries[e.seq%maxRequests]
	old := *slot
	*slot = e
	if old != nil {
		r.oldest = max(r.oldest, old.seq+1)
	}
	r.mu.Unlock()
	if old != nil {
		old.trace.Drop()
	}
	e.trace.Charge(entrySize + cap(e.head))
	if again != nil {
		again.began <- e.seq
	}
	r.wake()
	return e
}

// Charge implements [timeline.Keeper]: the oldest requests make room for what is too much.
func (r *ring) Charge(bytes int) {
	if r.bytes.Add(int64(bytes)) <= r.limit || bytes <= 0 {
		return
	}
	for r.bytes.Load() > r.limit {
		e := r.evict()
		if e == nil {
			return
		}
		e.trace.Drop()
	}
	r.wake()
}

// evict removes the oldest entry and returns it; nil if there is none.
func (r *ring) evict() *entry {
	r.mu.Lock()
	defer r.mu.Unlock()
	for seq := r.first(); seq <= r.seq; seq++ {
		slot := &r.entries[seq%maxRequests]
		e := *slot
		r.oldest = seq + 1
		if e != nil {
			*slot = nil
			return e
		}
	}
	return nil
}

// first returns the number from which on there may be entries. The lock is held.
func (r *ring) first() uint64 {
	first := max(r.oldest, 1)
	if r.seq >= maxRequests {
		first = max(first, r.seq-maxRequests+1)
	}
	return first
}

// clear removes all entries.
func (r *ring) clear() {
	r.mu.Lock()
	gone := r.entries
	r.entries = [maxRequests]*entry{}
	r.oldest = r.seq + 1
	r.cleared++
	r.version.Add(1)
	r.mu.Unlock()
	for _, e := range gone {
		if e != nil {
			e.trace.Drop()
		}
	}
	r.wake()
}

// find returns the entry with a number; nil if it is not kept.
func (r *ring) find(seq uint64) *entry {
	r.mu.Lock()
	defer r.mu.Unlock()
	if e := r.entries[seq%maxRequests]; e != nil && e.seq == seq {
		return e
	}
	return nil
}

// list returns the entries that there are, the oldest first.
func (r *ring) list() []*entry {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []*entry
	for seq := r.first(); seq <= r.seq; seq++ {
		if e := r.entries[seq%maxRequests]; e != nil {
			all = append(all, e)
		}
	}
	return all
}

// wake wakes those who watch changes.
func (r *ring) wake() {
	if r.watching.Load() == 0 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for c := range r.watchers {
		select {
		case c <- struct{}{}:
		default:
		}
	}
}

// watch returns a channel that receives after changes, until stop is called.
func (r *ring) watch() (changes <-chan struct{}, stop func()) {
	c := make(chan struct{}, 1)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.watchers == nil {
		r.watchers = map[chan struct{}]struct{}{}
	}
	r.watchers[c] = struct{}{}
	r.watching.Add(1)
	return c, func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(r.watchers, c)
		r.watching.Add(-1)
	}
}

// changed records a change of an entry.
func (e *entry) changed() {
	e.version.Store(e.ring.version.Add(1))
	e.ring.wake()
}

// Timeline implements [serve.Follower].
func (e *entry) Timeline() *timeline.Trace { return &e.trace }

// Taken implements [serve.Follower].
func (e *entry) Taken(build uint64) { e.build.Store(build) }

// soon is how many bytes are counted before the end of a request, at most.
const soon = 4 << 10

// Responded implements [serve.Follower].
func (e *entry) Responded(resp *http.Response) {
	head := make(packed, 0, sizeOf(resp.Header)).addHeader(resp.Header)
	e.mu.Lock()
	e.status, e.responded = resp.StatusCode, true
	e.response, e.responseHead = resp, head
	e.uncharged = cap(head)
	if e.uncharged > soon {
		e.uncharged = 0
	}
	e.mu.Unlock()
	if cap(head) > soon {
		e.trace.Charge(cap(head))
	}
	if e.ring.watching.Load() != 0 {
		e.changed()
	}
}

// End implements [serve.Follower]. What belongs to the connection or to the instance is let go.
func (e *entry) End(record *serve.Record) {
	e.mu.Lock()
	e.ended = true
	e.status, e.bytes, e.duration = record.Status, record.Bytes, record.Duration
	e.outcome, e.aborted, e.message = string(record.Outcome), record.Aborted, record.Message
	charge := e.uncharged
	if record.Failure != nil {
		failure := *record.Failure
		failure.Err = nil
		e.failure = &failure
		charge += 100*len(failure.Frames) + 1000
	}
	charge += e.endTrailers()
	e.mu.Unlock()
	e.trace.EndAt(record.Duration, charge)
	e.changed()
}

// endTrailers keeps the trailers, and returns how many bytes they take. The lock is held.
func (e *entry) endTrailers() int {
	var t trailers
	if e.request != nil {
		t.request, e.request = e.request.Trailer, nil
	}
	if e.response != nil {
		t.response, e.response = e.response.Trailer, nil
	}
	if len(t.request)+len(t.response) == 0 {
		return 0
	}
	t.request, t.response = t.request.Clone(), t.response.Clone()
	e.trailers = &t
	return 500 + 2*(sizeOf(t.request)+sizeOf(t.response))
}
