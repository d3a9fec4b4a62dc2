package serve

import (
	"bytes"
	"cmp"
	_ "embed"
	"encoding/json"
	"fmt"
	"html/template"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/wasihttp/wasihttp/internal/term"
)

// Headers of the response to a failed request.
const (
	// OutcomeHeader names the Outcome.
	OutcomeHeader = "X-Wasihttp-Outcome"
	// RequestHeader has the id of the request.
	RequestHeader = "X-Wasihttp-Request-Id"
)

// Headers of every response.
const (
	// BuildHeader has the digest of the build that the response comes from.
	BuildHeader = "X-Wasihttp-Build"
	// StaleHeader says why the newest build is not served. It is absent if the
	// newest build is served.
	StaleHeader = "X-Wasihttp-Stale"
)

// maxHeaderText is how long a reason in a header may be, in bytes.
const maxHeaderText = 300

// headerText makes a message the value of a header: one line of ASCII (RFC
// 9110, section 5.5).
func headerText(text string) string {
	line := strings.Map(func(c rune) rune {
		switch {
		case c == '\n' || c == '\t' || c == '\r':
			return ' '
		case c < 0x20 || c == 0x7f:
			return -1
		case c > 0x7f:
			return '?'
		}
		return c
	}, text)
	if len(line) > maxHeaderText {
		line = line[:maxHeaderText-3] + "..."
	}
	return strings.TrimSpace(line)
}

// report is the one place where a failure becomes a response.
type report struct {
	*Failure
	RequestID string
	Method    string
	Target    string
	Digest    string
	Curl      string
	// CurlNote says what to do before running Curl; "" if nothing.
	CurlNote string
	Time     time.Time
	// Script is the address of the script that reloads the page; "" for none.
	Script   string
	detailed bool
	// Stale is why no newer build is served; nil if the build is the newest.
	Stale *Stale
}

// write writes the response to r in the format that it accepts, and returns the length of the
// body in bytes.
func (p report) write(w http.ResponseWriter, r *http.Request) (int, error) {
	var body []byte
	var contentType string
	switch negotiate(r.Header.Values("Accept")) {
	case formatHTML:
		body, contentType = p.html(), "text/html; charset=utf-8"
	case formatJSON:
		body, contentType = p.json(), "application/json"
	default:
		body, contentType = p.text(), "text/plain; charset=utf-8"
	}
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("Cache-Control", "no-store")
	h.Set("Vary", "Accept")
	h.Set("X-Content-Type-Options", "nosniff")
	policy := "default-src 'none'; style-src 'unsafe-inline'"
	if p.Script != "" {
		policy += "; script-src 'self'; connect-src 'self'"
	}
	h.Set("Content-Security-Policy", policy)
	h.Set(OutcomeHeader, string(p.Outcome))
	h.Set(RequestHeader, p.RequestID)
	if p.Outcome == Full {
		h.Set("Retry-After", "1")
	}
	w.WriteHeader(p.Outcome.Status())
	if r.Method == http.MethodHead {
		return 0, nil
	}
	return w.Write(body)
}

// Title says in a sentence what the outcome means.
func (p report) Title() string { return p.Failure.sentence() }

func (f *Failure) sentence() string {
	if f.Title != "" {
		return f.Title
	}
	switch f.Outcome {
	case Trap:
		return "The program trapped"
	case Expired:
		return "The program did not respond in time"
	case NoResponse:
		return "The program returned without a response"
	case ErrorCode:
		return "The program responded with an error code"
	case Instantiation:
		return "The program could not be started"
	case Full:
		return "Too many requests at once"
	case ClientGone:
		return "The client closed the connection"
	case Stopped:
		return "The server was stopped"
	default:
		return "The host failed"
	}
}

// Headline returns what the program said, or else what the outcome means.
func (f *Failure) Headline() string { return cmp.Or(term.Clean(f.Message), f.sentence()) }

// Status returns the status of the response.
func (p report) Status() int { return p.Outcome.Status() }

// StatusText returns the status in words.
func (p report) StatusText() string { return http.StatusText(p.Outcome.Status()) }

// Detailed reports whether the report has more than outcome and request.
func (p report) Detailed() bool { return p.detailed }

// Trace returns the backtrace for people.
func (p report) Trace() []shownFrame { return shownFrames(p.Frames) }

// Log returns the last lines of standard error as plain text.
func (p report) Log() []string {
	lines := make([]string, len(p.Stderr))
	for i, line := range p.Stderr {
		lines[i] = term.StripEscapes(line)
	}
	return lines
}

//go:embed report.html
var pageSource string

// pageData is what report.html can use.
type pageData struct {
	report
	// StaleReason and the rest are of Stale; "" and nil without it.
	StaleReason string
	StaleNumber uint64
	Palette     template.CSS
	BuildOutput [][]term.Span
}

func (p report) html() []byte {
	data := pageData{report: p}
	if stale := p.Stale; stale != nil {
		data.StaleReason, data.StaleNumber = stale.Reason, stale.number
		data.Palette, data.BuildOutput = palette(), stale.Lines()
	}
	// Parsed here and not once: a failure is rare, and the package keeps no
	// state.
	page := template.Must(template.New("report").Parse(pageSource))
	var b bytes.Buffer
	if err := page.Execute(&b, data); err != nil {
		// The template is part of the program and writes to memory.
		panic(fmt.Sprintf("serve: report.html: %v", err))
	}
	return b.Bytes()
}

// reportJSON is the report in JSON. Its member names are an interface to other programs.
type reportJSON struct {
	Outcome   Outcome  `json:"outcome"`
	RequestID string   `json:"request_id"`
	Status    int      `json:"status"`
	Message   string   `json:"message,omitempty"`
	Cause     string   `json:"cause,omitempty"`
	ErrorCode string   `json:"error_code,omitempty"`
	Hint      string   `json:"hint,omitempty"`
	Frames    []Frame  `json:"backtrace,omitempty"`
	Stderr    []string `json:"stderr,omitempty"`
	Curl      string   `json:"curl,omitempty"`
	CurlNote  string   `json:"curl_note,omitempty"`
	// Stale and BuildOutput are why no newer build is served, and what was written then.
	Stale       string   `json:"stale,omitempty"`
	BuildOutput []string `json:"build_output,omitempty"`
	Build       string   `json:"build,omitempty"`
}

func (p report) json() []byte {
	out := reportJSON{Outcome: p.Outcome, RequestID: p.RequestID, Status: p.Status()}
	if p.detailed {
		out.Message, out.Cause = p.Message, p.Cause
		out.ErrorCode, out.Hint = p.ErrorCode, p.Hint
		out.Frames, out.Stderr, out.Build = p.Frames, p.Stderr, p.Digest
		out.Curl, out.CurlNote = p.Curl, p.CurlNote
		if p.Stale != nil {
			out.Stale, out.BuildOutput = p.Stale.Reason, p.Stale.Output
		}
	}
	return encodeJSON(out, "  ")
}

// encodeJSON writes v, which is made of strings and numbers, with an end of
// line. Names of functions are full of angle brackets, which stay as they are.
func encodeJSON(v any, indent string) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", indent)
	if err := e.Encode(v); err != nil {
		// Strings and numbers always have a JSON form.
		panic(fmt.Sprintf("serve: %v", err))
	}
	return b.Bytes()
}

func (p report) text() []byte {
	var b strings.Builder
	if !p.detailed {
		fmt.Fprintf(&b, "%d %s\n\noutcome: %s\nrequest: %s\n",
			p.Status(), p.StatusText(), p.Outcome, p.RequestID)
		return []byte(b.String())
	}
	if p.Message != "" {
		fmt.Fprintf(&b, "%s\n\n", term.Clean(p.Message))
	}
	fmt.Fprintf(&b, "%s (%d, outcome %s)\n", p.Title(), p.Status(), p.Outcome)
	if p.ErrorCode != "" {
		fmt.Fprintf(&b, "\nerror code: %s\n", term.Clean(p.ErrorCode))
	}
	if p.Cause != "" {
		fmt.Fprintf(&b, "\n%s\n", term.CleanLines(p.Cause))
	}
	if p.Hint != "" {
		fmt.Fprintf(&b, "\nhint: %s\n", term.Clean(p.Hint))
	}
	if p.Stale != nil && p.Stale.Reason != p.Cause {
		fmt.Fprintf(&b, "\nthe newest build is not served: %s\n", term.CleanLines(p.Stale.Reason))
	}
	if p.Stale != nil {
		output := p.Stale.Output
		section(&b, "last lines of the build", len(output),
			func(i int) string { return term.StripEscapes(output[i]) })
	}
	// What the program itself wrote about its failure comes first.
	log := p.Log()
	section(&b, "last lines on stderr", len(log), func(i int) string { return log[i] })
	frames := p.Trace()
	section(&b, "backtrace, innermost call first", len(frames),
		func(i int) string { return frames[i].String() })
	if p.Curl != "" {
		fmt.Fprintf(&b, "\nreproduce with:\n  %s\n", p.Curl)
	}
	if p.CurlNote != "" {
		fmt.Fprintf(&b, "  (%s)\n", p.CurlNote)
	}
	fmt.Fprintf(&b, "\nrequest: %s\n", p.RequestID)
	if p.Digest != "" {
		fmt.Fprintf(&b, "build:   %s\n", p.Digest)
	}
	return []byte(b.String())
}

func section(b *strings.Builder, title string, n int, line func(int) string) {
	if n == 0 {
		return
	}
	fmt.Fprintf(b, "\n%s:\n", title)
	for i := range n {
		fmt.Fprintf(b, "  %s\n", term.Clean(line(i)))
	}
}
