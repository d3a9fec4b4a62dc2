package wasi

import (
	"encoding/hex"
	"net/http"
	"strings"
	"time"
)

// SpanContext identifies a span, as W3C Trace Context does.
type SpanContext struct {
	// TraceID is 32 hexadecimal digits and SpanID 16.
	TraceID, SpanID string
	Sampled         bool
	// Remote reports that the span is one of another program.
	Remote bool
	// State are the entries of tracestate, in order.
	State [][2]string
}

// Attribute is an attribute of something that is reported through wasi:otel. The value is JSON.
type Attribute struct{ Key, Value string }

// Span is a piece of work that a guest has reported through wasi:otel when it had ended. Its times
// are those of the guest's clock.
type Span struct {
	Context SpanContext
	Parent  string // the SpanID of the span that it is part of; "" for none
	// Kind is client, server, producer, consumer or internal.
	Kind, Name string
	Start, End time.Time
	Attributes []Attribute
	Events     []SpanEvent
	Links      []SpanContext
	// Status is unset, ok or error, and Error what went wrong then.
	Status, Error string
	Scope         string // the part of the program that reported it
}

// SpanEvent is something that happened in a Span at one moment.
type SpanEvent struct {
	Name       string
	Time       time.Time
	Attributes []Attribute
}

// Telemetry is what an embedder has to do with wasi:otel. The goroutine that runs the guest calls
// it.
type Telemetry interface {
	// Trace returns the trace of the request that the guest works for; nil if that is not known.
	Trace() *Trace
	// Span receives a span that has ended.
	Span(Span)
}

// maxOpenSpans bounds how many spans of a Trace are known to be open.
const maxOpenSpans = 1024

// Trace is what the spans of one request have in common. Its methods are called by the goroutine of
// the guest.
type Trace struct {
	outer SpanContext
	open  []SpanContext
}

// TraceOf returns the trace of a request with those headers. It belongs to the span of the headers
// traceparent and tracestate, if they are valid (W3C Trace Context, section 3).
func TraceOf(h http.Header) *Trace {
	t := &Trace{}
	if parents := h.Values("Traceparent"); len(parents) == 1 {
		if c, ok := parseTraceParent(parents[0]); ok {
			c.State = parseTraceState(h.Values("Tracestate"))
			t.outer = c
		}
	}
	return t
}

// parseTraceParent reads the header traceparent.
func parseTraceParent(header string) (c SpanContext, ok bool) {
	const length, separators = 55, "-"
	header = strings.Trim(header, " \t")
	if len(header) < length {
		return c, false
	}
	known, more := header[:length], header[length:]
	parts := strings.Split(known, separators)
	if len(parts) != 4 || len(parts[0]) != 2 || len(parts[1]) != 32 || len(parts[2]) != 16 {
		return c, false
	}
	for _, p := range parts {
		if strings.Trim(p, "0123456789abcdef") != "" {
			return c, false
		}
	}
	version := parts[0]
	if version == "ff" || version == "00" && more != "" || more != "" && more[0] != '-' {
		return c, false
	}
	if strings.Trim(parts[1], "0") == "" || strings.Trim(parts[2], "0") == "" {
		return c, false
	}
	flags, _ := hex.DecodeString(parts[3]) // digits, as was seen
	return SpanContext{
		TraceID: parts[1], SpanID: parts[2], Sampled: flags[0]&1 != 0, Remote: true,
	}, true
}

// parseTraceState reads the headers tracestate; nil if one of them is malformed.
func parseTraceState(headers []string) (list [][2]string) {
	const most = 32
	for _, entry := range strings.Split(strings.Join(headers, ","), ",") {
		entry = strings.Trim(entry, " \t")
		if entry == "" {
			continue
		}
		key, value, ok := strings.Cut(entry, "=")
		if !ok || key == "" || value == "" || len(list) == most {
			return nil
		}
		list = append(list, [2]string{key, value})
	}
	return list
}

// trace returns the trace of what the guest works for.
func (s *State) trace() *Trace {
	if s.cfg.Telemetry != nil {
		if t := s.cfg.Telemetry.Trace(); t != nil {
			return t
		}
	}
	if s.ownTrace == nil {
		s.ownTrace = &Trace{}
	}
	return s.ownTrace
}

// OuterSpan returns the span in which the guest works for its embedder: that of the request's
// client, or else one with new ids, which are drawn like random numbers of the guest's.
func (s *State) OuterSpan() (SpanContext, error) {
	t := s.trace()
	if t.outer.TraceID == "" {
		ids, err := s.Random().Bytes(24)
		if err != nil {
			return SpanContext{}, err
		}
		ids[0], ids[16] = ids[0]|1, ids[16]|1 // none is 0
		t.outer = SpanContext{
			TraceID: hex.EncodeToString(ids[:16]), SpanID: hex.EncodeToString(ids[16:]),
			Sampled: true,
		}
	}
	return t.outer, nil
}

// CurrentSpan returns the span of the guest that began last and has not ended, or else OuterSpan.
func (s *State) CurrentSpan() (SpanContext, error) {
	if t := s.trace(); len(t.open) > 0 {
		return t.open[len(t.open)-1], nil
	}
	return s.OuterSpan()
}

// SpanStarted notes that a span has begun.
func (s *State) SpanStarted(c SpanContext) {
	if t := s.trace(); len(t.open) < maxOpenSpans {
		t.open = append(t.open, c)
	}
}

// SpanEnded notes that a span has ended, and reports it to the embedder.
func (s *State) SpanEnded(span Span) {
	t := s.trace()
	for i := len(t.open) - 1; i >= 0; i-- {
		if t.open[i].SpanID == span.Context.SpanID && t.open[i].TraceID == span.Context.TraceID {
			t.open = append(t.open[:i], t.open[i+1:]...)
			break
		}
	}
	if s.cfg.Telemetry != nil {
		s.cfg.Telemetry.Span(span)
	}
}
