package loader

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wasihttp/wasihttp/host"
	"github.com/wasihttp/wasihttp/internal/term"
)

func TestOutboundLog(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	ok := host.OutboundRequest{RequestID: "7", Method: "GET", URL: "https://x.test/a", Status: 200, Start: at, Duration: 1234567}
	refused := host.OutboundRequest{RequestID: "7", Method: "GET", URL: "https://x.test:1/a", Start: at,
		ErrorCode: "HTTP-request-denied", Refused: true}
	program := ok
	program.RequestID = ""
	named := ok
	named.Userinfo = true
	tests := map[string]struct {
		record                   host.OutboundRequest
		asJSON, quiet, forbidden bool
		want                     string
	}{
		"ok":           {ok, false, false, false, "03:04:05 [7] → GET https://x.test/a 200 1.23ms\n"},
		"of a program": {program, false, false, false, "03:04:05 → GET https://x.test/a 200 1.23ms\n"},
		"a user's name": {named, false, false, false, "03:04:05 [7] → GET https://x.test/a 200 " +
			"(user name and password of the URL were not sent: set an authorization header) 1.23ms\n"},
		"a user's name, JSON": {named, true, false, false, `{"time":"2026-01-02T03:04:05Z","id":"7","outbound":true,` +
			`"method":"GET","url":"https://x.test/a","status":200,"duration_ms":1.234,` +
			`"hint":"user name and password of the URL were not sent: set an authorization header"}` + "\n"},
		"ok, quiet": {ok, false, true, false, ""},
		"refused": {refused, false, true, false,
			"03:04:05 [7] → GET https://x.test:1/a refused; --allow-outbound x.test:1 would allow it 0s\n"},
		"all forbidden": {refused, false, false, true, "03:04:05 [7] → GET https://x.test:1/a refused because of --no-outbound 0s\n"},
		"JSON": {refused, true, false, true,
			`{"time":"2026-01-02T03:04:05Z","id":"7","outbound":true,"method":"GET","url":"https://x.test:1/a","status":0,"duration_ms":0,` +
				`"error_code":"HTTP-request-denied","refused":true,"hint":"refused because of --no-outbound"}` + "\n"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var b strings.Builder
			OutboundLog(term.New(&b, nil), tt.asJSON, tt.quiet, tt.forbidden)(tt.record)
			if diff := cmp.Diff(tt.want, b.String()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
