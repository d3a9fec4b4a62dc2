//! Routes about bodies and time.

use crate::body::{Reply, Source, TEXT};
use crate::query::Query;
use crate::wasi::clocks::monotonic_clock;
use crate::wasi::http::types::{Fields, IncomingRequest, ResponseOutparam};
use crate::wasi::io::streams::StreamError;

const MILLISECOND: u64 = 1_000_000;

/// Blocks for so many milliseconds.
pub fn pause(ms: u64) {
    monotonic_clock::subscribe_duration(ms.saturating_mul(MILLISECOND)).block();
}

/// Sends each chunk back as it comes; `splice=1` leaves the copying to the host. The status is `code`, and a header
/// `reply-NAME` of the request becomes NAME.
pub fn echo(request: IncomingRequest, out: ResponseOutparam, query: &Query) {
    let headers = request.headers();
    let kind = headers.get("content-type").into_iter().next();
    let kind = kind.map_or("application/octet-stream".into(), |v| String::from_utf8_lossy(&v).into_owned());
    let wanted: Vec<(String, String)> = headers
        .entries()
        .into_iter()
        .filter_map(|(name, value)| Some((name.strip_prefix("reply-")?.into(), String::from_utf8_lossy(&value).into_owned())))
        .collect();
    drop(headers);
    let mut fields = vec![("content-type", kind.as_str())];
    fields.extend(wanted.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    let mut source = Source::new(request.consume().expect("consumed once"));
    let mut reply = Reply::start(out, query.number("code", 200) as u16, &fields);
    if query.flag("splice") {
        loop {
            match reply.stream().blocking_splice(source.stream(), 65536) {
                Ok(_) => {}
                Err(StreamError::Closed) => break,
                Err(error) => panic!("splice: {error:?}"),
            }
        }
    } else {
        loop {
            match source.next(65536) {
                Ok(Some(chunk)) if reply.write(&chunk) => {}
                Ok(_) => break,
                // An incomplete request must not look like a complete answer.
                Err(error) => {
                    crate::system::stderr(&format!("echo: {error:?}\n"));
                    return reply.abandon();
                }
            }
        }
    }
    drop(source);
    reply.finish();
}

/// Reads `chunk` bytes every `ms` milliseconds, then says how many there were.
pub fn read_slow(request: IncomingRequest, out: ResponseOutparam, query: &Query) {
    let (chunk, ms) = (query.number("chunk", 4096), query.number("ms", 10));
    let mut source = Source::new(request.consume().expect("consumed once"));
    let mut total = 0;
    loop {
        match source.next(chunk) {
            Ok(Some(data)) => total += data.len(),
            Ok(None) => break,
            Err(error) => {
                crate::system::stderr(&format!("read-slow: {error:?}\n"));
                break;
            }
        }
        pause(ms);
    }
    drop(source);
    Reply::text(out, &format!("read {total} bytes\n"));
}

/// `n` bytes of a repeated pattern.
pub fn big(out: ResponseOutparam, query: &Query) {
    let mut left = query.number("n", 65536) as usize;
    let block = b"0123456789abcdef".repeat(4096);
    let mut reply = Reply::start(out, 200, &[("content-type", "application/octet-stream")]);
    while left > 0 {
        let part = &block[..left.min(block.len())];
        if !reply.write(part) {
            return reply.abandon();
        }
        left -= part.len();
    }
    reply.finish();
}

/// `n` server-sent events, one every `ms` milliseconds; 0: until the client goes.
pub fn events(out: ResponseOutparam, query: &Query) {
    let (n, ms) = (query.number("n", 3), query.number("ms", 100));
    let mut reply = Reply::start(out, 200, &[("content-type", "text/event-stream"), ("cache-control", "no-store")]);
    let mut i = 0;
    while n == 0 || i < n {
        i += 1;
        if !reply.write(format!("id: {i}\ndata: event {i}\n\n").as_bytes()) {
            crate::system::stderr(&format!("sse: client gone after {i}\n"));
            return reply.abandon();
        }
        pause(ms);
    }
    reply.finish();
}

/// Reports the request's trailers and answers with trailers.
pub fn trailers(request: IncomingRequest, out: ResponseOutparam) {
    let mut source = Source::new(request.consume().expect("consumed once"));
    let mut total = 0;
    while let Ok(Some(chunk)) = source.next(65536) {
        total += chunk.len();
    }
    let got = source.trailers();
    let mut reply = Reply::start(out, 200, &[("content-type", TEXT), ("trailer", "x-body-bytes")]);
    let answer = Fields::new();
    answer.append("x-body-bytes", total.to_string().as_bytes()).unwrap();
    match got {
        Ok(None) => {
            reply.write(b"no trailers\n");
        }
        Ok(Some(fields)) => {
            for (name, value) in fields.entries() {
                let value = String::from_utf8_lossy(&value).into_owned();
                reply.write(format!("{name}: {value}\n").as_bytes());
                answer.append(&format!("echo-{name}"), value.as_bytes()).unwrap();
            }
        }
        Err(code) => {
            reply.write(format!("trailers: {code:?}\n").as_bytes());
        }
    }
    reply.finish_with(Some(answer));
}

/// Goes on working for `ms` milliseconds after the answer is complete.
pub fn after(out: ResponseOutparam, query: &Query) {
    Reply::text(out, "answered\n");
    pause(query.number("ms", 100));
    crate::system::stderr("after: done\n");
}

/// Answers after `ms` milliseconds.
pub fn sleep(out: ResponseOutparam, query: &Query) {
    let ms = query.number("ms", 100);
    pause(ms);
    Reply::text(out, &format!("slept {ms} ms\n"));
}
