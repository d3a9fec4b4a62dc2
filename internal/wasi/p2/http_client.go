package p2

import (
	"github.com/wasihttp/wasihttp/component"
	"github.com/wasihttp/wasihttp/internal/wasi"
	"github.com/wasihttp/wasihttp/internal/wasi/convert"
)

// The value behind request-options is a *wasi.RequestOptions.

func optionsOf(v component.Value) *wasi.RequestOptions { return v.Rep().(*wasi.RequestOptions) }

func optionsDefs() []def {
	return []def{{"[constructor]request-options", "func() -> request-options",
		func(call, []component.Value) (component.Value, error) {
			return component.Own(&wasi.RequestOptions{}), nil
		}}}
}

// handle is wasi:http/outgoing-handler.handle.
func handle(c call, args []component.Value) (component.Value, error) {
	var opts wasi.RequestOptions
	if args[1].IsSome() {
		opts = *optionsOf(args[1].Payload())
	}
	e, code := c.state.Send(c.ctx, outgoing(args[0]), opts)
	if code != nil {
		return convert.Failure(code), nil
	}
	return component.Ok(component.Own(&futureResponse{e: e})), nil
}

// futureResponse is the value behind a future-incoming-response.
type futureResponse struct {
	parent
	e *wasi.Exchange
}

func dropFutureResponse(rep any) error {
	f := rep.(*futureResponse)
	f.e.Drop()
	return f.drop()
}

func futureDefs() []def {
	return []def{
		{"[method]future-incoming-response.subscribe",
			"func(self: borrow<future-incoming-response>) -> pollable", futureSubscribe},
		{"[method]future-incoming-response.get",
			"func(self: borrow<future-incoming-response>) -> " +
				"option<result<result<incoming-response, error-code>>>", futureGet},
		{"http-error-code", "func(err: borrow<io-error>) -> option<error-code>", httpErrorCode},
	}
}

func futureSubscribe(_ call, args []component.Value) (component.Value, error) {
	f := args[0].Rep().(*futureResponse)
	return newPollable(f.e, &f.parent), nil
}

func futureGet(_ call, args []component.Value) (component.Value, error) {
	f := args[0].Rep().(*futureResponse)
	if !f.e.Ready() {
		return component.None(), nil
	}
	res, code, ok := f.e.Take()
	switch {
	case !ok:
		return component.Some(component.ErrUnit()), nil
	case code != nil:
		return component.Some(component.Ok(convert.Failure(code))), nil
	}
	return component.Some(component.Ok(component.Ok(component.Own(res)))), nil
}

func httpErrorCode(_ call, args []component.Value) (component.Value, error) {
	code := wasi.AsErrorCode(args[0].Rep().(*ioError).err)
	if code == nil {
		return component.None(), nil
	}
	return component.Some(convert.ErrorCode(code)), nil
}
