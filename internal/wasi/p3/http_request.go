package p3

import (
	"github.com/wasihttp/wasihttp/component"
	"github.com/wasihttp/wasihttp/internal/wasi"
	"github.com/wasihttp/wasihttp/internal/wasi/convert"
)

// request is the value behind a request.
type request struct {
	message
	// head is method, target and headers.
	head *wasi.OutgoingRequest
	opts *options
	// from is the authority that the request came in for; "" for one that a guest made.
	from string
}

// NewRequest returns an own<request> for the export wasi:http/handler.handle.
func NewRequest(s *component.Store, st *wasi.State, r *wasi.Request) component.Value {
	q := &request{message: message{store: s, body: st.RequestBody(r)}, head: st.NewOutgoingRequest(r.Header), from: r.Authority}
	q.head.Method, q.head.Scheme, q.head.Authority, q.head.PathWithQuery = r.Method, r.Scheme, r.Authority, r.PathWithQuery
	return component.Own(q)
}

func dropRequest(rep any) error {
	rep.(*request).drop()
	return nil
}

func requestDefs() []def {
	return []def{
		{name: "[static]request.new", wit: "func(headers: headers, contents: option<stream<u8>>, " +
			"trailers: future<result<option<trailers>, error-code>>, options: option<request-options>) -> " +
			"tuple<request, future<result<_, error-code>>>", fn: newRequest},
		{name: "[method]request.get-method", wit: "func(self: borrow<request>) -> method", fn: getMethod},
		{name: "[method]request.set-method", wit: "func(self: borrow<request>, method: method) -> result", fn: setMethod},
		{name: "[method]request.get-path-with-query", wit: "func(self: borrow<request>) -> option<string>", fn: getPath},
		{name: "[method]request.set-path-with-query", wit: "func(self: borrow<request>, path-with-query: option<string>) -> result", fn: setPath},
		{name: "[method]request.get-scheme", wit: "func(self: borrow<request>) -> option<scheme>", fn: getScheme},
		{name: "[method]request.set-scheme", wit: "func(self: borrow<request>, scheme: option<scheme>) -> result", fn: setScheme},
		{name: "[method]request.get-authority", wit: "func(self: borrow<request>) -> option<string>", fn: getAuthority},
		{name: "[method]request.set-authority", wit: "func(self: borrow<request>, authority: option<string>) -> result", fn: setAuthority},
		{name: "[method]request.get-options", wit: "func(self: borrow<request>) -> option<request-options>", fn: getOptions},
		{name: "[method]request.get-headers", wit: "func(self: borrow<request>) -> headers", fn: getRequestHeaders},
		{name: "[static]request.consume-body", wit: "func(this: request, res: future<result<_, error-code>>) -> " +
			"tuple<stream<u8>, future<result<option<trailers>, error-code>>>", fn: consumeRequest},
	}
}

func newRequest(c call, args []component.Value) (component.Value, error) {
	m, transmitted := newMessage(c.Store(), args[1], args[2])
	q := &request{message: m, head: c.state.NewOutgoingRequest(fields(args[0]))}
	if args[3].IsSome() {
		q.opts = args[3].Payload().Rep().(*options)
	}
	return component.Record(component.Own(q), transmitted), nil
}

func headOf(v component.Value) *wasi.OutgoingRequest { return v.Rep().(*request).head }

func getMethod(_ call, args []component.Value) (component.Value, error) {
	return convert.Method(headOf(args[0]).Method), nil
}

func setMethod(_ call, args []component.Value) (component.Value, error) {
	return convert.Result(headOf(args[0]).SetMethod(convert.MethodOf(args[1]))), nil
}

func getPath(_ call, args []component.Value) (component.Value, error) {
	return convert.Option(headOf(args[0]).PathWithQuery, component.String), nil
}

func setPath(_ call, args []component.Value) (component.Value, error) {
	r := headOf(args[0])
	if !args[1].IsSome() {
		r.PathWithQuery = ""
		return component.OkUnit(), nil
	}
	return convert.Result(r.SetPathWithQuery(args[1].Payload().Str())), nil
}

func getScheme(_ call, args []component.Value) (component.Value, error) {
	return convert.Option(headOf(args[0]).Scheme, convert.Scheme), nil
}

func setScheme(_ call, args []component.Value) (component.Value, error) {
	r := headOf(args[0])
	if !args[1].IsSome() {
		r.Scheme = ""
		return component.OkUnit(), nil
	}
	return convert.Result(r.SetScheme(convert.SchemeOf(args[1].Payload()))), nil
}

func getAuthority(_ call, args []component.Value) (component.Value, error) {
	return convert.Option(headOf(args[0]).Authority, component.String), nil
}

func setAuthority(_ call, args []component.Value) (component.Value, error) {
	r := headOf(args[0])
	if !args[1].IsSome() {
		r.Authority = ""
		return component.OkUnit(), nil
	}
	return convert.Result(r.SetAuthority(args[1].Payload().Str())), nil
}

func getOptions(_ call, args []component.Value) (component.Value, error) {
	o := args[0].Rep().(*request).opts
	if o == nil {
		return component.None(), nil
	}
	return component.Some(component.Own(&options{RequestOptions: o.RequestOptions, frozen: true})), nil
}

func getRequestHeaders(_ call, args []component.Value) (component.Value, error) {
	return component.Own(headOf(args[0]).Header()), nil
}

func consumeRequest(_ call, args []component.Value) (component.Value, error) {
	return args[0].Rep().(*request).consume(args[1]), nil
}

// options is the value behind request-options.
type options struct {
	wasi.RequestOptions
	frozen bool
}

// optionsImmutable is the case of request-options-error.
const optionsImmutable = 1

func optionsDefs() []def {
	defs := []def{
		{name: "[constructor]request-options", wit: "func() -> request-options",
			fn: func(call, []component.Value) (component.Value, error) { return component.Own(&options{}), nil }},
		{name: "[method]request-options.clone", wit: "func(self: borrow<request-options>) -> request-options",
			fn: func(_ call, args []component.Value) (component.Value, error) {
				return component.Own(&options{RequestOptions: args[0].Rep().(*options).RequestOptions}), nil
			}},
	}
	for _, t := range []struct {
		name  string
		field func(*options) **uint64
	}{
		{"connect-timeout", func(o *options) **uint64 { return &o.Connect }},
		{"first-byte-timeout", func(o *options) **uint64 { return &o.FirstByte }},
		{"between-bytes-timeout", func(o *options) **uint64 { return &o.BetweenBytes }},
	} {
		defs = append(defs,
			def{name: "[method]request-options.get-" + t.name, wit: "func(self: borrow<request-options>) -> option<duration>",
				fn: func(_ call, args []component.Value) (component.Value, error) {
					if ns := *t.field(args[0].Rep().(*options)); ns != nil {
						return component.Some(component.U64(*ns)), nil
					}
					return component.None(), nil
				}},
			def{name: "[method]request-options.set-" + t.name,
				wit: "func(self: borrow<request-options>, duration: option<duration>) -> result<_, request-options-error>",
				fn: func(_ call, args []component.Value) (component.Value, error) {
					o := args[0].Rep().(*options)
					if o.frozen {
						return component.Err(component.Enum(optionsImmutable)), nil
					}
					field := t.field(o)
					*field = nil
					if args[1].IsSome() {
						ns := args[1].Payload().U64()
						*field = &ns
					}
					return component.OkUnit(), nil
				}})
	}
	return defs
}
