package p3

import (
	"github.com/wasihttp/wasihttp/component"
	"github.com/wasihttp/wasihttp/internal/wasi"
	"github.com/wasihttp/wasihttp/internal/wasi/table"
)

// request is the value behind a request.
type request struct {
	message
	// head is method, target and headers.
	head wasi.OutgoingRequest
	opts *options
	// from is the authority that the request came in for; "" for one that a guest made.
	from string
}

// NewRequest returns an own<request> for the export wasi:http/handler.handle.
func NewRequest(s *component.Store, st *wasi.State, r *wasi.Request) component.Value {
	q := &request{
		message: message{store: s, incoming: true},
		from:    r.Authority,
	}
	st.InitOutgoingRequest(&q.head, r.Header)
	if r.Body != nil {
		q.body = st.RequestBody(r)
	}
	q.head.Method, q.head.Scheme = r.Method, r.Scheme
	q.head.Authority, q.head.PathWithQuery = r.Authority, r.PathWithQuery
	return component.Own(q)
}

func dropRequest(rep any) error {
	rep.(*request).drop()
	return nil
}

func requestDefs() []def {
	return []def{
		{name: "[static]request.new", wit: "func(headers: headers, contents: option<stream<u8>>, " +
			"trailers: future<result<option<trailers>, error-code>>, options: " +
			"option<request-options>) -> tuple<request, future<result<_, error-code>>>",
			fn: newRequest},
		{
			name: "[method]request.get-options",
			wit:  "func(self: borrow<request>) -> option<request-options>",
			fn:   getOptions,
		},
		{
			name: "[static]request.consume-body",
			wit: "func(this: request, res: future<result<_, error-code>>) -> " +
				"tuple<stream<u8>, future<result<option<trailers>, error-code>>>",
			fn: consumeRequest,
		},
	}
}

func newRequest(c call, args []component.Value) (component.Value, error) {
	m, transmitted := newMessage(c.Store(), args[1], args[2])
	q := &request{message: m}
	c.state.InitOutgoingRequest(&q.head, table.FieldsOf(args[0]))
	if args[3].IsSome() {
		q.opts = args[3].Payload().Rep().(*options)
	}
	return component.Record(component.Own(q), transmitted), nil
}

func headOf(v component.Value) *wasi.OutgoingRequest { return &v.Rep().(*request).head }

func getOptions(_ call, args []component.Value) (component.Value, error) {
	o := args[0].Rep().(*request).opts
	if o == nil {
		return component.None(), nil
	}
	return component.Some(
		component.Own(&options{RequestOptions: o.RequestOptions, frozen: true}),
	), nil
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

func timeoutsOf(
	v component.Value,
) *wasi.RequestOptions {
	return &v.Rep().(*options).RequestOptions
}

// refuseFrozen is the result of changing options that belong to a request.
func refuseFrozen(v component.Value) (component.Value, bool) {
	return component.Err(component.Enum(optionsImmutable)), v.Rep().(*options).frozen
}

func optionsDefs() []def {
	return []def{
		{name: "[constructor]request-options", wit: "func() -> request-options",
			fn: func(call, []component.Value) (component.Value, error) {
				return component.Own(&options{}), nil
			}},
		{
			name: "[method]request-options.clone",
			wit:  "func(self: borrow<request-options>) -> request-options",
			fn: func(_ call, args []component.Value) (component.Value, error) {
				o := args[0].Rep().(*options)
				return component.Own(&options{RequestOptions: o.RequestOptions}), nil
			},
		},
	}
}
