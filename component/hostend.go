package component

import (
	"errors"

	"github.com/wasihttp/wasihttp/component/internal/types"
)

// ByteSource is the embedder's writable end of a stream<u8>. The store's owner calls it; none of
// its methods may block.
type ByteSource interface {
	// Read puts bytes into p. n may be less than len(p); 0 means nothing yet. end reports whether
	// nothing follows.
	Read(p []byte) (n int, end bool)
	// Ready reports whether Read would return bytes or the end.
	Ready() bool
	// Wait makes the source call wake, on any goroutine, when Ready may have become true after the
	// call; stop ends that.
	Wait(wake func()) (stop func())
	// Close is called once, when the reader has gone.
	Close()
}

// ValueSource is the embedder's writable end of a stream of anything but bytes. The store's owner
// calls it; none of its methods may block.
type ValueSource interface {
	// Read returns up to n values, which become the reader's; none means nothing yet. end reports
	// whether nothing follows.
	Read(n int) (values []Value, end bool)
	// Ready, Wait and Close are those of a ByteSource.
	Ready() bool
	Wait(wake func()) (stop func())
	Close()
}

// ByteSink is the embedder's readable end of a stream<u8>. The store's owner calls it; none of its
// methods may block.
type ByteSink interface {
	// Accept returns how many of n offered bytes Write is to be called with: 0 for none now, less
	// than 0 to drop the stream without taking any.
	Accept(n int) int
	// Ready reports whether Accept would not return 0 for an offer of some bytes.
	Ready() bool
	// Write takes the bytes that Accept allowed. They are only valid during the call.
	Write(p []byte)
	// Wait makes the sink call wake, on any goroutine, when Accept may have become positive after
	// the call; stop ends that.
	Wait(wake func()) (stop func())
	// End is called once, with nil if the writer has dropped its end, and with ErrStoreClosed if
	// the store was closed while the stream was open.
	End(err error)
}

// hostEnd is the embedder's end of a stream or future.
type hostEnd struct {
	store *Store
	sh    *shared

	src    ByteSource
	values ValueSource
	sink   ByteSink

	// A future: the value to be read, or who takes it.
	set   bool
	value Value
	take  FutureReader

	by      *hostFunc // that has the end; nil if it is not known
	waiting bool
	follows bool // another operation that the guest waits for fulfils the future
	stop    func()
	closed  bool
	place   int // in the store's list of ends, from 1; 0 if it is not there
}

func (s *Store) newHostEnd(sh *shared) *hostEnd {
	e := &sh.own
	*e = hostEnd{store: s, sh: sh, by: s.serving}
	sh.host = e
	s.ends = append(s.ends, e)
	e.place = len(s.ends)
	return e
}

// unlist takes the end out of the store's list.
func (e *hostEnd) unlist() {
	if e.place == 0 {
		return
	}
	s := e.store
	n := len(s.ends)
	last := s.ends[n-1]
	s.ends[e.place-1], last.place = last, e.place
	s.ends[n-1] = nil
	s.ends = s.ends[:n-1]
	e.place = 0
}

// NewByteStream returns a stream<u8> whose contents come from src.
func (s *Store) NewByteStream(src ByteSource) Value {
	sh := s.newShared()
	sh.elem = bytePayload
	s.newHostEnd(sh).src = src
	return Value{ref: sh}
}

// NewStream returns a stream whose contents come from src. Its element type is the one that its
// first receiver expects, and must not be u8.
func (s *Store) NewStream(src ValueSource) Value {
	sh := s.newShared()
	sh.untyped = true
	s.newHostEnd(sh).values = src
	return Value{ref: sh}
}

// bytePayload is the payload type of a stream<u8>.
var bytePayload = &types.Type{Kind: types.U8}

// NewFuture returns a future, and the function that sets its value. The owner calls set at most
// once, which is allowed after the guest has dropped the future.
func (s *Store) NewFuture() (v Value, set func(Value)) {
	v = s.Promise()
	return v, func(x Value) { s.Fulfil(v, x) }
}

// Promise returns a future, whose value the owner sets with Fulfil.
func (s *Store) Promise() Value {
	sh := s.newShared()
	sh.future, sh.untyped = true, true
	s.newHostEnd(sh)
	return Value{ref: sh}
}

// Follow says that a future that Promise returned is fulfilled by something else for which the
// guest also waits, so that Pending does not count it.
func (s *Store) Follow(future Value) {
	e := &future.ref.(*shared).own
	if e.follows {
		return
	}
	e.follows = true
	if e.waiting {
		s.following++
	}
}

// Fulfil sets the value of a future that Promise returned, at most once. The guest may have dropped
// the future before.
func (s *Store) Fulfil(future, v Value) {
	e := &future.ref.(*shared).own
	e.set, e.value = true, v
	e.stopWaiting()
	switch {
	case e.take != nil:
		e.deliver(v)
	case !e.closed && e.sh.buf != nil:
		e.progress()
	}
}

// Owns reports whether the embedder holds the writable end of a stream or future that it received,
// so that its contents come without the guest.
func (s *Store) Owns(v Value) bool { return v.ref.(*shared).host != nil }

// takeSource returns the embedder's own source if the stream is one of its streams that came back
// unread, and takes it over: the stream has ended for the guest. It returns nil otherwise.
func (s *Store) takeSource(sh *shared) ByteSource {
	if sh.host == nil || sh.host.src == nil || sh.host.closed {
		return nil
	}
	e := sh.host
	e.closed = true
	sh.dropped = true
	e.unlist()
	return e.src
}

// ReadStream passes everything that is written to a stream<u8> that the embedder received to sink.
// It refuses a stream of anything else: it drops the stream and ends the sink with an error.
func (s *Store) ReadStream(v Value, sink ByteSink) {
	sh := v.ref.(*shared)
	if !sh.carries(false, bytePayload) {
		sh.drop()
		sink.End(errNotBytes)
		return
	}
	if sh.host != nil {
		// One of the embedder's own streams: join source and sink.
		s.join(sh, sink)
		return
	}
	if sh.dropped {
		sink.End(nil)
		return
	}
	e := s.newHostEnd(sh)
	e.sink = sink
	if sh.buf != nil {
		e.progress()
	}
}

var errNotBytes = errors.New("component: this is not a stream<u8>")

// DropStream drops the readable end of a stream or future that the embedder received.
func (s *Store) DropStream(v Value) { v.ref.(*shared).drop() }

// FutureReader takes the value of a future.
type FutureReader interface {
	// Take is called once, by the owner of the store. ok is false if the store was closed before
	// the value was written.
	Take(v Value, ok bool)
}

// FutureFunc is a FutureReader.
type FutureFunc func(v Value, ok bool)

// Take calls f.
func (f FutureFunc) Take(v Value, ok bool) { f(v, ok) }

// ReadFuture makes the owner pass the value of a future that the embedder received to take.
func (s *Store) ReadFuture(v Value, take FutureReader) {
	sh := v.ref.(*shared)
	if sh.host != nil {
		// One of the embedder's own futures came back.
		if sh.host.set {
			sh.host.release()
			take.Take(sh.host.value, true)
			return
		}
		sh.host.take = take
		return
	}
	e := s.newHostEnd(sh)
	e.take = take
	if sh.buf != nil {
		e.progress()
	}
}

// progress continues the pending operation of the guest, or arranges to be woken.
func (e *hostEnd) progress() {
	sh := e.sh
	switch {
	case e.closed || sh.buf == nil:
	case sh.future && sh.reading:
		e.giveValue()
	case sh.future:
		v := sh.buf.read(1)[0]
		e.finish(copyCompleted)
		e.deliver(v)
	case e.sink != nil:
		e.drain()
	default:
		e.fill()
	}
}

func (e *hostEnd) giveValue() {
	if !e.set {
		e.wait(nil)
		return
	}
	e.sh.buf.write([]Value{e.value})
	e.finish(copyCompleted)
	e.release()
	if e.take != nil {
		e.take.Take(e.value, true)
		e.take = nil
	}
}

// deliver hands the value of a guest's future to the embedder.
func (e *hostEnd) deliver(v Value) {
	e.release()
	take := e.take
	e.take = nil
	if take != nil {
		take.Take(v, true)
	}
}

// filler is what sources of bytes and of values have in common.
type filler interface {
	Ready() bool
	Wait(wake func()) (stop func())
	Close()
}

// source returns the source of the embedder's stream; nil if the embedder reads it.
func (e *hostEnd) source() filler {
	switch {
	case e.src != nil:
		return e.src
	case e.values != nil:
		return e.values
	}
	return nil
}

func (e *hostEnd) fill() {
	b, src := e.sh.buf, e.source()
	if b.zeroLength() {
		if src.Ready() {
			e.finish(copyCompleted)
		} else {
			e.wait(src.Wait)
		}
		return
	}
	n, end := e.fillBuffer(b)
	switch {
	case end:
		e.end()
	case n > 0:
		e.finish(copyCompleted)
	default:
		e.wait(src.Wait)
	}
}

// fillBuffer moves what the source has into b.
func (e *hostEnd) fillBuffer(b *guestBuffer) (n int, end bool) {
	if e.values != nil {
		vs, end := e.values.Read(min(b.remain(), maxLiftedElements))
		b.write(vs)
		return len(vs), end
	}
	n, end = e.src.Read(b.window())
	b.advance(n)
	return n, end
}

// end reports the end of the embedder's stream along with what was read last.
func (e *hostEnd) end() {
	e.sh.dropped = true
	e.finish(copyDropped)
	e.release()
	e.source().Close()
}

func (e *hostEnd) drain() {
	b := e.sh.buf
	if b.zeroLength() {
		// The guest only asks whether it could write.
		if e.sink.Ready() {
			e.finish(copyCompleted)
		} else {
			e.wait(e.sink.Wait)
		}
		return
	}
	n := e.sink.Accept(b.remain())
	switch {
	case n < 0:
		e.sh.dropped = true
		e.finish(copyDropped)
		e.release()
	case n == 0:
		e.wait(e.sink.Wait)
	default:
		if p, ok := b.bytes(n); ok {
			e.sink.Write(p)
		}
		e.finish(copyCompleted)
	}
}

func (e *hostEnd) finish(r copyResult) { e.sh.notifyPending(r) }

// wait leaves the guest's operation pending. If wait is nil, the operation continues when the value
// is set.
func (e *hostEnd) wait(wait func(func()) func()) {
	if e.waiting {
		return
	}
	e.waiting = true
	e.store.pending++
	if e.follows {
		e.store.following++
	}
	if wait == nil {
		return
	}
	e.stop = wait(func() {
		e.store.mailbox.post(func() {
			if !e.waiting {
				return
			}
			e.stopWaiting()
			e.progress()
		})
	})
}

func (e *hostEnd) stopWaiting() {
	if !e.waiting {
		return
	}
	e.waiting = false
	e.store.pending--
	if e.follows {
		e.store.following--
	}
	if e.stop != nil {
		e.stop()
		e.stop = nil
	}
}

func (e *hostEnd) release() {
	e.closed = true
	e.stopWaiting()
	e.unlist()
}

// peerDropped handles that the guest drops its end, or that the store closes.
func (e *hostEnd) peerDropped(err error) {
	if e.closed {
		return
	}
	e.release()
	switch {
	case e.sink != nil:
		e.sink.End(err)
	case e.source() != nil:
		e.source().Close()
	case e.take != nil:
		take := e.take
		e.take = nil
		take.Take(Value{}, false)
	}
}
