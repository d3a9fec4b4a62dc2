package cmd

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/wasihttp/wasihttp/internal/term"
)

// outboundPattern names hosts that a guest may send requests to: a host, a host
// with a port, or *.host for all its subdomains.
type outboundPattern struct {
	// Host is as hostName writes it.
	Host string
	// Subdomains says that the pattern is for the names below Host, and not for
	// Host itself.
	Subdomains bool
	// Port is 0 for any.
	Port int
}

// parseOutboundPattern parses one value of --allow-outbound.
func parseOutboundPattern(text string) (outboundPattern, error) {
	const hint = "write host, host:port or *.host"
	if strings.ContainsAny(text, "/@ ") {
		return outboundPattern{}, usagef(hint+", without scheme and path", "--allow-outbound %q is not a host", text)
	}
	if strings.ContainsFunc(text, func(c rune) bool { return c > 0x7f }) {
		return outboundPattern{}, usagef("write its ASCII form, which begins with xn--", "--allow-outbound %q is not ASCII", text)
	}
	p := outboundPattern{Host: text}
	// An IPv6 address alone has colons but no port.
	if net.ParseIP(text) == nil {
		if host, port, err := net.SplitHostPort(p.Host); err == nil {
			n, err := strconv.ParseUint(port, 10, 16)
			if err != nil || n == 0 {
				return outboundPattern{}, usagef(hint, "--allow-outbound %q has no valid port", text)
			}
			p.Host, p.Port = host, int(n)
		}
	}
	p.Host, p.Subdomains = strings.CutPrefix(p.Host, "*.")
	if inner, ok := strings.CutPrefix(p.Host, "["); ok && strings.HasSuffix(inner, "]") {
		p.Host = strings.TrimSuffix(inner, "]")
	}
	p.Host = hostName(p.Host)
	if p.Host == "" || strings.HasPrefix(p.Host, ".") || strings.ContainsAny(p.Host, "*[]") || strings.Contains(p.Host, ":") && net.ParseIP(p.Host) == nil {
		return outboundPattern{}, usagef(hint, "--allow-outbound %q is not a pattern for hosts", text)
	}
	return p, nil
}

// hostName writes the host in one of its forms: a name in lower case and without
// the dot of the root, an address as it is written shortest.
func hostName(host string) string {
	if ip := net.ParseIP(host); ip != nil {
		return ip.String()
	}
	return strings.TrimSuffix(strings.ToLower(host), ".")
}

// Match reports whether the pattern allows a request to host and port; host has
// no brackets.
func (p outboundPattern) Match(host string, port int) bool {
	host = hostName(host)
	if p.Port != 0 && p.Port != port {
		return false
	}
	if p.Subdomains {
		// An address has no subdomains, whatever its digits end with.
		return net.ParseIP(host) == nil && strings.HasSuffix(host, "."+p.Host)
	}
	return host == p.Host
}

// outboundRecord is what there is to say about an outbound request that has
// ended.
type outboundRecord struct {
	// RequestID is the id of the request on whose behalf it was made; empty if
	// that is not known.
	RequestID string
	Method    string
	URL       string
	// Status is the answer's status; 0 if there was none.
	Status   int
	Start    time.Time
	Duration time.Duration
	// ErrorCode names the error code that the guest got instead of an answer.
	ErrorCode string
	// Refused says that --no-outbound or --allow-outbound forbade it.
	Refused bool
}

// outboundJSON is a log line as programs get it; its names are an interface.
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

// outboundLog returns a log of outbound requests. A refused one is always
// written, and says which flag would allow it; the others only if not quiet.
func outboundLog(out *term.Output, asJSON, quiet, forbidden bool) func(outboundRecord) {
	return func(r outboundRecord) {
		if quiet && !r.Refused {
			return
		}
		hint := ""
		if r.Refused {
			hint = refusedHint(r.URL, forbidden)
		}
		line := outboundText(out, r, hint)
		if asJSON {
			line = outboundObject(r, hint)
		}
		// A stream that is gone has nobody to tell.
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

func outboundText(out *term.Output, r outboundRecord, hint string) string {
	status := out.Status(r.Status, strconv.Itoa(r.Status))
	switch {
	case hint != "":
		status = out.Bad(hint)
	case r.ErrorCode != "":
		status = out.Bad(r.ErrorCode)
	}
	id := ""
	if r.RequestID != "" { // a program that is run has no requests
		id = out.Dim("["+r.RequestID+"]") + " "
	}
	return fmt.Sprintf("%s %s%s %s %s %s",
		out.Dim(r.Start.Format(time.TimeOnly)), id,
		out.Dim("→ "+r.Method), term.Clean(r.URL), status, out.Dim(r.Duration.Round(10*time.Microsecond).String()))
}

func outboundObject(r outboundRecord, hint string) string {
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
