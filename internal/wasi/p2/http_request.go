package p2

import (
	"context"

	"github.com/wasihttp/wasihttp/component"
	"github.com/wasihttp/wasihttp/internal/wasi"
	"github.com/wasihttp/wasihttp/internal/wasi/convert"
)

// incomingRequest is the value behind an incoming-request.
type incomingRequest struct {
	r     *wasi.Request
	st    *wasi.State
	taken bool
}

func dropIncomingRequest(rep any) error {
	q := rep.(*incomingRequest)
	if !q.taken && q.r.Body != nil {
		q.r.Body.Close()
	}
	return nil
}

func incomingRequestDefs() []def {
	return []def{
		{"[method]incoming-request.method", "func(self: borrow<incoming-request>) -> method", incomingMethod},
		{"[method]incoming-request.path-with-query", "func(self: borrow<incoming-request>) -> option<string>", incomingPath},
		{"[method]incoming-request.scheme", "func(self: borrow<incoming-request>) -> option<scheme>", incomingScheme},
		{"[method]incoming-request.authority", "func(self: borrow<incoming-request>) -> option<string>", incomingAuthority},
		{"[method]incoming-request.headers", "func(self: borrow<incoming-request>) -> headers", incomingHeaders},
		{"[method]incoming-request.consume", "func(self: borrow<incoming-request>) -> result<incoming-body>", incomingConsume},
	}
}

func request(v component.Value) *incomingRequest { return v.Rep().(*incomingRequest) }

func incomingMethod(_ context.Context, _ *wasi.State, args []component.Value) (component.Value, error) {
	return convert.Method(request(args[0]).r.Method), nil
}

func incomingPath(_ context.Context, _ *wasi.State, args []component.Value) (component.Value, error) {
	return convert.Option(request(args[0]).r.PathWithQuery, component.String), nil
}

func incomingScheme(_ context.Context, _ *wasi.State, args []component.Value) (component.Value, error) {
	return convert.Option(request(args[0]).r.Scheme, convert.Scheme), nil
}

func incomingAuthority(_ context.Context, _ *wasi.State, args []component.Value) (component.Value, error) {
	return convert.Option(request(args[0]).r.Authority, component.String), nil
}

func incomingHeaders(_ context.Context, _ *wasi.State, args []component.Value) (component.Value, error) {
	return component.Own(request(args[0]).r.Header.Freeze()), nil
}

func incomingConsume(_ context.Context, _ *wasi.State, args []component.Value) (component.Value, error) {
	q := request(args[0])
	if q.taken {
		return component.ErrUnit(), nil
	}
	q.taken = true
	return component.Ok(component.Own(&incomingBody{b: q.st.RequestBody(q.r)})), nil
}

// The value behind an outgoing-request is a *wasi.OutgoingRequest.

func dropOutgoingRequest(rep any) error {
	rep.(*wasi.OutgoingRequest).Drop()
	return nil
}

func outgoingRequestDefs() []def {
	return []def{
		{"[constructor]outgoing-request", "func(headers: headers) -> outgoing-request", newOutgoingRequest},
		{"[method]outgoing-request.body", "func(self: borrow<outgoing-request>) -> result<outgoing-body>", outgoingRequestBody},
		{"[method]outgoing-request.method", "func(self: borrow<outgoing-request>) -> method", outgoingMethod},
		{"[method]outgoing-request.set-method", "func(self: borrow<outgoing-request>, method: method) -> result", outgoingSetMethod},
		{"[method]outgoing-request.path-with-query", "func(self: borrow<outgoing-request>) -> option<string>", outgoingPath},
		{"[method]outgoing-request.set-path-with-query",
			"func(self: borrow<outgoing-request>, path-with-query: option<string>) -> result", outgoingSetPath},
		{"[method]outgoing-request.scheme", "func(self: borrow<outgoing-request>) -> option<scheme>", outgoingScheme},
		{"[method]outgoing-request.set-scheme", "func(self: borrow<outgoing-request>, scheme: option<scheme>) -> result", outgoingSetScheme},
		{"[method]outgoing-request.authority", "func(self: borrow<outgoing-request>) -> option<string>", outgoingAuthority},
		{"[method]outgoing-request.set-authority",
			"func(self: borrow<outgoing-request>, authority: option<string>) -> result", outgoingSetAuthority},
		{"[method]outgoing-request.headers", "func(self: borrow<outgoing-request>) -> headers", outgoingRequestHeaders},
	}
}

func outgoing(v component.Value) *wasi.OutgoingRequest { return v.Rep().(*wasi.OutgoingRequest) }

func newOutgoingRequest(_ context.Context, st *wasi.State, args []component.Value) (component.Value, error) {
	return component.Own(st.NewOutgoingRequest(fields(args[0]))), nil
}

func outgoingRequestBody(_ context.Context, _ *wasi.State, args []component.Value) (component.Value, error) {
	b, ok := outgoing(args[0]).Body()
	if !ok {
		return component.ErrUnit(), nil
	}
	return component.Ok(component.Own(&outgoingBody{b: b})), nil
}

func outgoingMethod(_ context.Context, _ *wasi.State, args []component.Value) (component.Value, error) {
	return convert.Method(outgoing(args[0]).Method), nil
}

func outgoingSetMethod(_ context.Context, _ *wasi.State, args []component.Value) (component.Value, error) {
	return convert.Result(outgoing(args[0]).SetMethod(convert.MethodOf(args[1]))), nil
}

func outgoingPath(_ context.Context, _ *wasi.State, args []component.Value) (component.Value, error) {
	return convert.Option(outgoing(args[0]).PathWithQuery, component.String), nil
}

func outgoingSetPath(_ context.Context, _ *wasi.State, args []component.Value) (component.Value, error) {
	r := outgoing(args[0])
	if !args[1].IsSome() {
		r.PathWithQuery = ""
		return component.OkUnit(), nil
	}
	return convert.Result(r.SetPathWithQuery(args[1].Payload().Str())), nil
}

func outgoingScheme(_ context.Context, _ *wasi.State, args []component.Value) (component.Value, error) {
	return convert.Option(outgoing(args[0]).Scheme, convert.Scheme), nil
}

func outgoingSetScheme(_ context.Context, _ *wasi.State, args []component.Value) (component.Value, error) {
	r := outgoing(args[0])
	if !args[1].IsSome() {
		r.Scheme = ""
		return component.OkUnit(), nil
	}
	return convert.Result(r.SetScheme(convert.SchemeOf(args[1].Payload()))), nil
}

func outgoingAuthority(_ context.Context, _ *wasi.State, args []component.Value) (component.Value, error) {
	return convert.Option(outgoing(args[0]).Authority, component.String), nil
}

func outgoingSetAuthority(_ context.Context, _ *wasi.State, args []component.Value) (component.Value, error) {
	r := outgoing(args[0])
	if !args[1].IsSome() {
		r.Authority = ""
		return component.OkUnit(), nil
	}
	return convert.Result(r.SetAuthority(args[1].Payload().Str())), nil
}

func outgoingRequestHeaders(_ context.Context, _ *wasi.State, args []component.Value) (component.Value, error) {
	return component.Own(outgoing(args[0]).Header()), nil
}
