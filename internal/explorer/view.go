package explorer

import (
	"strings"
	"time"

	"github.com/wasihttp/wasihttp/internal/timeline"
	"github.com/wasihttp/wasihttp/serve"
)

// The types of the API (docs/explorer-api.md).

// Summary is what a list says of a request.
type Summary struct {
	Seq           uint64   `json:"seq"`
	ID            string   `json:"id"`
	At            float64  `json:"at"`
	MS            *float64 `json:"ms"`
	Method        string   `json:"method"`
	Host          string   `json:"host"`
	Target        string   `json:"target"`
	Status        int      `json:"status"`
	Outcome       string   `json:"outcome"`
	Build         uint64   `json:"build"`
	Bytes         int64    `json:"bytes"`
	Upstreams     int      `json:"upstreams"`
	Phases        []Phase  `json:"phases"`
	SentAgainFrom uint64   `json:"sentAgainFrom"`
}

// Phase is one of the timeline.
type Phase struct {
	Name string   `json:"name"`
	At   float64  `json:"at"`
	MS   *float64 `json:"ms"`
}

// Build is a build that was loaded, or could not be.
type Build struct {
	Seq     uint64   `json:"seq"`
	Number  uint64   `json:"number"`
	At      float64  `json:"at"`
	MS      *float64 `json:"ms"`
	Outcome string   `json:"outcome"`
	Message string   `json:"message"`
	Digest  string   `json:"digest"`

	version uint64
}

// Detail is all that is known of a request.
type Detail struct {
	Summary
	Protocol  string         `json:"protocol"`
	Remote    string         `json:"remote"`
	Request   *Message       `json:"request"`
	Response  *Message       `json:"response"`
	Failure   *Failure       `json:"failure"`
	Message   string         `json:"message"` // what the component said about its own server error
	Stdout    string         `json:"stdout"`
	Stderr    string         `json:"stderr"`
	StdoutCut bool           `json:"stdoutCut"`
	StderrCut bool           `json:"stderrCut"`
	Upstream  []Upstream     `json:"upstream"`
	Spans     []Span         `json:"spans"`
	Truncated map[string]int `json:"truncated"`
}

// Failure is why there was no response, or not all of it.
type Failure struct {
	Headline  string   `json:"headline"`
	Message   string   `json:"message"`
	Hint      string   `json:"hint"`
	Backtrace []string `json:"backtrace"`
}

// Upstream is an exchange with another server.
type Upstream struct {
	At       float64  `json:"at"`
	MS       *float64 `json:"ms"`
	Method   string   `json:"method"`
	URL      string   `json:"url"`
	Status   int      `json:"status"`
	Error    string   `json:"error"`
	Request  *Message `json:"request"`
	Response *Message `json:"response"`
}

// Span is a time that the guest has named.
type Span struct {
	Name       string            `json:"name"`
	At         float64           `json:"at"`
	MS         float64           `json:"ms"`
	ID         string            `json:"id"`
	Parent     string            `json:"parent"`
	Attributes map[string]string `json:"attributes"`
	Status     string            `json:"status"`
}

// since1970 returns a time in milliseconds.
func since1970(t time.Time) float64 { return float64(t.UnixMicro()) / 1000 }

// inMS returns a duration in milliseconds.
func inMS(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// lasted returns a duration in milliseconds; nil for one that goes on, which is less than 0.
func lasted(d time.Duration) *float64 {
	if d < 0 {
		return nil
	}
	ms := inMS(d)
	return &ms
}

// text returns text that JSON can express.
func text[T string | []byte](s T) string { return strings.ToValidUTF8(string(s), "\ufffd") }

// state is what an entry says of its request, copied.
type state struct {
	*entry
	method, host, target   string
	fields, responseFields fields
	build                  uint64
	ended                  bool
	status                 int
	bytes                  int64
	duration               time.Duration
	outcome, message       string
	aborted                bool
	failure                *serve.Failure
	responded              bool
	trailers               trailers
}

func (e *entry) state() state {
	e.trace.Lock()
	defer e.trace.Unlock()
	s := state{
		entry: e, ended: e.ended, build: e.build.Load(), status: e.status, bytes: e.bytes,
		duration: e.duration, outcome: e.outcome, aborted: e.aborted, failure: e.failure,
		method: e.method, host: e.host, target: e.target, fields: e.fields,
		responded: e.responded, responseFields: e.responseFields,
		message: e.message,
	}
	if e.trailers != nil {
		s.trailers = *e.trailers
	}
	return s
}

// at returns a time of the timeline in milliseconds since 1970.
func (e *entry) at(d time.Duration) float64 { return since1970(e.trace.Start().Add(d)) }

// summary returns what lists say.
func (s *state) summary() Summary {
	out := Summary{
		Seq: s.seq, ID: s.id, At: s.at(0), Method: text(s.method), Host: text(s.host),
		Target: s.maskedTarget(), Status: s.status, Build: s.build, Bytes: s.bytes,
		Upstreams: s.trace.Sends(), Phases: []Phase{}, SentAgainFrom: s.from,
	}
	if s.ended {
		out.MS, out.Outcome = lasted(s.duration), s.outcome
	} else {
		out.Bytes = s.trace.Body(timeline.ResponseBody).Size
	}
	phases, _ := s.trace.Phases()
	for _, p := range phases {
		out.Phases = append(out.Phases, Phase{
			Name: p.Kind.String(), At: s.at(p.Start), MS: lasted(phaseLength(p)),
		})
	}
	return out
}

// phaseLength returns how long a phase lasted, less than 0 if it goes on.
func phaseLength(p timeline.Phase) time.Duration {
	if p.End < 0 {
		return -1
	}
	return p.End - p.Start
}

// detail returns all that is known, with secrets or without.
func (s *state) detail(reveal bool) *Detail {
	m := s.masking(reveal)
	d := &Detail{
		Summary: s.summary(), Protocol: s.protocol, Remote: s.remote,
		Upstream: []Upstream{}, Spans: []Span{},
	}
	if reveal {
		d.Target = text(s.target)
	}
	d.Request, d.Response = m.request, m.response
	if s.failure != nil {
		d.Failure = failureOf(s.failure, s.aborted)
	} else {
		d.Message = text(s.message)
	}
	out, err := s.trace.Body(timeline.Stdout), s.trace.Body(timeline.Stderr)
	d.Stdout, d.StdoutCut = text(out.Bytes), !out.Whole()
	d.Stderr, d.StderrCut = text(err.Bytes), !err.Whole()
	exchanges, sent := s.trace.Exchanges()
	for i := range exchanges {
		d.Upstream = append(d.Upstream, s.upstream(&exchanges[i], reveal))
	}
	spans, told := s.trace.Spans()
	for i := range spans {
		d.Spans = append(d.Spans, spanOf(&spans[i]))
	}
	_, lost := s.trace.Phases()
	d.Truncated = map[string]int{
		"upstream": sent - len(exchanges), "phases": lost, "spans": told - len(spans),
	}
	return d
}

// failureOf returns a failure for the API.
func failureOf(f *serve.Failure, aborted bool) *Failure {
	out := &Failure{
		Headline: text(f.Headline()), Message: text(f.Message), Hint: text(f.Hint),
		Backtrace: []string{},
	}
	if out.Message == "" {
		out.Message = text(f.Cause)
	} else if f.Cause != "" {
		out.Message += "\n" + text(f.Cause)
	}
	if aborted {
		out.Message += "\nthe response had begun: the connection was closed so that the client " +
			"notices"
	}
	for _, frame := range f.Frames {
		out.Backtrace = append(out.Backtrace, text(frame.String()))
	}
	return out
}

func spanOf(s *timeline.Span) Span {
	out := Span{
		Name: text(s.Name), At: since1970(s.Start), MS: inMS(s.End.Sub(s.Start)), ID: s.ID,
		Parent: s.Parent, Attributes: map[string]string{}, Status: text(s.Status),
	}
	for _, a := range s.Attributes {
		out.Attributes[text(a[0])] = text(a[1])
	}
	return out
}
