package loader

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/wasihttp/wasihttp/host"
	"github.com/wasihttp/wasihttp/internal/term"
	"github.com/wasihttp/wasihttp/internal/units"
)

// outboundJSON is a line of the JSON log. Its member names are an interface to other programs.
type outboundJSON struct {
	Time       string  `json:"time"`
	ID         string  `json:"id,omitempty"`
	Outbound   bool    `json:"outbound"`
	Method     string  `json:"method"`
	URL        string  `json:"url"`
	Status     int     `json:"status"`
	DurationMS float64 `json:"duration_ms"`
	ErrorCode  string  `json:"error_code,omitempty"`
	Refused    bool    `json:"refused,omitempty"`
	Hint       string  `json:"hint,omitempty"`
}

// OutboundLog returns a function that logs outbound requests. Refused requests are always logged,
// with the flag that would allow them; others only if quiet is not set.
func OutboundLog(out *term.Output, asJSON, quiet, forbidden bool) func(host.OutboundRequest) {
	return func(r host.OutboundRequest) {
		if quiet && !r.Refused {
			return
		}
		hint := ""
		switch {
		case r.Refused:
			hint = refusedHint(r.URL, forbidden)
		case r.Userinfo:
			hint = "user name and password of the URL were not sent: set an authorization header"
		}
		line := outboundText(out, r, hint)
		if asJSON {
			line = outboundObject(r, hint)
		}
		// A failed write cannot be reported anywhere.
		_, _ = io.WriteString(out, line+"\n")
	}
}

func refusedHint(url string, forbidden bool) string {
	if forbidden {
		return "refused because of --no-outbound"
	}
	host := url
	if _, rest, ok := strings.Cut(host, "://"); ok {
		host = rest
	}
	if i := strings.IndexAny(host, "/?#"); i >= 0 {
		host = host[:i]
	}
	return "refused; --allow-outbound " + term.Clean(host) + " would allow it"
}

func outboundText(out *term.Output, r host.OutboundRequest, hint string) string {
	status := out.Status(r.Status, strconv.Itoa(r.Status))
	switch {
	case r.Refused:
		status = out.Bad(hint)
	case r.ErrorCode != "":
		status = out.Bad(r.ErrorCode)
	}
	if r.Userinfo && !r.Refused {
		status += " " + out.Fair("("+hint+")")
	}
	id := ""
	if r.RequestID != "" { // a program that is run has no requests
		id = out.Dim("["+r.RequestID+"]") + " "
	}
	return fmt.Sprintf("%s %s%s %s %s %s",
		out.Dim(r.Start.Format(time.TimeOnly)), id,
		out.Dim("→ "+r.Method), term.Clean(r.URL), status, out.Dim(units.Duration(r.Duration)))
}

func outboundObject(r host.OutboundRequest, hint string) string {
	b, err := json.Marshal(outboundJSON{
		Time: r.Start.UTC().Format(time.RFC3339Nano), ID: r.RequestID, Outbound: true,
		Method: r.Method, URL: r.URL, Status: r.Status,
		DurationMS: float64(r.Duration.Microseconds()) / 1000,
		ErrorCode:  r.ErrorCode, Refused: r.Refused, Hint: hint,
	})
	if err != nil {
		// Strings and numbers always have a JSON form.
		panic(fmt.Sprintf("cmd: outbound log: %v", err))
	}
	return string(b)
}
