package p2

import (
	"net/http"

	"github.com/wasihttp/wasihttp/component"
	"github.com/wasihttp/wasihttp/internal/wasi"
	"github.com/wasihttp/wasihttp/internal/wasi/table"
)

// addHTTP offers wasi:http/types and wasi:http/outgoing-handler.
func addHTTP(l *component.Linker, h *host) {
	t := l.Instance("wasi:http/types" + version)
	t.Type("duration", "u64")
	t.Use(h.streams, "input-stream", "output-stream")
	t.Use(h.ioError, "error as io-error")
	t.Use(h.poll, "pollable")

	table.AddHTTPTypes(t)
	t.Type("header-error", "variant { invalid-syntax, forbidden, immutable }")
	t.Type("field-key", "string")
	t.Type("field-name", "field-key")

	t.Resource("fields", nil)
	t.Use(t, "fields as headers", "fields as trailers")
	t.Resource("incoming-request", dropIncomingRequest)
	t.Resource("outgoing-request", dropOutgoingRequest)
	t.Resource("request-options", nil)
	t.Resource("response-outparam", dropOutparam)
	t.Resource("incoming-response", dropIncomingResponse)
	t.Resource("incoming-body", dropIncomingBody)
	t.Resource("future-trailers", dropFutureTrailers)
	t.Resource("outgoing-response", dropOutgoingResponse)
	t.Resource("outgoing-body", dropOutgoingBody)
	t.Resource("future-incoming-response", dropFutureResponse)
	h.define(t, httpDefs())
	h.shared(t, table.Fields("entries", headerResult))
	h.shared(t, table.Target("outgoing-request", "", outgoing))
	h.shared(t, table.Timeouts("", "result", optionsOf, nil))
	t.Quick()

	out := l.Instance("wasi:http/outgoing-handler" + version)
	out.Use(t, "outgoing-request", "request-options", "future-incoming-response", "error-code")
	h.define(out, []def{{"handle", "func(request: outgoing-request, options: " +
		"option<request-options>) -> result<future-incoming-response, error-code>", handle}})
}

// httpDefs are the functions of wasi:http/types.
func httpDefs() []def {
	var defs []def
	for _, d := range [][]def{incomingRequestDefs(), outgoingRequestDefs(), optionsDefs(),
		outparamDefs(), incomingResponseDefs(), incomingBodyDefs(), outgoingResponseDefs(),
		outgoingBodyDefs(), futureDefs()} {
		defs = append(defs, d...)
	}
	return defs
}

// Incoming returns the arguments for the export wasi:http/incoming-handler.handle: an
// own<incoming-request> and an own<response-outparam>, which calls done as
// [wasi.NewResponseOutparam] says.
func Incoming(
	st *wasi.State, r *wasi.Request, done func(*wasi.Response, *wasi.ErrorCode),
) (request, outparam component.Value) {
	all := &struct {
		in     incomingRequest
		out    wasi.ResponseOutparam
		header wasi.Fields
	}{in: incomingRequest{r: r, st: st}}
	all.out.Init(r.Method == http.MethodHead, done)
	st.Spare(&all.header)
	return component.Own(&all.in), component.Own(&all.out)
}
