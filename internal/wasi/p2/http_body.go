package p2

import (
	"github.com/wasihttp/wasihttp/component"
	"github.com/wasihttp/wasihttp/internal/wasi"
	"github.com/wasihttp/wasihttp/internal/wasi/convert"
	"github.com/wasihttp/wasihttp/internal/wasi/table"
)

// incomingBody is the value behind an incoming-body; its stream is a child.
type incomingBody struct {
	parent
	b *wasi.IncomingBody
}

func dropIncomingBody(rep any) error {
	b := rep.(*incomingBody)
	b.b.Close()
	return b.drop()
}

// futureTrailers is the value behind a future-trailers.
type futureTrailers struct {
	parent
	f     *wasi.FutureTrailers
	taken bool
}

func dropFutureTrailers(rep any) error {
	f := rep.(*futureTrailers)
	f.f.Close()
	return f.drop()
}

func incomingBodyDefs() []def {
	return []def{
		{"[method]incoming-body.stream",
			"func(self: borrow<incoming-body>) -> result<input-stream>", incomingBodyStream},
		{"[static]incoming-body.finish",
			"func(this: incoming-body) -> future-trailers", incomingBodyFinish},
		{"[method]future-trailers.subscribe",
			"func(self: borrow<future-trailers>) -> pollable", trailersSubscribe},
		{"[method]future-trailers.get",
			"func(self: borrow<future-trailers>) -> option<result<result<option<trailers>, " +
				"error-code>>>", trailersGet},
	}
}

func incomingBodyStream(_ call, args []component.Value) (component.Value, error) {
	b := args[0].Rep().(*incomingBody)
	s, ok := b.b.Stream()
	if !ok {
		return component.ErrUnit(), nil
	}
	return component.Ok(newInputStream(s, &b.parent)), nil
}

func incomingBodyFinish(_ call, args []component.Value) (component.Value, error) {
	b := args[0].Rep().(*incomingBody)
	if err := b.drop(); err != nil {
		b.b.Close()
		return unit(), err
	}
	return component.Own(&futureTrailers{f: b.b.Finish()}), nil
}

func trailersSubscribe(_ call, args []component.Value) (component.Value, error) {
	f := args[0].Rep().(*futureTrailers)
	return newPollable(f.f, &f.parent), nil
}

func trailersGet(_ call, args []component.Value) (component.Value, error) {
	f := args[0].Rep().(*futureTrailers)
	switch {
	case f.taken:
		return component.Some(component.ErrUnit()), nil
	case !f.f.Ready():
		return component.None(), nil
	}
	f.taken = true
	trailers, code := f.f.Get()
	switch {
	case code != nil:
		return component.Some(component.Ok(convert.Failure(code))), nil
	case trailers == nil:
		return component.Some(component.Ok(component.Ok(component.None()))), nil
	}
	return component.Some(component.Ok(component.Ok(component.Some(component.Own(trailers))))), nil
}

// outgoingBody is the value behind an outgoing-body; its stream is a child.
type outgoingBody struct {
	parent
	b   *wasi.OutgoingBody
	out outputStream
}

// dropOutgoingBody drops a body that was not finished: its receiver must notice that it is not
// whole.
func dropOutgoingBody(rep any) error {
	b := rep.(*outgoingBody)
	if err := b.drop(); err != nil {
		return err // a trap: that is what its receiver is to hear
	}
	b.b.Abort(wasi.ErrBodyDropped)
	return nil
}

func outgoingBodyDefs() []def {
	return []def{
		{"[method]outgoing-body.write",
			"func(self: borrow<outgoing-body>) -> result<output-stream>", outgoingBodyWrite},
		{"[static]outgoing-body.finish",
			"func(this: outgoing-body, trailers: option<trailers>) -> result<_, error-code>",
			outgoingBodyFinish},
	}
}

func outgoingBodyWrite(_ call, args []component.Value) (component.Value, error) {
	b := args[0].Rep().(*outgoingBody)
	s, ok := b.b.Stream()
	if !ok {
		return component.ErrUnit(), nil
	}
	b.children++
	b.out = outputStream{s: s, of: &b.parent}
	return component.Ok(component.Own(&b.out)), nil
}

func outgoingBodyFinish(_ call, args []component.Value) (component.Value, error) {
	b := args[0].Rep().(*outgoingBody)
	if err := b.drop(); err != nil {
		return unit(), err
	}
	var trailers *wasi.Fields
	if args[1].IsSome() {
		trailers = table.FieldsOf(args[1].Payload())
	}
	if code := b.b.Finish(trailers); code != nil {
		return convert.Failure(code), nil
	}
	return component.OkUnit(), nil
}
