package p3

import (
	"github.com/wasihttp/wasihttp/component"
	"github.com/wasihttp/wasihttp/internal/wasi/table"
)

// addHTTP offers wasi:http/types, client and handler.
func addHTTP(l *component.Linker, h *host) {
	t := l.Instance("wasi:http/types" + version)
	t.Use(h.clocks, "duration")
	table.AddHTTPTypes(t)
	t.Type(
		"header-error",
		"variant { invalid-syntax, forbidden, immutable, size-exceeded, other(option<string>) }",
	)
	t.Type("request-options-error", "variant { not-supported, immutable, other(option<string>) }")
	t.Type("field-name", "string")

	t.Resource("fields", nil)
	t.Use(t, "fields as headers", "fields as trailers")
	t.Resource("request", dropRequest)
	t.Resource("request-options", nil)
	t.Resource("response", dropResponse)
	h.shared(t, table.Fields("copy-all", headerResult))
	h.shared(t, table.Target("request", "get-", headOf))
	h.shared(
		t,
		table.Timeouts("get-", "result<_, request-options-error>", timeoutsOf, refuseFrozen),
	)
	for _, defs := range [][]def{fieldsDefs(), requestDefs(), optionsDefs(), responseDefs()} {
		h.define(t, defs)
	}
	t.Quick()

	const exchange = "async func(request: request) -> result<response, error-code>"
	client := l.Instance("wasi:http/client" + version)
	client.Use(t, "request", "response", "error-code")
	h.define(client, []def{{name: "send", wit: exchange, async: send}})

	handler := l.Instance("wasi:http/handler" + version)
	handler.Use(t, "request", "response", "error-code")
	h.define(handler, []def{{name: "handle", wit: exchange, async: handle}})
}
