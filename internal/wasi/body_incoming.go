package wasi

import (
	"context"
	"io"
	"slices"
	"sync"
)

const (
	// smallRead is the most that is read from the network at once at first, in bytes. When that
	// much has come, the next read is one of largeRead, and then of hugeRead if the guest's
	// goroutine reads.
	smallRead = 16 << 10
	largeRead = 256 << 10
	hugeRead  = 1 << 20
	// readAhead is how much is kept for a guest that has asked once and got a lot.
	readAhead = 256 << 10
	// streakReads is how many reads a guest gets one after the other without a wait. Whatever else
	// its instance does, and the head of its response, waits meanwhile.
	streakReads = 8
	// bulkRead is what one read must bring for the next to be worth starting before the guest asks.
	bulkRead = 16 << 10
)

// blocks is a pool of blocks of memory of one size, in bytes.
type blocks struct {
	size int
	pool sync.Pool // of *[]byte
}

var reads = [...]blocks{{size: smallRead}, {size: largeRead}, {size: hugeRead}}

func (b *blocks) get() *[]byte {
	if p, ok := b.pool.Get().(*[]byte); ok {
		return p
	}
	p := make([]byte, b.size)
	return &p
}

// received is what one read has brought.
type received struct {
	bytes []byte
	block *[]byte // behind bytes
	from  *blocks
}

// free lets the memory be used again, by any guest: nobody may have the bytes any more.
func (r *received) free() {
	if r.block != nil {
		r.from.pool.Put(r.block)
	}
	*r = received{}
}

// IncomingBody is the body of a message that a guest receives. It reads from the network when the
// guest asks for bytes, and a little ahead when they come in bulk; a goroutine exists while such a
// read is under way. Its methods belong to the guest's goroutine.
type IncomingBody struct {
	state *State
	src   io.ReadCloser
	// fault makes an error-code of a read error.
	fault func(error) *ErrorCode

	taken bool // Stream was called

	lent received // what the guest's goroutine got last: used until the next read

	mu       sync.Mutex
	chunks   []received
	first    [1]received // storage for chunks
	large    int         // the index of the next one in reads
	size     int
	reading  bool
	streak   int        // reads since one that may have waited
	itself   bool       // the guest's goroutine reads by itself what is there, and nothing ahead
	discard  bool       // only the trailers are wanted, not the bytes
	err      *ErrorCode // read error
	ended    bool       // err or the proper end is known
	reported bool       // the guest's stream has returned err
	closed   bool
	trailer  func() *Fields
	event
}

// newIncomingBody returns a body that reads src until its end, closes it when the guest has dropped
// the body or its state is closed, and then asks for trailers. src may be nil for an empty body,
// trailer when there are none. Closing src must make a blocked read return.
func (s *State) newIncomingBody(
	src io.ReadCloser,
	trailer func() *Fields,
	fault func(error) *ErrorCode,
) *IncomingBody {
	b := &IncomingBody{state: s, src: src, trailer: trailer, fault: fault}
	if src == nil {
		b.ended = true
	} else if !s.track(b) {
		b.ended, b.err = true, NewErrorCode(ConnectionTerminated, nil)
	}
	return b
}

// Empty reports that the message has no body and no trailers.
func (b *IncomingBody) Empty() bool { return b.src == nil }

// Stream returns the contents, the first time only. Closing the stream does not close the body.
func (b *IncomingBody) Stream() (InputStream, bool) {
	if b.taken {
		return nil, false
	}
	b.taken = true
	return &bodySource{b: b}, true
}

// Finish drops the contents that have not been read and returns the future of the trailers. The
// body must not be used any more; closing the future closes it.
func (b *IncomingBody) Finish() *FutureTrailers {
	b.mu.Lock()
	b.discard = true
	b.chunks, b.size = nil, 0
	b.demand()
	b.mu.Unlock()
	return &FutureTrailers{b: b}
}

// Close stops reading and closes the source. It never fails and may be called from any goroutine,
// more than once.
func (b *IncomingBody) Close() error {
	b.mu.Lock()
	closed := b.closed
	b.closed = true
	b.chunks, b.size = nil, 0
	b.mu.Unlock()
	if !closed && b.src != nil {
		b.src.Close()
		b.state.untrack(b)
	}
	return nil
}

// demand starts reading unless that is under way or needless. The lock is held.
func (b *IncomingBody) demand() {
	if b.reading || b.ended || b.closed {
		return
	}
	if _, ok := b.src.(detached); ok {
		b.reading = true
		go b.fetch()
		return
	}
	b.reading = b.state.goWork(b.fetch)
}

// readable is a source for whose bytes a goroutine can wait without reading.
type readable interface {
	// AwaitReadable waits until Read returns at once, which it reports, or until the context ends,
	// whose cause it then returns. It returns false and no error if it cannot tell.
	AwaitReadable(ctx context.Context) (bool, error)
}

// promptReader is a source that can be read without a wait.
type promptReader interface {
	// ReadNow is Read of what has come: no bytes and no error mean nothing yet. It does nothing if
	// it cannot tell, which known says.
	ReadNow(p []byte) (n int, known bool, err error)
}

// detached marks a source whose blocked read Close cannot end: its provider ends the read and waits
// for it.
type detached interface{ detached() }

// fetch reads until the guest has enough or there is no more.
func (b *IncomingBody) fetch() {
	for b.fetchOne() {
	}
}

// fetchWhole reads to the end.
func (b *IncomingBody) fetchWhole() {
	for {
		b.mu.Lock()
		done := b.ended || b.closed
		b.reading = !done
		b.mu.Unlock()
		if done {
			return
		}
		b.fetchOne()
	}
}

// fetchOne reads once and reports whether to read again.
func (b *IncomingBody) fetchOne() (more bool) {
	b.streak = 0
	from := &reads[b.large] // only who reads changes these
	block := from.get()
	n, err := b.src.Read(*block)
	return b.keep(from, block, n, err)
}

// keep keeps what a read into a block has brought. It reports whether to read again.
func (b *IncomingBody) keep(from *blocks, block *[]byte, n int, err error) (more bool) {
	b.mu.Lock()
	if n == from.size && (b.large == 0 || b.itself) {
		b.large = min(b.large+1, len(reads)-1)
	}
	if n > 0 && !b.discard && !b.closed {
		if b.chunks == nil {
			b.chunks = b.first[:0]
		}
		b.chunks = append(b.chunks, received{(*block)[:n], block, from})
		b.size += n
	} else {
		from.pool.Put(block)
	}
	if err != nil {
		b.ended = true
		if err != io.EOF {
			b.err = b.fault(err)
		}
	}
	ahead := !b.itself && n >= bulkRead && b.size < readAhead
	more = !b.ended && !b.closed && (b.discard || n == 0 || ahead)
	b.reading = more
	b.mu.Unlock()
	b.wake()
	return more
}

// bodySource is the guest's stream of the contents.
type bodySource struct{ b *IncomingBody }

func (s *bodySource) Read(n int) ([]byte, error) {
	b := s.b
	if n > 0 {
		b.readNow()
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.closed || b.reported:
		return nil, io.EOF
	case b.size > 0:
		if n <= 0 {
			return nil, nil
		}
		first := &b.chunks[0]
		c := first.bytes
		b.lent.free()
		if n < len(c) {
			first.bytes = c[n:]
			c = c[:n:n]
		} else {
			b.lent = *first
			b.chunks = slices.Delete(b.chunks, 0, 1)
		}
		b.size -= len(c)
		if len(c) >= bulkRead && b.size < readAhead/2 && !b.itself {
			b.demand()
		}
		return c, nil
	case b.ended:
		b.reported = true
		if b.err != nil {
			return nil, b.err
		}
		return nil, io.EOF
	case n > 0:
		b.demand()
	}
	return nil, nil
}

func (s *bodySource) Ready() bool {
	b := s.b
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.here() {
		return true
	}
	b.demand()
	return false
}

// Here implements Asker.
func (s *bodySource) Here() bool {
	s.b.mu.Lock()
	defer s.b.mu.Unlock()
	return s.b.here()
}

// here reports whether there are bytes or the end. The lock is held.
func (b *IncomingBody) here() bool { return b.size > 0 || b.ended || b.closed }

// Block implements Blocker. If it can, the guest's goroutine reads by itself: another one would
// have to be woken, and to wake the guest.
func (s *bodySource) Block(ctx context.Context) error {
	b := s.b
	if read, err := b.readItself(ctx); read || err != nil {
		return err
	}
	w := NewWaiter()
	defer s.Subscribe(w)()
	if s.Ready() {
		return nil
	}
	return w.Wait(ctx)
}

// readItself reads once on the guest's goroutine, if there is nothing, and reports whether it did.
func (b *IncomingBody) readItself(ctx context.Context) (read bool, err error) {
	src, ok := b.src.(readable)
	if !ok || !b.claim() {
		return false, nil
	}
	read, err = src.AwaitReadable(ctx)
	b.itself = read // only who reads changes it
	if read && !b.fetchOne() {
		return true, nil
	}
	b.release()
	return read, err
}

// readNow reads once on the guest's goroutine, without a wait, if there is nothing here, unless the
// guest has got a lot in this way.
func (b *IncomingBody) readNow() {
	src, ok := b.src.(promptReader)
	if !ok || !b.claim() {
		return
	}
	defer b.release()
	if b.streak++; b.streak > streakReads {
		return
	}
	from := &reads[b.large]
	block := from.get()
	n, known, err := src.ReadNow(*block)
	b.itself = known
	if n > 0 || err != nil {
		b.keep(from, block, n, err)
	} else {
		from.pool.Put(block)
	}
}

// claim makes the caller the one that reads, if nobody does and there is nothing here. release must
// follow.
func (b *IncomingBody) claim() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.here() || b.reading {
		return false
	}
	b.reading = true
	return true
}

func (b *IncomingBody) release() {
	b.mu.Lock()
	b.reading = false
	b.mu.Unlock()
}

func (s *bodySource) Subscribe(w *Waiter) func() { return s.b.subscribe(w) }

func (s *bodySource) Close() error { return nil }

// FutureTrailers is the future of the trailers that follow the contents of an IncomingBody. Its
// methods belong to the guest's goroutine.
type FutureTrailers struct{ b *IncomingBody }

// Ready reports whether Get has a result.
func (f *FutureTrailers) Ready() bool {
	f.b.mu.Lock()
	defer f.b.mu.Unlock()
	return f.b.ended || f.b.closed
}

// Subscribe wakes w when the trailers are there.
func (f *FutureTrailers) Subscribe(w *Waiter) func() { return f.b.subscribe(w) }

// Get returns the trailers, frozen, without those that a trailer section may not have; nil if the
// message has none; or what went wrong with the body. It must be Ready.
func (f *FutureTrailers) Get() (*Fields, *ErrorCode) {
	b := f.b
	b.mu.Lock()
	err, ended := b.err, b.ended
	b.mu.Unlock()
	switch {
	case err != nil:
		return nil, err
	case !ended:
		return nil, NewErrorCode(ConnectionTerminated, nil)
	case b.trailer == nil:
		return nil, nil
	}
	if t := b.trailer().trailing(); t != nil && t.Len() > 0 {
		return t, nil
	}
	return nil, nil
}

// Close closes the body.
func (f *FutureTrailers) Close() error { return f.b.Close() }
