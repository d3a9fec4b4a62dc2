package p2

import (
	"github.com/wasihttp/wasihttp/component"
	"github.com/wasihttp/wasihttp/internal/wasi"
	"github.com/wasihttp/wasihttp/internal/wasi/convert"
	"github.com/wasihttp/wasihttp/internal/wasi/table"
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
		{"[method]incoming-request.method",
			"func(self: borrow<incoming-request>) -> method", incomingMethod},
		{"[method]incoming-request.path-with-query",
			"func(self: borrow<incoming-request>) -> option<string>", incomingPath},
		{"[method]incoming-request.scheme",
			"func(self: borrow<incoming-request>) -> option<scheme>", incomingScheme},
		{"[method]incoming-request.authority",
			"func(self: borrow<incoming-request>) -> option<string>", incomingAuthority},
		{"[method]incoming-request.headers",
			"func(self: borrow<incoming-request>) -> headers", incomingHeaders},
		{"[method]incoming-request.consume",
			"func(self: borrow<incoming-request>) -> result<incoming-body>", incomingConsume},
	}
}

func request(v component.Value) *incomingRequest { return v.Rep().(*incomingRequest) }

func incomingMethod(_ call, args []component.Value) (component.Value, error) {
	return convert.Method(request(args[0]).r.Method), nil
}

func incomingPath(_ call, args []component.Value) (component.Value, error) {
	return convert.Option(request(args[0]).r.PathWithQuery, component.String), nil
}

func incomingScheme(_ call, args []component.Value) (component.Value, error) {
	return convert.Option(request(args[0]).r.Scheme, convert.Scheme), nil
}

func incomingAuthority(_ call, args []component.Value) (component.Value, error) {
	return convert.Option(request(args[0]).r.Authority, component.String), nil
}

func incomingHeaders(_ call, args []component.Value) (component.Value, error) {
	return component.Own(request(args[0]).r.Header.Freeze()), nil
}

func incomingConsume(_ call, args []component.Value) (component.Value, error) {
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
		{"[constructor]outgoing-request",
			"func(headers: headers) -> outgoing-request", newOutgoingRequest},
		{"[method]outgoing-request.body",
			"func(self: borrow<outgoing-request>) -> result<outgoing-body>", outgoingRequestBody},
	}
}

func outgoing(v component.Value) *wasi.OutgoingRequest { return v.Rep().(*wasi.OutgoingRequest) }

func newOutgoingRequest(c call, args []component.Value) (component.Value, error) {
	return component.Own(c.state.NewOutgoingRequest(table.FieldsOf(args[0]))), nil
}

func outgoingRequestBody(_ call, args []component.Value) (component.Value, error) {
	b, ok := outgoing(args[0]).Body()
	if !ok {
		return component.ErrUnit(), nil
	}
	return component.Ok(component.Own(&outgoingBody{b: b})), nil
}
