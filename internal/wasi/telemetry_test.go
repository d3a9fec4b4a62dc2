package wasi

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

const traceID, spanID = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"

// TestTraceParents has the cases of W3C Trace Context, section 3.2.
func TestTraceParents(t *testing.T) {
	const ids = traceID + "-" + spanID
	remote := SpanContext{TraceID: traceID, SpanID: spanID, Remote: true}
	sampled := remote
	sampled.Sampled = true
	for header, want := range map[string]SpanContext{
		"00-" + ids + "-01":                  sampled,
		"00-" + ids + "-00":                  remote,
		"00-" + ids + "-ff":                  sampled,
		" 00-" + ids + "-01\t":               sampled,
		"cc-" + ids + "-01":                  sampled, // a later version
		"cc-" + ids + "-01-more":             sampled,
		"cc-" + ids + "-01.more":             {},
		"00-" + ids + "-01-more":             {},
		"ff-" + ids + "-01":                  {},
		"00-" + ids + "-0":                   {},
		"00-" + ids:                          {},
		"00-" + ids + "-0g":                  {},
		"":                                   {},
		"0-0" + ids + "-01":                  {},
		"00_" + ids + "-01":                  {},
		"00-" + strings.ToUpper(ids) + "-01": {},
		"00-" + strings.Repeat("0", 32) + "-" + spanID + "-01":  {},
		"00-" + traceID + "-" + strings.Repeat("0", 16) + "-01": {},
		"00-" + traceID[1:] + "-0" + spanID + "-01":             {},
	} {
		got := TraceOf(http.Header{"Traceparent": {header}}).outer
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%q: %+v", header, got)
		}
	}
	if c := TraceOf(http.Header{"Traceparent": {"00-" + ids + "-01", "00-" + ids + "-01"}}).outer; c.TraceID != "" {
		t.Errorf("two headers: %+v", c)
	}
}

func TestTraceStates(t *testing.T) {
	long := strings.TrimSuffix(strings.Repeat("a=1,", 33), ",")
	for _, tt := range []struct {
		headers []string
		want    [][2]string
	}{
		{nil, nil},
		{[]string{"a=1,b=x=y"}, [][2]string{{"a", "1"}, {"b", "x=y"}}},
		{[]string{"a=1 , ,b=2", "c=3"}, [][2]string{{"a", "1"}, {"b", "2"}, {"c", "3"}}},
		{[]string{"a=1,b"}, nil},
		{[]string{"=1"}, nil},
		{[]string{long}, nil},
	} {
		h := http.Header{"Traceparent": {"00-" + traceID + "-" + spanID + "-01"}, "Tracestate": tt.headers}
		if got := TraceOf(h).outer.State; fmt.Sprint(got) != fmt.Sprint(tt.want) {
			t.Errorf("%q: %q", tt.headers, got)
		}
	}
}

func TestTheCurrentSpanIsTheLastThatIsOpen(t *testing.T) {
	s := NewState(&Config{})
	defer s.Close()
	outer, err := s.OuterSpan()
	if err != nil {
		t.Fatal(err)
	}
	a, b := SpanContext{TraceID: traceID, SpanID: "a"}, SpanContext{TraceID: traceID, SpanID: "b"}
	current := func(want SpanContext) {
		t.Helper()
		if got, err := s.CurrentSpan(); err != nil || got.SpanID != want.SpanID {
			t.Errorf("%+v, %v; want %+v", got, err, want)
		}
	}
	current(outer)
	s.SpanStarted(a)
	s.SpanStarted(b)
	current(b)
	s.SpanEnded(Span{Context: a})
	current(b)
	s.SpanEnded(Span{Context: b})
	current(outer)
	s.SpanEnded(Span{Context: b}) // that is not open
	for range 2 * maxOpenSpans {
		s.SpanStarted(a)
	}
	if n := len(s.trace().open); n != maxOpenSpans {
		t.Errorf("%d spans are open", n)
	}
}
