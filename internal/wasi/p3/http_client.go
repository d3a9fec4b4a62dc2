package p3

import (
	"github.com/wasihttp/wasihttp/component"
	"github.com/wasihttp/wasihttp/internal/wasi"
	"github.com/wasihttp/wasihttp/internal/wasi/convert"
)

// send is wasi:http/client.send.
func send(
	c call,
	args []component.Value,
	done func(component.Value, error),
) (*component.Value, func(), error) {
	r := args[0].Rep().(*request)
	x := &exchange{request: r}
	if r.head.PathWithQuery == "" {
		r.head.SetPathWithQuery("") // none stands for an empty path, which goes out as "/"
	}
	var opts wasi.RequestOptions
	if r.opts != nil {
		opts = r.opts.RequestOptions
	}
	switch {
	case !r.empty():
		body, _ := r.head.Body()
		x.sending = true
		r.send(body, x)
	case !r.incoming:
		// Nothing is sent after the head, whatever the guest writes later; but guests expect their
		// writes to be taken.
		r.store.ReadFuture(r.trailers, ignored{})
	}
	if !r.incoming {
		r.store.Follow(r.transmitted)
	}
	e, code := c.state.Send(c.Context(), &r.head, opts)
	if code != nil {
		x.received(code)
		now := convert.Failure(code)
		return &now, nil, nil
	}
	cancel := when(c.Store(), e, func() {
		res, code, _ := e.Take()
		x.received(code)
		if code != nil {
			done(convert.Failure(code), nil)
			return
		}
		body, _ := res.Body()
		done(
			component.Ok(
				component.Own(
					&response{
						message: message{store: c.Store(), incoming: true, body: body},
						status:  res.Status,
						header:  res.Header,
					},
				),
			),
			nil,
		)
	})
	return nil, func() {
		cancel()
		e.Drop()
		x.received(wasi.NewErrorCode(wasi.ConnectionTerminated, nil))
	}, nil
}

// exchange finds the result of the transmission of a request: known once both directions are as far
// as it takes.
type exchange struct {
	request *request
	sending bool            // the body has not ended
	head    bool            // the response has come, or failed
	code    *wasi.ErrorCode // what went wrong
}

// sent implements bodySender: it records that the body has ended.
func (x *exchange) sent(err error) {
	x.sending = false
	// It is no failure if the server stops reading: the response may have come before.
	if code := wasi.AsErrorCode(err); code != nil && x.code == nil {
		x.code = code
	}
	x.settle()
}

// received records that the response has come, or why it has not.
func (x *exchange) received(code *wasi.ErrorCode) {
	x.head = true
	if x.code == nil {
		x.code = code
	}
	x.settle()
}

func (x *exchange) settle() {
	if x.code != nil || x.head && !x.sending {
		x.request.settle(x.code)
	}
}

// handle is wasi:http/handler.handle for a component that imports it without being composed with
// one that exports it: requests that it passes on go to the server that they name. A request that
// is passed on to the server that it came in for would come back to the component: it is refused.
func handle(
	c call,
	args []component.Value,
	done func(component.Value, error),
) (*component.Value, func(), error) {
	if r := args[0].Rep().(*request); r.from != "" && r.from == r.head.Authority {
		r.drop()
		now := convert.Failure(wasi.NewErrorCode(wasi.LoopDetected, nil))
		return &now, nil, nil
	}
	return send(c, args, done)
}
