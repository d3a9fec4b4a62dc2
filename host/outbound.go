package host

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"

	inner "github.com/wasihttp/wasihttp/internal/wasi"
	"github.com/wasihttp/wasihttp/internal/wasi/sockets"
	"github.com/wasihttp/wasihttp/wasi"
)

// Outbound is a policy for the requests that guests send to other servers. The zero value denies
// all of them.
type Outbound struct {
	// Allow names the servers that guests may send requests to.
	Allow []Pattern
	// AllowAll allows all servers, whatever Allow says.
	AllowAll bool
	// TLS is the configuration for https; nil for the system's roots.
	TLS *tls.Config
	// H2C names the servers that are spoken to in HTTP/2 over http, which they have to understand
	// (prior knowledge). For https, server and client agree on the protocol.
	H2C []Pattern
	// Log takes each request when it has ended; nil for no log. It is called from many
	// goroutines, before the guest gets the result: it should not take long.
	Log func(OutboundRequest)
	// Connect makes the connection for a request, for https with TLS done; nil for the network. It
	// also gets requests that the policy refuses: only r.Dial does. r.Sender is the id of the
	// request on whose behalf it is made, "" if it is unknown. Connect is called from many
	// goroutines.
	Connect func(ctx context.Context, r wasi.Destination) (net.Conn, error)
}

// OutboundRequest is a request to another server that has ended.
type OutboundRequest struct {
	// RequestID is the id of the request on whose behalf it was made; "" if it is unknown.
	RequestID string
	Method    string
	URL       string
	// Status is the response's status; 0 if there was none.
	Status   int
	Start    time.Time
	Duration time.Duration
	// ErrorCode names the error code that the guest got instead of a response.
	ErrorCode string
	// Refused reports whether the policy forbade it.
	Refused bool
	// Userinfo reports whether the guest put a user name or a password into the URL, which are not
	// sent.
	Userinfo bool
}

// Pattern names servers: a host, a host with a port, or *.host for all its subdomains.
type Pattern struct {
	// Host is a name or an address, without brackets; case and the dot of the root do not matter.
	Host string
	// Subdomains reports whether the pattern is for the names below Host, and not for Host itself.
	Subdomains bool
	// Port is 0 for any.
	Port int
}

// PatternError says what is wrong with the text of a Pattern.
type PatternError struct {
	Text    string
	Problem string
	// Hint is how to write it.
	Hint string
}

// Error returns text and problem.
func (e *PatternError) Error() string { return strconv.Quote(e.Text) + " " + e.Problem }

// ParsePattern parses host, host:port or *.host; the error is a *PatternError. A name in another
// script becomes its ASCII form, which requests have.
func ParsePattern(text string) (Pattern, error) {
	const hint = "write host, host:port or *.host"
	bad := func(hint, format string, args ...any) (Pattern, error) {
		return Pattern{}, &PatternError{
			Text:    text,
			Problem: fmt.Sprintf(format, args...),
			Hint:    hint,
		}
	}
	if strings.ContainsAny(text, "/@ ") {
		return bad(hint+", without scheme and path", "is not a host")
	}
	p := Pattern{Host: text}
	// An IPv6 address alone has colons but no port.
	if net.ParseIP(text) == nil {
		if host, port, err := net.SplitHostPort(p.Host); err == nil {
			n, err := strconv.ParseUint(port, 10, 16)
			if err != nil || n == 0 {
				return bad(hint, "has no valid port")
			}
			p.Host, p.Port = host, int(n)
		}
	}
	p.Host, p.Subdomains = strings.CutPrefix(p.Host, "*.")
	if inner, ok := strings.CutPrefix(p.Host, "["); ok && strings.HasSuffix(inner, "]") {
		p.Host = strings.TrimSuffix(inner, "]")
	}
	if p.Host = hostName(p.Host); !isASCII(p.Host) {
		return bad("write its ASCII form, which begins with xn--", "is not the name of a host")
	}
	if p.Host == "" || strings.HasPrefix(p.Host, ".") || strings.ContainsAny(p.Host, "*[]") ||
		strings.Contains(p.Host, ":") && net.ParseIP(p.Host) == nil {
		return bad(hint, "is not a pattern for hosts")
	}
	return p, nil
}

// hostName writes the host in one of its forms: a name in ASCII, in lower case and without
// the dot of the root, an address as it is written shortest.
func hostName(host string) string {
	if ip := net.ParseIP(host); ip != nil {
		return ip.String()
	}
	if !isASCII(host) {
		if name, err := sockets.CanonicalName(host); err == nil {
			return name
		}
	}
	return strings.TrimSuffix(strings.ToLower(host), ".")
}

// isASCII reports whether a text has no characters beyond ASCII.
func isASCII(text string) bool {
	return !strings.ContainsFunc(text, func(c rune) bool { return c > 0x7f })
}

// Match reports whether the pattern allows a request to host and port; host has
// no brackets.
func (p Pattern) Match(host string, port int) bool {
	if p.Port != 0 && p.Port != port {
		return false
	}
	host, own := hostName(host), hostName(p.Host)
	if p.Subdomains {
		// An address has no subdomains, whatever its digits end with.
		return net.ParseIP(host) == nil && strings.HasSuffix(host, "."+own)
	}
	return host == own
}

// Client returns a client for guests that keeps the policy, for programs that run components
// without a Host.
func (o *Outbound) Client() *wasi.Client { return (*wasi.Client)(o.client(nil)) }

// client returns a client that keeps the policy for the guest; nil if it is unknown.
func (o *Outbound) client(g *guest) *inner.Client {
	c := &inner.Client{TLS: o.TLS, Connect: o.Connect}
	if len(o.H2C) > 0 {
		c.H2C = func(address string) bool { return matches(o.H2C, address) == nil }
	}
	if g != nil {
		c.Sender = g.requestID
	}
	c.Log = func(done inner.Outbound) {
		// Connect may deny a request, too, as a recording does: the policy did not forbid that.
		refused := done.Err != nil && errors.Is(done.Err, errOutboundRefused)
		if refused && g != nil {
			if call := g.requests.named(done.Sender); call != nil {
				call.refusals.add(inner.Use{
					Kind: inner.UseOutbound, Name: authorityOf(done.URL), Refused: true,
				})
			}
		}
		if o.Log == nil {
			return
		}
		r := OutboundRequest{
			RequestID: done.Sender,
			Method:    done.Method,
			URL:       done.URL,
			Status:    done.Status,
			Duration:  done.Duration,
			Userinfo:  done.Userinfo,
			Start:     time.Now().Add(-done.Duration),
			Refused:   refused,
		}
		if done.Err != nil {
			r.ErrorCode = done.Err.Error()
		}
		o.Log(r)
	}
	if !o.AllowAll {
		c.Allow = o.allow
	}
	return c
}

// authorityOf returns the host of a URL, with its port if it has one.
func authorityOf(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return text
	}
	return u.Host
}

// errOutboundRefused is fs.ErrPermission, by which packages that do not know the policy know it.
var errOutboundRefused error = refusal{}

type refusal struct{}

func (refusal) Error() string { return "refused by the outbound policy" }

// Is reports whether the target is fs.ErrPermission.
func (refusal) Is(target error) bool { return target == fs.ErrPermission }

func (o *Outbound) allow(authority string) error { return matches(o.Allow, authority) }

// matches returns an error unless one of the patterns is for the server at host:port.
func matches(patterns []Pattern, authority string) error {
	name, portText, err := net.SplitHostPort(authority)
	if err != nil {
		return err
	}
	port, err := strconv.Atoi(portText)
	if err != nil {
		return err
	}
	for _, p := range patterns {
		if p.Match(name, port) {
			return nil
		}
	}
	return errOutboundRefused
}
