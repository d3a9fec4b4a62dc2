package p3

import (
	"errors"

	"github.com/wasihttp/wasihttp/component"
	"github.com/wasihttp/wasihttp/internal/wasi"
	"github.com/wasihttp/wasihttp/internal/wasi/convert"
	"github.com/wasihttp/wasihttp/internal/wasi/table"
)

// The statuses that a guest may set.
const minStatus, maxStatus = 100, 599

// response is the value behind a response.
type response struct {
	message
	status int
	header *wasi.Fields
	res    wasi.OutgoingResponse // once it is sent
}

func dropResponse(rep any) error {
	rep.(*response).drop()
	return nil
}

func responseDefs() []def {
	return []def{
		{
			name: "[static]response.new",
			wit: "func(headers: headers, contents: option<stream<u8>>, " +
				"trailers: future<result<option<trailers>, error-code>>) -> " +
				"tuple<response, future<result<_, error-code>>>",
			fn: newResponse,
		},
		{
			name: "[method]response.get-status-code",
			wit:  "func(self: borrow<response>) -> status-code",
			fn:   getStatus,
		},
		{
			name: "[method]response.set-status-code",
			wit:  "func(self: borrow<response>, status-code: status-code) -> result",
			fn:   setStatus,
		},
		{
			name: "[method]response.get-headers",
			wit:  "func(self: borrow<response>) -> headers",
			fn:   getResponseHeaders,
		},
		{
			name: "[static]response.consume-body",
			wit: "func(this: response, res: future<result<_, error-code>>) -> " +
				"tuple<stream<u8>, future<result<option<trailers>, error-code>>>",
			fn: consumeResponse,
		},
	}
}

func newResponse(c call, args []component.Value) (component.Value, error) {
	m, transmitted := newMessage(c.Store(), args[1], args[2])
	r := &response{message: m, status: 200, header: table.FieldsOf(args[0]).Freeze()}
	return component.Record(component.Own(r), transmitted), nil
}

func getStatus(_ call, args []component.Value) (component.Value, error) {
	return component.U16(uint16(args[0].Rep().(*response).status)), nil
}

func setStatus(_ call, args []component.Value) (component.Value, error) {
	status := int(args[1].U16())
	if status < minStatus || status > maxStatus {
		return component.ErrUnit(), nil
	}
	args[0].Rep().(*response).status = status
	return component.OkUnit(), nil
}

func getResponseHeaders(_ call, args []component.Value) (component.Value, error) {
	return component.Own(args[0].Rep().(*response).header), nil
}

func consumeResponse(_ call, args []component.Value) (component.Value, error) {
	return args[0].Rep().(*response).consume(args[1]), nil
}

// Respond passes on what the export wasi:http/handler.handle returned for a request with that
// method: done is called once, before Respond returns, with the response, whose body is being
// written from now on, or with the error-code. It must not block.
func Respond(
	st *wasi.State,
	v component.Value,
	method string,
	done func(*wasi.Response, *wasi.ErrorCode),
) {
	out := wasi.NewResponseOutparam(done)
	out.Head = method == "HEAD"
	if !v.IsOk() {
		out.Set(nil, convert.ErrorCodeOf(v.Payload()))
		return
	}
	r := v.Payload().Rep().(*response)
	res := &r.res
	st.InitOutgoingResponse(res, r.header)
	res.Status, res.Head = r.status, out.Head
	body, _ := res.Body()
	if r.empty() {
		body.NoContents()
	}
	r.send(body, r)
	out.Set(res, nil)
}

// sent implements bodySender.
func (r *response) sent(err error) { r.settle(transmission(err)) }

// transmission is the result of a transmission that ended with err.
func transmission(err error) *wasi.ErrorCode {
	if err == nil {
		return nil
	}
	switch code := wasi.AsErrorCode(err); {
	case code != nil:
		return code
	case errors.Is(err, wasi.ErrClosed):
		return wasi.NewErrorCode(wasi.ConnectionTerminated, err)
	}
	return nil
}
