package wasi

import (
	"io"
	"time"
)

// Admitter is an OutputStream that reports beforehand which writes it would refuse.
type Admitter interface {
	// Admit returns the error with which a write of n bytes, in one piece or several, would fail,
	// or nil.
	Admit(n int) *ErrorCode
}

// OutgoingBody is the body of a message that a guest sends: a stream of bytes, then trailers. The
// guest's goroutine writes it, one other goroutine reads it through Reader.
//
// When the message declares a content-length the body is held to it: a write that exceeds it fails,
// and so does finishing short of it (RFC 9110, 8.6).
type OutgoingBody struct {
	pipe     pipe
	stream   bodyStream
	reader   BodyReader
	declared bool
	length   uint64
	written  uint64    // including a write that was refused for being too long
	code     ErrorCase // for a wrong size
	// mayBeEmpty allows no bytes at all whatever the length says, as in the response to HEAD.
	mayBeEmpty bool
	empty      bool // there are no contents, whenever the body ends
	taken      bool // Stream was called
	finished   bool
	// without says whether the rest of the body comes without the guest; nil if it never does.
	without  Continuation
	spliced  bool    // the contents come without the guest
	trailers *Fields // set before the end of the pipe

	watcher BodyWatcher // nil for none
	watchAt uint64      // how many bytes it waits for
}

// initOutgoingBody makes b, which is zero, the body of a message with that header.
func (s *State) initOutgoingBody(b *OutgoingBody, header *Fields, code ErrorCase) {
	b.pipe.limit, b.pipe.steady = s.bodyBuffer(), s.cfg.Steady
	b.code = code
	b.stream.b, b.reader.b = b, b
	b.length, b.declared = header.ContentLength()
}

// NoContents declares that nothing will be written, so that the length of the body is known before
// it ends. It is called before the message is sent.
func (b *OutgoingBody) NoContents() { b.empty = true }

// Continuation is where the rest of a body comes from.
type Continuation interface {
	// WithoutGuest reports whether the embedder itself moves the rest and ends the body. The
	// guest's goroutine calls it.
	WithoutGuest() bool
}

// ComesWithoutGuest sets where the rest of the body comes from; contents says that these, at least,
// are the embedder's. It is called before the message is sent.
func (b *OutgoingBody) ComesWithoutGuest(c Continuation, contents bool) {
	b.without, b.spliced = c, contents
}

// Stream returns the sink for the contents, the first time only. Closing it does not end the body.
func (b *OutgoingBody) Stream() (OutputStream, bool) {
	if b.taken {
		return nil, false
	}
	b.taken = true
	return &b.stream, true
}

// NoMore declares that the contents have ended; trailers may be missing still. The guest's
// goroutine calls it.
func (b *OutgoingBody) NoMore() {
	if b.declaredEmpty() {
		b.pipe.hush()
	}
}

// declaredEmpty reports whether the head alone makes a whole message for its receiver.
func (b *OutgoingBody) declaredEmpty() bool {
	return b.declared && b.length == 0 && !b.mayBeEmpty
}

// Finish completes the body; trailers may be nil, and those that a trailer section may not have are
// left out. It fails if the size is not the declared one, and the message is then cut short.
func (b *OutgoingBody) Finish(trailers *Fields) *ErrorCode {
	if b.finished {
		return nil
	}
	b.finished = true
	if b.declared && b.written != b.length && !(b.mayBeEmpty && b.written == 0) {
		code := bodySize(b.code, b.written, b.length)
		b.pipe.end(code)
		return code
	}
	if t := trailers.trailing(); t != nil && t.Len() > 0 {
		b.trailers = t
	}
	b.pipe.end(nil)
	return nil
}

// Abort ends the body early; the reader gets reason after the bytes that were written. It reports
// whether a reader gets it: the body has not ended before, and its reader has not left. It may be
// called from any goroutine.
func (b *OutgoingBody) Abort(cause error) (heard bool) { return b.pipe.end(cause) }

// Reader returns the other end.
func (b *OutgoingBody) Reader() *BodyReader { return &b.reader }

// bodyStream is the guest's sink for the contents of a body.
type bodyStream struct {
	b      *OutgoingBody
	closed bool
}

func (s *bodyStream) Ready() bool { return s.closed || s.b.pipe.writable() }

func (s *bodyStream) Subscribe(w *Waiter) func() { return s.b.pipe.subscribe(w) }

func (s *bodyStream) CheckWrite() (int, error) {
	if s.closed {
		return 0, ErrClosed
	}
	return s.b.pipe.checkWrite()
}

// Admit reports whether n more bytes keep to the declared size. If not, the body ends as it does
// when they are written.
func (s *bodyStream) Admit(n int) *ErrorCode {
	b := s.b
	if n := uint64(n); b.declared && n > b.length-min(b.length, b.written) {
		b.written += n
		code := bodySize(b.code, b.written, b.length)
		b.pipe.end(code)
		s.closed = true
		return code
	}
	return nil
}

func (s *bodyStream) Write(p []byte) error {
	b := s.b
	if s.closed {
		return ErrClosed
	}
	if code := s.Admit(len(p)); code != nil {
		return code
	}
	if err := b.pipe.write(p); err != nil {
		return err
	}
	b.written += uint64(len(p))
	if w := b.watcher; w != nil && b.written >= b.watchAt {
		b.watcher = nil
		w.Progress()
	}
	return nil
}

// Flush has nothing to wait for: what is written is at once there for the reader.
func (s *bodyStream) Flush() error {
	_, err := s.CheckWrite()
	return err
}

// Flushed reports that a flush is complete, even while CheckWrite permits nothing.
func (s *bodyStream) Flushed() bool { return true }

func (s *bodyStream) Close() error {
	s.closed = true
	return nil
}

// BodyReader is the receiving end of an OutgoingBody. One goroutine reads; Close, Buffered and
// Ended may be called from any.
type BodyReader struct{ b *OutgoingBody }

// Read blocks until the guest has written or ended the body. At the proper end it returns io.EOF;
// when the guest gave up, trapped or kept not to its content-length, another error, after all bytes
// that were written: the message must then be cut short where its receiver notices.
func (r *BodyReader) Read(p []byte) (int, error) { return r.b.pipe.Read(p) }

// AwaitWhole blocks while the head should not be sent yet because a content-length of 0 would make
// it a whole message, which contents might still break: until these have ended, or for as long as
// limit if they are the guest's. Close ends it; Read must not be called meanwhile.
func (r *BodyReader) AwaitWhole(limit time.Duration) {
	switch b := r.b; {
	case !b.declaredEmpty():
	case b.spliced:
		b.pipe.awaitNews(nil)
	case limit > 0:
		late := time.NewTimer(limit)
		defer late.Stop()
		b.pipe.awaitNews(late.C)
	}
}

// Next is Read, but returns bytes where they are: they are the caller's until it calls Next or Read
// again.
func (r *BodyReader) Next() ([]byte, error) { return r.b.pipe.next() }

// Close stops reading: further writes of the guest return ErrClosed. It never fails.
func (r *BodyReader) Close() error {
	r.b.pipe.closeRead()
	return nil
}

// Buffered returns how many bytes Read returns without blocking.
func (r *BodyReader) Buffered() int {
	n, _ := r.b.pipe.buffered()
	return n
}

// Ended reports whether the guest writes no more: reads up to the end do not block.
func (r *BodyReader) Ended() bool {
	return r.b.pipe.over()
}

// Ready reports whether Read returns at once, with bytes or the end.
func (r *BodyReader) Ready() bool {
	return r.b.pipe.over() || r.Buffered() > 0
}

// Trailer returns the trailers, frozen, or nil; it is known once Ended, or Read has returned
// io.EOF.
func (r *BodyReader) Trailer() *Fields {
	if !r.b.pipe.ended.Load() {
		return nil
	}
	return r.b.trailers
}

var _ io.ReadCloser = (*BodyReader)(nil)

// Finished reports whether the body has ended properly. It may be called from any goroutine.
func (b *OutgoingBody) Finished() bool {
	return b.pipe.ended.Load() && b.pipe.err == nil
}
