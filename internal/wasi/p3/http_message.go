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

	// body is the body of a message that came from the network, nil for an empty one.
	incoming bool
	body     *wasi.IncomingBody

	// The parts of a guest's message: a stream<u8>, unless there are no contents, and a
	// future<result<option<trailers>, error-code>>.
	contents    component.Value
	hasContents bool
	trailers    component.Value
	// transmitted is the future<result<_, error-code>> that the guest got, until it has a value.
	transmitted component.Value
	settled     bool

	out transfer // once it is sent
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
	m.transmitted = s.Promise()
	return m, m.transmitted
}

// empty reports whether the message has no contents.
func (m *message) empty() bool {
	if m.incoming {
		return m.body == nil || m.body.Empty()
	}
	return !m.hasContents
}

// settle resolves the transmission with code, nil for success. Only the first call counts.
func (m *message) settle(code *wasi.ErrorCode) {
	if m.settled || m.incoming {
		return
	}
	m.settled = true
	result := component.OkUnit()
	if code != nil {
		result = convert.Failure(code)
	}
	m.store.Fulfil(m.transmitted, result)
}

// drop drops a message that was not sent.
func (m *message) drop() {
	if m.incoming {
		if m.body != nil {
			_ = m.body.Close() // it never fails
		}
		return
	}
	if m.hasContents {
		m.store.DropStream(m.contents)
	}
	m.store.ReadFuture(m.trailers, ignored{})
	m.settle(nil)
}

// ignored takes a future of which nothing is needed: guests expect their writes to be taken.
type ignored struct{}

func (ignored) Take(component.Value, bool) {}

// open returns the contents as a stream<u8> and the trailers as a future, for their reader, which
// may be a guest or the host.
func (m *message) open() (contents, trailers component.Value) {
	switch {
	case !m.incoming && m.hasContents:
		return m.contents, m.trailers
	case !m.incoming:
		return m.store.NewByteStream(nothing{}), m.trailers
	}
	trailers = m.store.Promise()
	if m.body == nil {
		m.store.Fulfil(trailers, component.Ok(component.None()))
		return m.store.NewByteStream(nothing{}), trailers
	}
	body := m.body
	in, _ := body.Stream()
	contents = m.store.NewByteStream(&source{in: in, closed: func(ended bool, _ error) {
		if !ended {
			_ = body.Close() // it never fails
			m.store.Fulfil(trailers, component.Ok(component.None()))
			return
		}
		f := body.Finish()
		m.store.Fulfil(trailers, trailersResult(f.Get()))
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
	m.store.ReadFuture(res, (*verdict)(m))
	return component.Record(contents, trailers)
}

// verdict is the message whose reader's verdict is awaited.
type verdict message

// Take implements component.FutureReader.
func (m *verdict) Take(v component.Value, ok bool) {
	var code *wasi.ErrorCode
	if ok && !v.IsOk() {
		code = convert.ErrorCodeOf(v.Payload())
	}
	(*message)(m).settle(code)
}

// transfer carries the contents and trailers of a message into an outgoing body.
type transfer struct {
	sink
	body *wasi.OutgoingBody
	done bodySender

	// The parts that come from the embedder, not from the guest.
	ownContents, ownTrailers bool

	contentsEnded, trailersCame bool
	trailers                    *wasi.Fields
	over                        bool
}

// bodySender is who sends a message.
type bodySender interface {
	// sent is called once at the end of the body: with nil if it is complete, with wasi.ErrClosed
	// if its reader has stopped reading, or with a *wasi.ErrorCode that says what is wrong with it.
	sent(err error)
}

// WithoutGuest reports whether the rest comes without the guest.
func (t *transfer) WithoutGuest() bool {
	return (t.ownContents || t.contentsEnded) && (t.ownTrailers || t.trailersCame)
}

// send begins to move the message into body.
func (m *message) send(body *wasi.OutgoingBody, done bodySender) {
	contents, trailers := m.open()
	t := &m.out
	t.body, t.done = body, done
	t.ownContents, t.ownTrailers = m.store.Owns(contents), m.store.Owns(trailers)
	body.ComesWithoutGuest(t, t.ownContents)
	out, _ := body.Stream()
	t.sink = sink{out: out, owner: t}
	// Trailers and contents are read at the same time: a guest may wait for either before it goes
	// on with the other.
	m.store.ReadFuture(trailers, t)
	m.store.ReadStream(contents, &t.sink)
}

// closed implements sinkOwner.
func (t *transfer) closed(err error) {
	if err != nil {
		t.fail(err)
		return
	}
	t.contentsEnded = true
	t.body.NoMore()
	t.finish()
}

// Take implements component.FutureReader, for the trailers.
func (t *transfer) Take(v component.Value, ok bool) {
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
	if t.over || !t.contentsEnded || !t.trailersCame {
		return
	}
	t.over = true
	if code := t.body.Finish(t.trailers); code != nil {
		t.done.sent(code)
		return
	}
	t.done.sent(nil)
}

func (t *transfer) fail(err error) {
	if t.over {
		return
	}
	t.over = true
	cause := err
	if errors.Is(err, component.ErrStoreClosed) {
		cause = wasi.ErrBodyDropped
	}
	t.body.Abort(cause)
	t.done.sent(err)
}
