//! Routes that send requests of their own.

use crate::body::{Reply, Sink, Source, TEXT};
use crate::query::Query;
use crate::wasi::http::outgoing_handler;
use crate::wasi::http::types::{
    ErrorCode, Fields, FutureIncomingResponse, IncomingRequest, IncomingResponse, Method,
    OutgoingRequest, RequestOptions, ResponseOutparam, Scheme,
};
use crate::wasi::io::streams::StreamError;

const MILLISECOND: u64 = 1_000_000;

/// GET (or `method=`) of `url=`; the answer's body is sent back as it comes.
pub fn fetch(_request: IncomingRequest, out: ResponseOutparam, query: &Query) {
    let result = prepare(query, Method::Get).and_then(|outgoing| {
        outgoing_handler::handle(outgoing, Some(options(query))).and_then(wait)
    });
    relay(result, out, query);
}

/// POST to `url=` of this request's body, or of `n=` bytes when it is given.
pub fn post(request: IncomingRequest, out: ResponseOutparam, query: &Query) {
    let result = prepare(query, Method::Post).and_then(|outgoing| {
        let mut sink = Sink::new(outgoing.body().expect("taken once"));
        let future = outgoing_handler::handle(outgoing, Some(options(query)))?;
        let mut whole = true;
        if query.get("n").is_some() {
            let mut left = query.number("n", 0) as usize;
            let block = b"0123456789abcdef".repeat(1024);
            while left > 0 && whole {
                let part = &block[..left.min(block.len())];
                whole = sink.write(part).is_ok();
                left -= part.len();
            }
        } else {
            let mut source = Source::new(request.consume().expect("consumed once"));
            while let (Ok(Some(chunk)), true) = (source.next(65536), whole) {
                whole = sink.write(&chunk).is_ok();
            }
        }
        let trailers = query.get("trailer").map(|value| {
            let fields = Fields::new();
            fields.append("x-trailer", value.as_bytes()).expect("trailer");
            fields
        });
        // When the other side has closed early, its answer says more than our own complaint.
        match sink.finish(trailers) {
            Err(code) if whole => return Err(code),
            _ => {}
        }
        wait(future)
    });
    relay(result, out, query);
}

fn prepare(query: &Query, method: Method) -> Result<OutgoingRequest, ErrorCode> {
    let url = query.get("url").unwrap_or_default();
    let (scheme, rest) = url.split_once("://").unwrap_or(("http", &url));
    let (authority, path) = match rest.find('/') {
        Some(at) => rest.split_at(at),
        None => (rest, "/"),
    };
    let headers = Fields::new();
    headers.append("user-agent", b"rust-kitchen").expect("header");
    let outgoing = OutgoingRequest::new(headers);
    let scheme = match scheme {
        "http" => Scheme::Http,
        "https" => Scheme::Https,
        other => Scheme::Other(other.into()),
    };
    let method = match query.get("method") {
        Some(name) => Method::Other(name),
        None => method,
    };
    let refused = |()| ErrorCode::HttpRequestUriInvalid;
    outgoing.set_method(&method).map_err(|()| ErrorCode::HttpRequestMethodInvalid)?;
    outgoing.set_scheme(Some(&scheme)).map_err(refused)?;
    outgoing.set_authority(Some(authority)).map_err(refused)?;
    outgoing.set_path_with_query(Some(path)).map_err(refused)?;
    Ok(outgoing)
}

/// `connect=`, `first=` and `between=` in milliseconds.
fn options(query: &Query) -> RequestOptions {
    let options = RequestOptions::new();
    let time = |name| query.get(name).and_then(|v| v.parse::<u64>().ok()).map(|ms| ms * MILLISECOND);
    if let Some(t) = time("connect") {
        options.set_connect_timeout(Some(t)).expect("option");
    }
    if let Some(t) = time("first") {
        options.set_first_byte_timeout(Some(t)).expect("option");
    }
    if let Some(t) = time("between") {
        options.set_between_bytes_timeout(Some(t)).expect("option");
    }
    options
}

fn wait(future: FutureIncomingResponse) -> Result<IncomingResponse, ErrorCode> {
    future.subscribe().block();
    let answer = future.get().expect("ready").expect("taken once")?;
    assert!(future.get().is_some_and(|again| again.is_err()), "the answer is handed out once");
    Ok(answer)
}

fn relay(result: Result<IncomingResponse, ErrorCode>, out: ResponseOutparam, query: &Query) {
    let response = match result {
        Ok(response) => response,
        Err(code) => {
            let mut reply = Reply::start(out, 502, &[("content-type", TEXT)]);
            reply.write(format!("fetch: {code:?}\n").as_bytes());
            return reply.finish();
        }
    };
    let status = response.status().to_string();
    let kind = response.headers().get("content-type").into_iter().next().unwrap_or_else(|| TEXT.into());
    let kind = String::from_utf8_lossy(&kind).into_owned();
    let mut source = Source::new(response.consume().expect("consumed once"));
    let mut reply = Reply::start(out, 200, &[("content-type", &kind), ("x-upstream-status", &status)]);
    let ended = loop {
        let step = if query.flag("splice") {
            reply.stream().blocking_splice(source.stream(), 65536).map(|_| true)
        } else {
            match source.next(65536) {
                Ok(Some(chunk)) => Ok(reply.write(&chunk)),
                Ok(None) => Err(StreamError::Closed),
                Err(error) => Err(error),
            }
        };
        match step {
            Ok(true) => {}
            Ok(false) => break Ok(()),
            Err(StreamError::Closed) => break Ok(()),
            Err(StreamError::LastOperationFailed(error)) => {
                break Err(crate::wasi::http::types::http_error_code(&error))
            }
        }
    };
    match ended {
        Ok(()) => match source.trailers() {
            Ok(Some(trailers)) => {
                let own = Fields::from_list(&trailers.entries()).expect("trailers");
                reply.finish_with(Some(own))
            }
            _ => reply.finish(),
        },
        Err(code) => {
            crate::system::stderr(&format!("fetch: body: {code:?}\n"));
            reply.abandon()
        }
    }
}
