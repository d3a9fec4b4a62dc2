package explorer

import (
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
	looked   atomic.Bool  // somebody has looked: entries have versions from then on

	mu       sync.Mutex
	readers  int               // of entries: as long as there are some, no entry is used again
	free     []*entry          // to be used again
	unused   []entry           // never used
	entries  [maxRequests]slot // at seq % maxRequests
	shelves  [maxRequests / chunk]*shelf
	seq      uint64  // of the newest entry
	oldest   uint64  // entries before this one are gone
	cleared  uint64  // how often all of them were removed
	number   uint64  // of the build that is served
	builds   []Build // the oldest first
	buildSeq uint64
	watchers map[chan struct{}]struct{}
}

// entry is one request. Its Trace has what is said of it, and its bodies; the lock of the Trace
// guards the fields that change.
type entry struct {
	ring                 *ring
	id, remote, protocol string
	method, host, target string
	fields               fields // of the request

	// request and response are there until the end: for their fields and trailers.
	request  *http.Request // nil for one without trailers
	response *http.Response

	responseFields   fields
	failure          *serve.Failure // without its error
	trailers         *trailers      // nil for none
	outcome, message string

	maskedLock sync.Mutex
	masked     string // target, once it is needed

	seq, from uint64        // from: of the request that this one repeats
	version   atomic.Uint64 // 0 for one before somebody has looked
	build     atomic.Uint64

	over      bool // the lock of the ring guards it: nothing but its timeline can still change
	hasBody   bool
	ended     bool
	responded bool
	aborted   bool
	status    int
	bytes     int64
	duration  time.Duration

	trace timeline.Trace
}

// trailers are those of the request and of the response.
type trailers struct{ request, response http.Header }

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
	var again *resent
	if q.RemoteAddr == resentRemote {
		again, _ = q.Context().Value(resentKey{}).(*resent)
	}
	r.mu.Lock()
	r.seq++
	settled := 0
	if r.seq > latest {
		settled = r.settle(r.seq-soonest) + r.settle(r.seq-latest)
	}
	s := &r.entries[r.seq%maxRequests]
	if s.seq != 0 {
		r.oldest = max(r.oldest, s.seq+1)
	}
	old := s.live
	e, charge := r.take(record.Start, old)
	e.seq, e.id, e.remote, e.protocol = r.seq, record.ID, q.RemoteAddr, q.Proto
	e.method, e.host, e.target, e.fields.live = q.Method, q.Host, record.Target, q.Header
	if q.Body != nil && q.Body != http.NoBody {
		// A request of HTTP/2 that ends with its head has a Body, and a length of 0.
		e.request, e.hasBody = q, q.ContentLength != 0
	}
	if again != nil {
		e.from = again.from
	}
	if r.looked.Load() {
		e.version.Store(r.version.Add(1))
	}
	s.seq, s.live, s.packed = r.seq, e, false
	r.mu.Unlock()
	if old != nil && old != e {
		old.trace.Drop()
	}
	if charge += settled; charge != 0 {
		r.Charge(charge)
	}
	if again != nil {
		again.began <- e.seq
	}
	r.wake()
	return e
}

// bodyBuffer is the size of the buffer that an entry has from its beginning, in bytes: most
// responses need no more.
const bodyBuffer = 128

// entrySize is about how many bytes an entry takes, with its buffer.
const entrySize = 1100 + bodyBuffer

// chunk is how many entries are made at once: the collector has less to do with one large object
// than with many small ones.
const chunk = 50

// take returns an entry for a new request, and what is to be charged for it. old is the entry that
// it takes the place of; nil for none. The lock is held.
func (r *ring) take(start time.Time, old *entry) (e *entry, charge int) {
	if n := len(r.free); n > 0 {
		e, r.free = r.free[n-1], r.free[:n-1]
		e.reset(start)
		e.trace.Owe(entrySize)
		return e, entrySize
	}
	if old != nil && r.readers == 0 && old.reusable() {
		old.release()
		old.reset(start)
		return old, 0
	}
	if len(r.unused) == 0 {
		r.unused = make([]entry, chunk)
		buffer := make([]byte, chunk*bodyBuffer)
		for i := range r.unused {
			end := (i + 1) * bodyBuffer
			r.unused[i].trace.Spare(timeline.ResponseBody, buffer[i*bodyBuffer:end:end])
		}
	}
	e, r.unused = &r.unused[0], r.unused[1:]
	e.ring = r
	e.trace.Begin(start, r, maxBody)
	e.trace.Owe(entrySize)
	return e, entrySize
}

// reset makes an entry ready for another request. It is over, and nobody reads it.
func (e *entry) reset(start time.Time) {
	e.over, e.from, e.version = false, 0, atomic.Uint64{}
	e.ended, e.responded, e.aborted = false, false, false
	e.status, e.bytes, e.duration = 0, 0, 0
	e.build = atomic.Uint64{}
	e.trace.Again(start)
}

// release lets go of what belongs to the request.
func (e *entry) release() {
	e.fields, e.responseFields = fields{}, fields{}
	e.id, e.remote, e.protocol, e.method, e.host, e.target = "", "", "", "", "", ""
	e.outcome, e.message, e.masked = "", "", ""
}

// Charge implements [timeline.Keeper]: the oldest requests make room for what is too much.
func (r *ring) Charge(bytes int) {
	if r.bytes.Add(int64(bytes)) <= r.limit || bytes <= 0 {
		return
	}
	for r.bytes.Load() > r.limit && r.evict() {
	}
	r.wake()
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

// look says that somebody looks, and returns the version of the last change.
func (r *ring) look() (version uint64) {
	r.looked.Store(true)
	return r.version.Load()
}

// changed records a change of an entry.
func (e *entry) changed() {
	if r := e.ring; r.looked.Load() {
		e.version.Store(r.version.Add(1))
	}
}

// Timeline implements [serve.Follower].
func (e *entry) Timeline() *timeline.Trace { return &e.trace }

// Taken implements [serve.Follower].
func (e *entry) Taken(build uint64) { e.build.Store(build) }

// Responded implements [serve.Follower].
func (e *entry) Responded(resp *http.Response) {
	e.trace.Lock()
	e.status, e.responded, e.response = resp.StatusCode, true, resp
	e.responseFields.live = resp.Header
	e.trace.Unlock()
	if e.ring.watching.Load() != 0 {
		e.changed()
		e.ring.wake()
	}
}

// End implements [serve.Follower]. What belongs to the connection or to the instance is let go.
func (e *entry) End(record *serve.Record) {
	e.trace.Lock()
	e.ended = true
	e.status, e.bytes, e.duration = record.Status, record.Bytes, record.Duration
	e.outcome, e.aborted, e.message = string(record.Outcome), record.Aborted, record.Message
	charge := 0
	if record.Failure != nil {
		failure := *record.Failure
		failure.Err = nil
		e.failure = &failure
		charge = 100*len(failure.Frames) + 1000
	}
	charge += e.endTrailers()
	e.trace.EndLocked(record.Duration)
	e.trace.Unlock()
	e.changed()
	e.ring.over(e, charge)
	e.ring.wake()
}

// endTrailers keeps the trailers, and returns how many bytes they take. The lock is held.
func (e *entry) endTrailers() int {
	var request, response http.Header
	if e.request != nil {
		request, e.request = e.request.Trailer, nil
	}
	if e.response != nil {
		response, e.response = e.response.Trailer, nil
	}
	if len(request)+len(response) == 0 {
		return 0
	}
	e.trailers = &trailers{request.Clone(), response.Clone()}
	return 500 + 2*(sizeOf(request)+sizeOf(response))
}
