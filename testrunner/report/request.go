package report

import (
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"

	"github.com/wasihttp/wasihttp/internal/curl"
	"github.com/wasihttp/wasihttp/internal/fixture"
	"github.com/wasihttp/wasihttp/internal/term"
	"github.com/wasihttp/wasihttp/internal/words"
	"github.com/wasihttp/wasihttp/testrunner"
	"github.com/wasihttp/wasihttp/testrunner/diff"
)

// served is where "wasihttp serve" listens by default.
const served = "127.0.0.1:8080"

// longestArgument is the largest body that a command is given in an argument, in bytes.
const longestArgument = 4 << 10

// curlOf returns the command that sends a request to a server; nil stands for one that listens at
// served. The note says what the user must do first; "" if nothing.
func curlOf(r *testrunner.Request, server *url.URL) (command, note string) {
	again := curl.Request{
		Method: r.Method, Address: served, Target: r.Target,
		HasBody: len(r.Body) > 0 || r.Size > 0,
		Whole:   r.Size == 0 && len(r.Body) <= longestArgument,
		Body:    r.Body,
	}
	switch host, _, err := net.SplitHostPort(r.Authority); {
	case server != nil: // it gets requests under its own name
		again.Scheme, again.Address = server.Scheme, server.Host
		again.Target = strings.TrimSuffix(server.EscapedPath(), "/") + r.Target
	case err == nil && slices.Contains([]string{"localhost", "127.0.0.1", "::1"}, host):
		again.Address = r.Authority
	case r.Authority != "localhost":
		again.Host = r.Authority
	}
	for _, h := range r.Headers {
		switch {
		case strings.EqualFold(h.Name, "Host"):
			if server == nil {
				again.Host = h.Value
			}
		case usual(h): // curl has its own
		default:
			again.Headers = append(again.Headers, [2]string{h.Name, h.Value})
		}
	}
	return again.Command()
}

// usual reports whether a field is as entries have it that do not say otherwise.
func usual(h fixture.Field) bool {
	field := strings.ToLower(h.Name) + ": " + h.Value
	return field == "accept: */*" || field == "user-agent: wasihttp"
}

// sent returns the lines of a request as it was sent, without the usual fields.
func sent(r *testrunner.Request) []string {
	lines := []string{r.Method + " " + r.Target}
	if !r.Headers.Has("Host") {
		lines = append(lines, "Host: "+r.Authority)
	}
	for _, h := range r.Headers {
		if !usual(h) {
			lines = append(lines, h.Name+": "+h.Value)
		}
	}
	switch {
	case len(r.Body) == 0:
	case !diff.IsText(r.Body):
		size := max(r.Size, int64(len(r.Body)))
		lines = append(lines, "", words.Count(int(size), "byte", "bytes")+" that are not text")
	default:
		lines = append(lines, "")
		lines = append(lines, strings.Split(strings.TrimSuffix(string(r.Body), "\n"), "\n")...)
		if r.Size > 0 {
			lines = append(lines, fmt.Sprintf("… of %d bytes", r.Size))
		}
	}
	return lines
}

// again returns what helps to try an entry again: its request as sent, a command for curl, and one
// that runs the entry alone.
func (p *Pretty) again(path string, r *testrunner.Result) string {
	var b strings.Builder
	if r.Request != nil {
		b.WriteString("request as sent:\n" + p.excerpt(sent(r.Request), path))
		command, note := curlOf(r.Request, p.Server)
		b.WriteString(p.Styles.Dim("curl:") + "  " + term.Clean(command) + "\n")
		if note != "" {
			b.WriteString("       " + p.Styles.Dim("("+note+")") + "\n")
		}
	}
	if r.Rerun != "" {
		b.WriteString(p.Styles.Dim("rerun:") + " " + term.Clean(r.Rerun) + "\n")
	}
	return b.String()
}

// excerpt returns the beginning of a text, each line behind a rule.
func (p *Pretty) excerpt(lines []string, path string) string {
	var b strings.Builder
	hiddenLines, hidden := 0, 0
	if limit := p.limit() / 2; !p.Full && len(lines) > limit+1 {
		lines, hiddenLines = lines[:limit], len(lines)-limit
	}
	for _, l := range lines {
		line, more := fit([]diff.Span{{Text: l}}, p.room(2))
		hidden += more
		b.WriteString("  " + p.Styles.Dim("│ ") + p.draw(line, true, p.Styles.Dim) + "\n")
	}
	if hidden+hiddenLines > 0 {
		b.WriteString("  " + p.Styles.Dim(p.hiddenText(hiddenLines, hidden, path)) + "\n")
	}
	return b.String()
}
