package drafts

import (
	"encoding/json"
	"io"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/wasihttp/wasihttp/component"
	"github.com/wasihttp/wasihttp/internal/wasi"
)

// otelVersions are what follows the names of the interfaces of wasi:otel that are offered. After
// 0.2.0-rc.2 the text has current-span-context in place of outer-span-context; both are offered.
// The first texts named 0.2.0-draft had other types.
var otelVersions = []string{"@0.2.0-rc.2", "@0.2.0-rc.1", "@0.2.0-draft", ""}

// addOtel adds the interfaces of wasi:otel.
func (h *host) addOtel(version string) {
	instance := func(name string) *component.HostInstance {
		return h.l.Instance("wasi:otel/" + name + version)
	}
	const datetime = "record { seconds: u64, nanoseconds: u32 }"
	types := instance("types")
	types.Type("key", "string")
	types.Type("value", "string")
	types.Type("key-value", "record { key: key, value: value }")
	types.Type("resource", "record { attributes: list<key-value>, schema-url: option<string> }")
	types.Type("instrumentation-scope", "record { name: string, version: option<string>, "+
		"schema-url: option<string>, attributes: list<key-value> }")

	tracing := instance("tracing")
	tracing.Use(types, "key-value", "instrumentation-scope")
	for _, t := range [][2]string{
		{"datetime", datetime},
		{"trace-id", "string"},
		{"span-id", "string"},
		{"trace-flags", "flags { sampled }"},
		{"trace-state", "list<tuple<string, string>>"},
		{"span-context", "record { trace-id: trace-id, span-id: span-id, " +
			"trace-flags: trace-flags, is-remote: bool, trace-state: trace-state }"},
		{"span-kind", "enum { " + spanKinds + " }"},
		{"event", "record { name: string, time: datetime, attributes: list<key-value> }"},
		{"link", "record { span-context: span-context, attributes: list<key-value> }"},
		{"status", "variant { unset, ok, error(string) }"},
		{"span-data", "record { span-context: span-context, parent-span-id: string, " +
			"span-kind: span-kind, name: string, start-time: datetime, end-time: datetime, " +
			"attributes: list<key-value>, events: list<event>, links: list<link>, " +
			"status: status, instrumentation-scope: instrumentation-scope, " +
			"dropped-attributes: u32, dropped-events: u32, dropped-links: u32 }"},
	} {
		tracing.Type(t[0], t[1])
	}
	h.define(tracing, "on-start", "func(context: span-context)",
		func(st *wasi.State, args []value) (value, error) {
			st.SpanStarted(spanContextOf(args[0]))
			return value{}, nil
		})
	h.define(tracing, "on-end", "func(span: span-data)",
		func(st *wasi.State, args []value) (value, error) {
			span := spanOf(args[0])
			logLine(st, spanLine(span))
			st.SpanEnded(span)
			return value{}, nil
		})
	h.define(tracing, "outer-span-context", "func() -> span-context",
		func(st *wasi.State, _ []value) (value, error) {
			c, err := st.OuterSpan()
			return spanContextValue(c), err
		})
	h.define(tracing, "current-span-context", "func() -> span-context",
		func(st *wasi.State, _ []value) (value, error) {
			c, err := st.CurrentSpan()
			return spanContextValue(c), err
		})

	logs := instance("logs")
	logs.Use(types, "instrumentation-scope", "resource", "value", "key-value")
	logs.Use(tracing, "span-id", "trace-id", "trace-flags", "datetime")
	logs.Type("log-record", "record { timestamp: option<datetime>, "+
		"observed-timestamp: option<datetime>, severity-text: option<string>, "+
		"severity-number: option<u8>, body: option<value>, attributes: option<list<key-value>>, "+
		"event-name: option<string>, resource: option<resource>, "+
		"instrumentation-scope: option<instrumentation-scope>, trace-id: option<trace-id>, "+
		"span-id: option<span-id>, trace-flags: option<trace-flags> }")
	h.define(logs, "on-emit", "func(data: log-record)",
		func(st *wasi.State, args []value) (value, error) {
			logLine(st, recordLine(args[0].Items()))
			return value{}, nil
		})
	h.addMetrics(instance("metrics"), types, tracing)
}

// addMetrics adds the functions of wasi:otel/metrics.
func (h *host) addMetrics(i, types, tracing *component.HostInstance) {
	i.Use(types, "key-value", "instrumentation-scope", "resource")
	i.Use(tracing, "span-id", "trace-id", "datetime")
	const exact = "start-time: datetime, time: datetime, temporality: temporality"
	points := func(name, fields string) [2]string {
		return [2]string{name, "record { attributes: list<key-value>, " + fields +
			", exemplars: list<exemplar> }"}
	}
	var cases []string
	for _, number := range []string{"f64", "u64", "s64"} {
		for _, kind := range []string{"gauge", "sum", "histogram", "exponential-histogram"} {
			cases = append(cases, number+"-"+kind+"("+kind+")")
		}
	}
	for _, t := range [][2]string{
		{"duration", "u64"},
		{"error", "string"},
		{"temporality", "enum { cumulative, delta, low-memory }"},
		{"metric-number", "variant { f64(f64), s64(s64), u64(u64) }"},
		{"exemplar", "record { filtered-attributes: list<key-value>, time: datetime, " +
			"value: metric-number, span-id: span-id, trace-id: trace-id }"},
		points("gauge-data-point", "value: metric-number"),
		{"gauge", "record { data-points: list<gauge-data-point>, start-time: option<datetime>, " +
			"time: datetime }"},
		points("sum-data-point", "value: metric-number"),
		{"sum", "record { data-points: list<sum-data-point>, " + exact + ", is-monotonic: bool }"},
		points("histogram-data-point", "count: u64, bounds: list<f64>, bucket-counts: list<u64>, "+
			"min: option<metric-number>, max: option<metric-number>, sum: metric-number"),
		{"histogram", "record { data-points: list<histogram-data-point>, " + exact + " }"},
		{"exponential-bucket", "record { offset: s32, counts: list<u64> }"},
		points("exponential-histogram-data-point", "count: u64, min: option<metric-number>, "+
			"max: option<metric-number>, sum: metric-number, scale: s8, zero-count: u64, "+
			"positive-bucket: exponential-bucket, negative-bucket: exponential-bucket, "+
			"zero-threshold: f64"),
		{"exponential-histogram", "record { data-points: list<exponential-histogram-data-point>, " +
			exact + " }"},
		{"metric-data", "variant { " + strings.Join(cases, ", ") + " }"},
		{"metric", "record { name: string, description: string, unit: string, data: metric-data }"},
		{"scope-metrics", "record { scope: instrumentation-scope, metrics: list<metric> }"},
		{"resource-metrics", "record { resource: resource, scope-metrics: list<scope-metrics> }"},
	} {
		i.Type(t[0], t[1])
	}
	h.define(i, "export", "func(metrics: resource-metrics) -> result<_, error>",
		func(st *wasi.State, args []value) (value, error) {
			for _, scope := range args[0].Items()[1].Items() {
				for _, metric := range scope.Items()[1].Items() {
					metricLines(metric.Items(), func(line string) { logLine(st, line) })
				}
			}
			return component.OkUnit(), nil
		})
}

const spanKinds = "client, server, producer, consumer, internal"

func spanContextOf(v value) wasi.SpanContext {
	f := v.Items()
	c := wasi.SpanContext{
		TraceID: f[0].Str(), SpanID: f[1].Str(), Sampled: f[2].Flags()&1 != 0, Remote: f[3].Bool(),
	}
	for _, entry := range f[4].Items() {
		c.State = append(c.State, [2]string{entry.Items()[0].Str(), entry.Items()[1].Str()})
	}
	return c
}

func spanContextValue(c wasi.SpanContext) value {
	var flags uint32
	if c.Sampled {
		flags = 1
	}
	var state []value
	for _, s := range c.State {
		state = append(state, component.Record(component.String(s[0]), component.String(s[1])))
	}
	return component.Record(component.String(c.TraceID), component.String(c.SpanID),
		component.Flags(flags), component.Bool(c.Remote), component.List(state...))
}

// timeOf returns a datetime. One that no clock shows is the earliest or latest that JSON can have.
func timeOf(v value) time.Time {
	const last = 253402300799 // 9999-12-31T23:59:59Z
	f := v.Items()
	return time.Unix(int64(min(f[0].U64(), last)), min(int64(f[1].U32()), 1e9-1)).UTC()
}

func attributesOf(v value) (list []wasi.Attribute) {
	for _, kv := range v.Items() {
		list = append(list, wasi.Attribute{Key: kv.Items()[0].Str(), Value: kv.Items()[1].Str()})
	}
	return list
}

func spanOf(v value) wasi.Span {
	f := v.Items()
	span := wasi.Span{
		Context: spanContextOf(f[0]), Parent: f[1].Str(),
		Kind: strings.Split(spanKinds, ", ")[f[2].Case()], Name: f[3].Str(),
		Start: timeOf(f[4]), End: timeOf(f[5]), Attributes: attributesOf(f[6]),
		Status: [...]string{"unset", "ok", "error"}[f[9].Case()],
		Scope:  f[10].Items()[0].Str(),
	}
	if span.Status == "error" {
		span.Error = f[9].Payload().Str()
	}
	if strings.Trim(span.Parent, "0") == "" {
		span.Parent = "" // how OpenTelemetry writes that there is none
	}
	for _, e := range f[7].Items() {
		span.Events = append(span.Events, wasi.SpanEvent{
			Name: e.Items()[0].Str(), Time: timeOf(e.Items()[1]),
			Attributes: attributesOf(e.Items()[2]),
		})
	}
	for _, l := range f[8].Items() {
		span.Links = append(span.Links, spanContextOf(l.Items()[0]))
	}
	return span
}

// withAttributes appends attributes to a line as key=value; a value is JSON in the first place.
func withAttributes(line string, list []wasi.Attribute) string {
	for _, a := range list {
		line += " " + a.Key + "=" + a.Value
	}
	return line
}

// spanLine returns the line that the log has for a span.
func spanLine(s wasi.Span) string {
	line := "SPAN " + s.Name + " " + s.End.Sub(s.Start).Round(time.Microsecond).String()
	if s.Status == "error" {
		line += " error=" + strconv.Quote(s.Error)
	}
	return withAttributes(line, s.Attributes)
}

// recordLine returns the line that the log has for a log-record: severity, scope or event, body.
func recordLine(f []value) string {
	text := func(v value) string {
		if v.IsSome() {
			return v.Payload().Str()
		}
		return ""
	}
	line := text(f[2])
	if line == "" && f[3].IsSome() {
		// Four numbers for each, from 1 on.
		names := [...]string{"TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"}
		if n := int(f[3].Payload().U8()); n >= 1 && n <= 4*len(names) {
			line = names[(n-1)/4]
		}
	}
	if line == "" {
		line = "LOG"
	}
	context := text(f[6])
	if context == "" && f[8].IsSome() {
		context = f[8].Payload().Items()[0].Str()
	}
	if context != "" {
		line += " " + context + ":"
	}
	body := text(f[4])
	var plain string
	if json.Unmarshal([]byte(body), &plain) == nil {
		body = plain
	}
	if body != "" {
		line += " " + body
	}
	if f[5].IsSome() {
		line = withAttributes(line, attributesOf(f[5].Payload()))
	}
	return line
}

// The kinds of metrics, in the order of the cases of metric-data.
const (
	gauge = iota
	sum
	histogram
	exponentialHistogram
	metricKinds
)

// metricLines calls line for each data point of a metric.
func metricLines(f []value, line func(string)) {
	name, unit, data := f[0].Str(), f[2].Str(), f[3]
	if unit == "1" {
		unit = "" // how OpenTelemetry writes that there is none
	}
	for _, point := range data.Payload().Items()[0].Items() {
		p := point.Items()
		text := "METRIC " + name
		optional := func(label string, v value) {
			if v.IsSome() {
				text += " " + label + "=" + number(v.Payload())
			}
		}
		switch data.Case() % metricKinds {
		case gauge, sum:
			text += " " + number(p[1])
		case histogram:
			text += " count=" + strconv.FormatUint(p[1].U64(), 10) + " sum=" + number(p[6])
			optional("min", p[4])
			optional("max", p[5])
		case exponentialHistogram:
			text += " count=" + strconv.FormatUint(p[1].U64(), 10) + " sum=" + number(p[4])
			optional("min", p[2])
			optional("max", p[3])
		}
		if unit != "" {
			text += " " + unit
		}
		line(withAttributes(text, attributesOf(p[0])))
	}
}

// number writes a metric-number.
func number(v value) string {
	switch n := v.Payload(); v.Case() {
	case 1:
		return strconv.FormatInt(n.S64(), 10)
	case 2:
		return strconv.FormatUint(n.U64(), 10)
	default:
		f := n.F64()
		if a := math.Abs(f); a >= 1e21 || a > 0 && a < 1e-6 {
			return strconv.FormatFloat(f, 'g', -1, 64)
		}
		return strconv.FormatFloat(f, 'f', -1, 64)
	}
}

// logLine writes a line to the standard error of the guest.
func logLine(st *wasi.State, line string) {
	if w := st.Config().Stderr; w != nil {
		// Output that cannot be written is lost: the functions have no error.
		_, _ = io.WriteString(w, strings.TrimSuffix(line, "\n")+"\n")
	}
}
