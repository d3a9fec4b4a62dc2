package p3

import (
	"errors"

	"github.com/wasihttp/wasihttp/component"
	"github.com/wasihttp/wasihttp/internal/wasi"
	"github.com/wasihttp/wasihttp/internal/wasi/convert"
	"github.com/wasihttp/wasihttp/internal/wasi/table"
)

// message is what requests and responses have in common: contents and trailers, from a guest or
// from the network.
type message struct {
	store *component.Store

	// body is the body of a message that came from the network, nil for one that a guest made.
	body *wasi.IncomingBody

	// The parts of a guest's message: a stream<u8>, unless there are no contents, and a
	// future<result<option<trailers>, error-code>>.
	contents    component.Value
	hasContents bool
	trailers    component.Value
	// transmitted resolves the future<result<_, error-code>> that the guest got, at most once.
	transmitted func(component.Value)
}

// newMessage returns the message for the arguments contents and trailers of new, and the future
// that new returns.
func newMessage(
	s *component.Store,
	contents, trailers component.Value,
) (m message, future component.Value) {
	m = message{store: s, trailers: trailers}
	if m.hasContents = contents.IsSome(); m.hasContents {
		m.contents = contents.Payload()
	}
	future, m.transmitted = s.NewFuture()
	return m, future
}

// empty reports whether the message has no contents.
func (m *message) empty() bool {
	if m.body != nil {
		return m.body.Empty()
	}
	return !m.hasContents
}

// settle resolves the transmission with code, nil for success. Only the first call counts.
func (m *message) settle(code *wasi.ErrorCode) {
	set := m.transmitted
	m.transmitted = nil
	switch {
	case set == nil:
	case code != nil:
		set(convert.Failure(code))
	default:
		set(component.OkUnit())
	}
}

// drop drops a message that was not sent.
func (m *message) drop() {
	if m.body != nil {
		_ = m.body.Close() // it never fails
		return
	}
	if m.hasContents {
		m.store.DropStream(m.contents)
	}
	// Guests expect their writes to be taken.
	m.store.ReadFuture(m.trailers, func(component.Value, bool) {})
	m.settle(nil)
}

// open returns the contents as a stream<u8> and the trailers as a future, for their reader, which
// may be a guest or the host.
func (m *message) open() (contents, trailers component.Value) {
	if m.body == nil {
		if !m.hasContents {
			return m.store.NewByteStream(nothing{}), m.trailers
		}
		return m.contents, m.trailers
	}
	body := m.body
	trailers, set := m.store.NewFuture()
	in, _ := body.Stream()
	contents = m.store.NewByteStream(&source{in: in, closed: func(ended bool, _ error) {
		if !ended {
			_ = body.Close() // it never fails
			set(component.Ok(component.None()))
			return
		}
		f := body.Finish()
		set(trailersResult(f.Get()))
		_ = f.Close() // it never fails
	}})
	return contents, trailers
}

// trailersResult converts to a result<option<trailers>, error-code>.
func trailersResult(t *wasi.Fields, code *wasi.ErrorCode) component.Value {
	switch {
	case code != nil:
		return convert.Failure(code)
	case t == nil:
		return component.Ok(component.None())
	}
	return component.Ok(component.Some(component.Own(t)))
}

// consume is consume-body: res is the reader's verdict, which becomes the result of the
// transmission.
func (m *message) consume(res component.Value) component.Value {
	contents, trailers := m.open()
	m.store.ReadFuture(res, func(v component.Value, ok bool) {
		if !ok || v.IsOk() {
			m.settle(nil)
		} else {
			m.settle(convert.ErrorCodeOf(v.Payload()))
		}
	})
	return component.Record(contents, trailers)
}

// transfer carries the contents and trailers of a message into an outgoing body.
type transfer struct {
	body *wasi.OutgoingBody
	// done is called once at the end: with nil if the body is complete, with wasi.ErrClosed if its
	// reader has stopped reading, or with a *wasi.ErrorCode that says what is wrong with the body.
	done func(err error)

	// The parts that come from the embedder, not from the guest.
	ownContents, ownTrailers bool

	contentsEnded, trailersCame bool
	trailers                    *wasi.Fields
	ended                       bool
}

// withoutGuest reports whether the rest comes without the guest.
func (t *transfer) withoutGuest() bool {
	return (t.ownContents || t.contentsEnded) && (t.ownTrailers || t.trailersCame)
}

// send begins to move the message into body.
func (m *message) send(body *wasi.OutgoingBody, done func(error)) {
	contents, trailers := m.open()
	t := &transfer{
		body: body, done: done,
		ownContents: m.store.Owns(contents), ownTrailers: m.store.Owns(trailers),
	}
	body.ComesWithoutGuest(t.withoutGuest)
	out, _ := body.Stream()
	// Trailers and contents are read at the same time: a guest may wait for either before it goes
	// on with the other.
	m.store.ReadFuture(trailers, t.trailer)
	m.store.ReadStream(contents, &sink{out: out, closed: t.content})
}

func (t *transfer) content(err error) {
	if err != nil {
		t.fail(err)
		return
	}
	t.contentsEnded = true
	t.finish()
}

func (t *transfer) trailer(v component.Value, ok bool) {
	switch {
	case !ok:
		t.fail(component.ErrStoreClosed)
		return
	case !v.IsOk():
		t.fail(convert.ErrorCodeOf(v.Payload()))
		return
	}
	if o := v.Payload(); o.IsSome() {
		t.trailers = table.FieldsOf(o.Payload())
	}
	t.trailersCame = true
	t.finish()
}

func (t *transfer) finish() {
	if t.ended || !t.contentsEnded || !t.trailersCame {
		return
	}
	t.ended = true
	if code := t.body.Finish(t.trailers); code != nil {
		t.done(code)
		return
	}
	t.done(nil)
}

func (t *transfer) fail(err error) {
	if t.ended {
		return
	}
	t.ended = true
	cause := err
	if errors.Is(err, component.ErrStoreClosed) {
		cause = wasi.ErrBodyDropped
	}
	t.body.Abort(cause)
	t.done(err)
}
