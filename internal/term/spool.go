package term

import (
	"bytes"
	"io"
	"os"
	"sync"
	"time"
)

const (
	// spoolBytes is how much a spool holds for a stream that is slow, in bytes.
	spoolBytes = 1 << 20
	// spoolPiece is up to how many bytes are joined for one write to the stream.
	spoolPiece = 16 << 10
	// stuckAfter is how long a write may take until what does not fit is dropped.
	stuckAfter = 200 * time.Millisecond
	// goneAfter is how long a write may take at the end until what is left is given up. It is
	// longer than what a busy machine keeps a reader waiting for.
	goneAfter = 2 * time.Second
)

// Stall describes an output that nothing reads.
type Stall struct {
	// Outputs are the outputs that lead to the same place.
	Outputs []*Output
	// Lines is how many lines have been dropped; 0 if dropping begins now.
	Lines int
}

// Spool lets writes to the outputs return even if nothing reads them, until restore is called. A
// write waits for room as long as the reader makes progress; once there has been none for a moment,
// what does not fit is dropped. What is written to one place arrives in the order of the writes.
//
// stalled is called when dropping begins, and when there is room again or restore is called; it may
// write to the outputs. restore passes on what is held, and gives up if there is no progress for
// two seconds.
func Spool(stalled func(Stall), outs ...*Output) (restore func()) {
	var spools []*spool
	for _, o := range outs {
		s := spoolFor(spools, o)
		if s == nil {
			s = newSpool()
			s.stalled = func(lines int) { stalled(Stall{Outputs: s.outs, Lines: lines}) }
			spools = append(spools, s)
		}
		s.outs = append(s.outs, o)
	}
	for _, s := range spools {
		go s.run()
		go s.tell(s.stalls)
		for _, o := range s.outs {
			o.redirect(func(w io.Writer) io.Writer { return &spooled{s, w} })
		}
	}
	return func() {
		for _, s := range spools {
			s.close()
			for _, o := range s.outs {
				o.redirect(func(w io.Writer) io.Writer { return w.(*spooled).w })
			}
		}
	}
}

// spoolFor returns the spool that leads to the same place as o; nil if there is none.
func spoolFor(spools []*spool, o *Output) *spool {
	for _, s := range spools {
		if samePlace(s.outs[0], o) {
			return s
		}
	}
	return nil
}

// samePlace reports whether two outputs are the same file, pipe or terminal.
func samePlace(a, b *Output) bool {
	if a.file == nil || b.file == nil {
		return false
	}
	one, err := a.file.Stat()
	if err != nil {
		return false
	}
	other, err := b.file.Stat()
	return err == nil && os.SameFile(one, other)
}

// redirect replaces the stream that o writes to.
func (o *Output) redirect(by func(io.Writer) io.Writer) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.w = by(o.w)
}

// spool is a queue of writes to one place, and the goroutine that makes them.
type spool struct {
	outs    []*Output
	stalled func(lines int)
	news    chan struct{} // has room for one
	done    chan struct{} // closed when the goroutine has ended
	stalls  chan int      // for the goroutine that calls stalled
	told    chan struct{} // closed when that has ended

	mu      sync.Mutex
	queue   []chunk
	held    int           // bytes in the queue and in the write that is going on
	begun   time.Time     // when that write began; zero if there is none
	moved   chan struct{} // closed at the next progress
	stuck   bool          // there was no progress for too long
	dropped int           // lines that were not yet reported
	closing bool
}

// chunk is one write.
type chunk struct {
	w    io.Writer
	data []byte
}

func newSpool() *spool {
	return &spool{
		news: make(chan struct{}, 1), done: make(chan struct{}), moved: make(chan struct{}),
		stalls: make(chan int, 2), told: make(chan struct{}),
	}
}

// spooled is a stream behind a spool.
type spooled struct {
	spool *spool
	w     io.Writer
}

// Write never fails.
func (s *spooled) Write(p []byte) (int, error) {
	s.spool.add(s.w, p)
	return len(p), nil
}

// add puts a copy of p into the queue as soon as there is room, or drops it.
func (s *spool) add(w io.Writer, p []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.held > 0 && s.held+len(p) > spoolBytes {
		if !s.awaitRoom() {
			s.drop(p)
			return
		}
	}
	s.held += len(p)
	if last := s.last(); last != nil && last.w == w && len(last.data)+len(p) <= spoolPiece {
		last.data = append(last.data, p...)
	} else {
		s.queue = append(s.queue, chunk{w, bytes.Clone(p)})
	}
	select {
	case s.news <- struct{}{}:
	default:
	}
}

// last returns the write that was queued last; nil if there is none. The lock is held.
func (s *spool) last() *chunk {
	if len(s.queue) == 0 {
		return nil
	}
	return &s.queue[len(s.queue)-1]
}

// awaitRoom waits for progress, and reports false if there is none. The lock is held, but not
// meanwhile.
func (s *spool) awaitRoom() bool {
	left := stuckAfter
	if !s.begun.IsZero() {
		left -= time.Since(s.begun)
	}
	if s.stuck || left <= 0 {
		return false
	}
	moved := s.moved
	s.mu.Unlock()
	defer s.mu.Lock()
	timer := time.NewTimer(left)
	defer timer.Stop()
	select {
	case <-moved:
		return true
	case <-timer.C:
		return false
	}
}

// drop counts what is lost. The lock is held.
func (s *spool) drop(p []byte) {
	if s.dropped == 0 {
		s.report(0)
	}
	s.stuck = true
	s.dropped += max(bytes.Count(p, []byte("\n")), 1)
}

// report has stalled called, by another goroutine: this one may hold the lock of its output. If
// there is no room, the last reports have not been read either.
func (s *spool) report(lines int) {
	select {
	case s.stalls <- lines:
	default:
	}
}

// tell calls stalled.
func (s *spool) tell(stalls <-chan int) {
	defer close(s.told)
	for lines := range stalls {
		s.stalled(lines)
	}
}

// run makes the writes.
func (s *spool) run() {
	defer close(s.done)
	for {
		next, ok := s.take()
		if !ok {
			<-s.news
			continue
		}
		if next.w == nil {
			return
		}
		// A failed write cannot be reported anywhere.
		_, _ = next.w.Write(next.data)
		s.wrote(len(next.data))
	}
}

// take returns the next write; one without a stream means that there are no more. ok is false if
// there is nothing to do yet.
func (s *spool) take() (next chunk, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.queue) == 0 {
		return chunk{}, s.closing
	}
	next = s.queue[0]
	s.queue[0] = chunk{}
	s.queue = s.queue[1:]
	s.begun = time.Now()
	return next, true
}

// wrote records progress.
func (s *spool) wrote(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held -= n
	s.begun = time.Time{}
	close(s.moved)
	s.moved = make(chan struct{})
	s.stuck = false
	if s.dropped > 0 && s.held < spoolBytes/2 {
		s.report(s.dropped)
		s.dropped = 0
	}
}

// close makes the writes that are left, unless the reader is gone: then the goroutine that writes
// is left behind, for the process ends.
func (s *spool) close() {
	s.mu.Lock()
	s.closing = true
	s.mu.Unlock()
	select {
	case s.news <- struct{}{}:
	default:
	}
	for s.awaitEnd() {
	}
	s.mu.Lock()
	if s.dropped > 0 {
		s.report(s.dropped)
	}
	close(s.stalls)
	s.stalls = nil
	s.mu.Unlock()
	<-s.told
}

// awaitEnd waits until the goroutine has ended or made progress; it reports whether it is worth
// waiting for more.
func (s *spool) awaitEnd() bool {
	s.mu.Lock()
	moved, left := s.moved, goneAfter
	if !s.begun.IsZero() {
		left -= time.Since(s.begun)
	}
	s.mu.Unlock()
	timer := time.NewTimer(left)
	defer timer.Stop()
	select {
	case <-s.done:
		return false
	case <-moved:
		return true
	case <-timer.C:
		return false
	}
}
