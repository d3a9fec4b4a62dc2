package p2

import (
	"github.com/wasihttp/wasihttp/component"
	"github.com/wasihttp/wasihttp/internal/wasi"
	"github.com/wasihttp/wasihttp/internal/wasi/convert"
	"github.com/wasihttp/wasihttp/internal/wasi/table"
)

// The value behind a response-outparam is a *wasi.ResponseOutparam, behind an outgoing-response a
// *outgoingResponse, behind an incoming-response a *wasi.IncomingResponse.

// outgoingResponse is a response with the room for what is behind its body.
type outgoingResponse struct {
	wasi.OutgoingResponse
	content outgoingBody
}

func dropOutparam(rep any) error {
	rep.(*wasi.ResponseOutparam).Drop()
	return nil
}

func dropOutgoingResponse(rep any) error {
	rep.(*outgoingResponse).Drop()
	return nil
}

func dropIncomingResponse(rep any) error {
	rep.(*wasi.IncomingResponse).Close()
	return nil
}

func outparamDefs() []def {
	return []def{
		{"[method]response-outparam.send-informational",
			"func(self: borrow<response-outparam>, status: u16, headers: headers) -> result<_, " +
				"error-code>", sendInformational},
		{"[static]response-outparam.set",
			"func(param: response-outparam, response: result<outgoing-response, error-code>)",
			outparamSet},
	}
}

// sendInformational refuses: the function is unstable, and no released guest has it.
func sendInformational(_ call, args []component.Value) (component.Value, error) {
	if status := args[1].U16(); status < 100 || status > 199 {
		return convert.Failure(wasi.NewErrorCode(wasi.HTTPProtocolError, nil)), nil
	}
	return convert.Failure(wasi.InternalErrorf("informational responses are not supported")), nil
}

func outparamSet(_ call, args []component.Value) (component.Value, error) {
	o, res := args[0].Rep().(*wasi.ResponseOutparam), args[1]
	if res.IsOk() {
		o.Set(&response(res.Payload()).OutgoingResponse, nil)
	} else {
		o.Set(nil, convert.ErrorCodeOf(res.Payload()))
	}
	return unit(), nil
}

func outgoingResponseDefs() []def {
	return []def{
		{"[constructor]outgoing-response",
			"func(headers: headers) -> outgoing-response", newOutgoingResponse},
		{"[method]outgoing-response.status-code",
			"func(self: borrow<outgoing-response>) -> status-code", outgoingStatus},
		{"[method]outgoing-response.set-status-code",
			"func(self: borrow<outgoing-response>, status-code: status-code) -> result",
			outgoingSetStatus},
		{"[method]outgoing-response.headers",
			"func(self: borrow<outgoing-response>) -> headers", outgoingResponseHeaders},
		{"[method]outgoing-response.body",
			"func(self: borrow<outgoing-response>) -> result<outgoing-body>", outgoingResponseBody},
	}
}

func response(v component.Value) *outgoingResponse { return v.Rep().(*outgoingResponse) }

func newOutgoingResponse(c call, args []component.Value) (component.Value, error) {
	r := &outgoingResponse{}
	c.state.InitOutgoingResponse(&r.OutgoingResponse, table.FieldsOf(args[0]))
	return component.Own(r), nil
}

func outgoingStatus(_ call, args []component.Value) (component.Value, error) {
	return component.U16(uint16(response(args[0]).Status)), nil
}

func outgoingSetStatus(_ call, args []component.Value) (component.Value, error) {
	return convert.Result(response(args[0]).SetStatus(int(args[1].U16()))), nil
}

func outgoingResponseHeaders(_ call, args []component.Value) (component.Value, error) {
	return component.Own(response(args[0]).Header()), nil
}

func outgoingResponseBody(_ call, args []component.Value) (component.Value, error) {
	r := response(args[0])
	b, ok := r.Body()
	if !ok {
		return component.ErrUnit(), nil
	}
	r.content.b = b
	return component.Ok(component.Own(&r.content)), nil
}

func incomingResponseDefs() []def {
	return []def{
		{"[method]incoming-response.status",
			"func(self: borrow<incoming-response>) -> status-code", incomingStatus},
		{"[method]incoming-response.headers",
			"func(self: borrow<incoming-response>) -> headers", incomingResponseHeaders},
		{"[method]incoming-response.consume",
			"func(self: borrow<incoming-response>) -> result<incoming-body>",
			incomingResponseConsume},
	}
}

func incomingStatus(_ call, args []component.Value) (component.Value, error) {
	return component.U16(uint16(args[0].Rep().(*wasi.IncomingResponse).Status)), nil
}

func incomingResponseHeaders(_ call, args []component.Value) (component.Value, error) {
	return component.Own(args[0].Rep().(*wasi.IncomingResponse).Header), nil
}

func incomingResponseConsume(_ call, args []component.Value) (component.Value, error) {
	b, ok := args[0].Rep().(*wasi.IncomingResponse).Body()
	if !ok {
		return component.ErrUnit(), nil
	}
	return component.Ok(component.Own(&incomingBody{b: b})), nil
}
