//! Each function of wasi:otel, by the path of a request: / shows the outer span, /work reports two
//! spans, one in the other, /log log records, /metrics a metric of each kind. /wait?ms= of 0.3 has
//! a span around a wait.

#[cfg(not(feature = "p3"))]
wit_bindgen::generate!({
    inline: "package guests:otel;
        world guest {
            include wasi:otel/imports@0.2.0-rc.2;
            export wasi:http/incoming-handler@0.2.12;
        }",
    path: ["../wit/0.2.12", "../wit/otel"], world: "guests:otel/guest", generate_all
});
#[cfg(feature = "p3")]
wit_bindgen::generate!({
    inline: "package guests:otel;
        world guest {
            include wasi:otel/imports@0.2.0-rc.2;
            import wasi:clocks/monotonic-clock@0.3.0;
            export wasi:http/handler@0.3.0;
        }",
    path: ["../wit/0.3.0", "../wit/0.2.12", "../wit/otel"], world: "guests:otel/guest",
    generate_all
});

#[cfg(not(feature = "p3"))]
mod p2;
#[cfg(feature = "p3")]
mod p3;

#[cfg(not(feature = "p3"))]
use wasi::clocks::wall_clock::Datetime;
#[cfg(feature = "p3")]
use wasi::clocks0_2_12::wall_clock::Datetime;
use wasi::otel::{logs, metrics, tracing, types};

fn at(seconds: u64, nanoseconds: u32) -> Datetime {
    Datetime { seconds, nanoseconds }
}

fn attribute(key: &str, value: &str) -> types::KeyValue {
    types::KeyValue { key: key.into(), value: value.into() }
}

fn scope() -> types::InstrumentationScope {
    types::InstrumentationScope {
        name: "kitchen".into(), version: None, schema_url: None, attributes: vec![],
    }
}

fn show(c: &tracing::SpanContext) -> String {
    let state: Vec<_> = c.trace_state.iter().map(|(k, v)| format!("{k}={v}")).collect();
    let sampled = c.trace_flags.contains(tracing::TraceFlags::SAMPLED);
    format!("{} {} sampled={sampled} remote={} {}", c.trace_id, c.span_id, c.is_remote, state.join(","))
}

/// A span of the same trace.
fn child(of: &tracing::SpanContext, id: &str) -> tracing::SpanContext {
    tracing::SpanContext { span_id: id.into(), is_remote: false, ..of.clone() }
}

/// The span context has fields, not the span.
fn ended(context: tracing::SpanContext, parent: &str, name: &str, from: u32, to: u32) -> tracing::SpanData {
    tracing::SpanData {
        span_context: context, parent_span_id: parent.into(), span_kind: tracing::SpanKind::Internal,
        name: name.into(), start_time: at(1_000_000, from), end_time: at(1_000_000, to),
        attributes: vec![], events: vec![], links: vec![], status: tracing::Status::Unset,
        instrumentation_scope: scope(), dropped_attributes: 0, dropped_events: 0, dropped_links: 0,
    }
}

fn work() -> String {
    let outer = tracing::outer_span_context();
    let order = child(&outer, "00000000000000a1");
    let query = child(&outer, "00000000000000a2");
    tracing::on_start(&order);
    tracing::on_start(&query);
    let mut span = ended(query.clone(), &order.span_id, "query", 2_000_000, 5_250_000);
    span.span_kind = tracing::SpanKind::Client;
    span.attributes = vec![attribute("db.system", "\"postgres\""), attribute("rows", "3")];
    span.events = vec![tracing::Event {
        name: "retried".into(), time: at(1_000_000, 3_000_000), attributes: vec![attribute("n", "1")],
    }];
    span.links = vec![tracing::Link { span_context: outer.clone(), attributes: vec![] }];
    span.status = tracing::Status::Error("no connection".into());
    tracing::on_end(&span);
    let mut span = ended(order, &outer.span_id, "order", 0, 1_000_000_000 - 1);
    span.status = tracing::Status::Ok;
    tracing::on_end(&span);
    show(&outer)
}

fn log() -> String {
    let record = |severity_text: Option<&str>, severity_number, body: &str, event: Option<&str>| {
        logs::LogRecord {
            timestamp: Some(at(1_000_000, 0)), observed_timestamp: None,
            severity_text: severity_text.map(Into::into), severity_number,
            body: Some(body.into()), attributes: Some(vec![attribute("user", "7")]),
            event_name: event.map(Into::into),
            resource: Some(types::Resource { attributes: vec![], schema_url: None }),
            instrumentation_scope: Some(scope()), trace_id: None, span_id: None,
            trace_flags: Some(tracing::TraceFlags::SAMPLED),
        }
    };
    logs::on_emit(&record(Some("INFO"), Some(9), "\"all is well\"", None));
    logs::on_emit(&record(None, Some(18), "{\"code\":5}", Some("paid")));
    logs::on_emit(&logs::LogRecord {
        timestamp: None, severity_text: None, severity_number: None, body: None, attributes: None,
        instrumentation_scope: None, resource: None, ..record(None, None, "", None)
    });
    "logged".into()
}

fn metrics() -> String {
    use metrics::*;
    let (start_time, time) = (at(1, 0), at(2, 0));
    let (attributes, exemplars) = (vec![attribute("route", "\"/\"")], vec![]);
    let number = MetricNumber::U64;
    let sum = Sum {
        data_points: vec![SumDataPoint {
            attributes: attributes.clone(), value: number(5),
            exemplars: vec![Exemplar {
                filtered_attributes: vec![], time, value: number(1), span_id: String::new(),
                trace_id: String::new(),
            }],
        }],
        start_time, time, temporality: Temporality::Cumulative, is_monotonic: true,
    };
    let gauge = Gauge {
        data_points: vec![GaugeDataPoint {
            attributes: vec![], value: MetricNumber::F64(0.25), exemplars: vec![],
        }],
        start_time: None, time,
    };
    let histogram = Histogram {
        data_points: vec![HistogramDataPoint {
            attributes: attributes.clone(), count: 3, bounds: vec![10.0], bucket_counts: vec![1, 2],
            min: Some(MetricNumber::S64(-1)), max: Some(MetricNumber::S64(40)),
            sum: MetricNumber::S64(60), exemplars: exemplars.clone(),
        }],
        start_time, time, temporality: Temporality::Delta,
    };
    let bucket = || ExponentialBucket { offset: 0, counts: vec![2] };
    let exponential = ExponentialHistogram {
        data_points: vec![ExponentialHistogramDataPoint {
            attributes, count: 2, min: None, max: Some(MetricNumber::F64(1.5)),
            sum: MetricNumber::F64(2.0), scale: 1, zero_count: 0, positive_bucket: bucket(),
            negative_bucket: bucket(), zero_threshold: 0.0, exemplars,
        }],
        start_time, time, temporality: Temporality::LowMemory,
    };
    let metric = |name: &str, unit: &str, data| Metric {
        name: name.into(), description: String::new(), unit: unit.into(), data,
    };
    let all = ResourceMetrics {
        resource: types::Resource { attributes: vec![], schema_url: None },
        scope_metrics: vec![ScopeMetrics {
            scope: scope(),
            metrics: vec![
                metric("requests", "{request}", MetricData::U64Sum(sum)),
                metric("load", "1", MetricData::F64Gauge(gauge)),
                metric("size", "By", MetricData::S64Histogram(histogram)),
                metric("latency", "s", MetricData::F64ExponentialHistogram(exponential)),
            ],
        }],
    };
    format!("{:?}", export(&all))
}

/// Responds to a path, unless only 0.3 has it.
fn respond(path: &str) -> String {
    match path {
        "/" => {
            let outer = tracing::outer_span_context();
            assert_eq!(show(&outer), show(&tracing::outer_span_context()));
            show(&outer)
        }
        "/work" => work(),
        "/log" => log(),
        "/metrics" => metrics(),
        _ => "no such path".into(),
    }
}
