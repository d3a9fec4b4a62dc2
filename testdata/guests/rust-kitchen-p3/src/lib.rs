//! A WASI 0.3 guest with a route for each thing that a host must get right. ../../README.md lists them.

wit_bindgen::generate!({ path: "../wit/0.3.0", world: "kitchen", generate_all });

use std::cell::Cell;

use exports::wasi::http::handler::Guest;
use wasi::cli::stderr;
use wasi::clocks::monotonic_clock;
use wasi::http::client;
use wasi::http::types::{ErrorCode, Fields, Method, Request, Response, Scheme, Trailers};
use wit_bindgen::{FutureReader, StreamReader, StreamResult};

struct Kitchen;
export!(Kitchen);

thread_local! {
    /// Requests that this instance has seen, and sleeps that were ended before their time.
    static SEEN: Cell<u32> = const { Cell::new(0) };
    static CANCELLED: Cell<u32> = const { Cell::new(0) };
}

const CHUNK: usize = 64 << 10;

impl Guest for Kitchen {
    async fn handle(request: Request) -> Result<Response, ErrorCode> {
        let seen = SEEN.get() + 1;
        SEEN.set(seen);
        let target = request.get_path_with_query().unwrap_or_default();
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        match path {
            "/" => text(200, "hello from rust 0.3\n".into()),
            "/counter" => text(200, format!("{seen}\n")),
            "/cancelled" => text(200, format!("{}\n", CANCELLED.get())),
            "/headers" => text(200, headers(&request)),
            "/echo" => echo(request, number(query, "splice", 0) != 0),
            "/trailers" => trailers(request),
            "/big" => big(number(query, "n", 1 << 20)),
            "/sleep" => {
                let noted = Noted(true);
                monotonic_clock::wait_for(number(query, "ms", 100) * 1_000_000).await;
                noted.done();
                text(200, "slept\n".into())
            }
            "/spin" => loop {
                std::hint::black_box(seen);
            },
            "/trap" => {
                let wait = number(query, "ms", 0);
                if wait > 0 {
                    monotonic_clock::wait_for(wait * 1_000_000).await;
                }
                panic!("the trap route was asked for")
            }
            "/after" => {
                let wait = number(query, "ms", 100);
                wit_bindgen::spawn_local(async move {
                    monotonic_clock::wait_for(wait * 1_000_000).await;
                    log("after: done\n").await;
                });
                text(200, "more to come\n".into())
            }
            "/trap-after-head" => {
                wit_bindgen::spawn_local(async move {
                    monotonic_clock::wait_for(20_000_000).await;
                    panic!("after the head")
                });
                let (mut tx, rx) = wit_stream::new::<u8>();
                wit_bindgen::spawn_local(async move {
                    tx.write_all(b"the beginning\n".to_vec()).await;
                    monotonic_clock::wait_for(10_000_000_000).await;
                });
                respond(200, Fields::new(), rx, none())
            }
            "/short" => {
                let fields = Fields::new();
                fields.append("content-length", b"100").unwrap();
                let (mut tx, rx) = wit_stream::new::<u8>();
                wit_bindgen::spawn_local(async move {
                    tx.write_all(b"less than that\n".to_vec()).await;
                });
                respond(200, fields, rx, none())
            }
            "/error" => Err(ErrorCode::ConfigurationError),
            "/fetch" => fetch(value(query, "url"), number(query, "keep", 0) != 0).await,
            "/sse" => {
                let (n, wait) = (number(query, "n", 3), number(query, "ms", 10));
                let (mut tx, rx) = wit_stream::new::<u8>();
                wit_bindgen::spawn_local(async move {
                    for i in 0.. {
                        if n > 0 && i == n {
                            break;
                        }
                        let rest = tx.write_all(format!("data: {i}\n\n").into_bytes()).await;
                        if !rest.is_empty() {
                            log("sse: the client has gone\n").await;
                            break;
                        }
                        monotonic_clock::wait_for(wait * 1_000_000).await;
                    }
                });
                respond(200, Fields::new(), rx, none())
            }
            _ => text(404, format!("nothing at {path}\n")),
        }
    }
}

/// Counts what is dropped before it is done.
struct Noted(bool);

impl Noted {
    fn done(mut self) {
        self.0 = false;
    }
}

impl Drop for Noted {
    fn drop(&mut self) {
        if self.0 {
            CANCELLED.set(CANCELLED.get() + 1);
        }
    }
}

/// No trailers.
fn none() -> FutureReader<Result<Option<Trailers>, ErrorCode>> {
    wit_future::new(|| Ok(None)).1
}

fn respond(
    status: u16,
    fields: Fields,
    body: StreamReader<u8>,
    trailers: FutureReader<Result<Option<Trailers>, ErrorCode>>,
) -> Result<Response, ErrorCode> {
    let (response, _sent) = Response::new(fields, Some(body), trailers);
    response.set_status_code(status).unwrap();
    Ok(response)
}

fn text(status: u16, body: String) -> Result<Response, ErrorCode> {
    let fields = Fields::new();
    fields.append("content-type", b"text/plain").unwrap();
    let (mut tx, rx) = wit_stream::new::<u8>();
    wit_bindgen::spawn_local(async move {
        tx.write_all(body.into_bytes()).await;
    });
    respond(status, fields, rx, none())
}

async fn log(line: &str) {
    let (mut tx, rx) = wit_stream::new::<u8>();
    let written = stderr::write_via_stream(rx);
    tx.write_all(line.as_bytes().to_vec()).await;
    drop(tx);
    let _ = written.await;
}

fn value(query: &str, name: &str) -> String {
    for pair in query.split('&') {
        if let Some((n, v)) = pair.split_once('=') {
            if n == name {
                return v.into();
            }
        }
    }
    String::new()
}

fn number(query: &str, name: &str, default: u64) -> u64 {
    value(query, name).parse().unwrap_or(default)
}

fn headers(request: &Request) -> String {
    let mut out = format!("method {:?}\n", request.get_method());
    out += &format!("scheme {:?}\n", request.get_scheme());
    out += &format!("authority {:?}\n", request.get_authority());
    out += &format!("target {:?}\n", request.get_path_with_query());
    for (name, value) in request.get_headers().copy_all() {
        out += &format!("{name}: {}\n", String::from_utf8_lossy(&value));
    }
    out
}

/// Copies chunk by chunk, or, with splice, leaves it to the host.
fn echo(request: Request, splice: bool) -> Result<Response, ErrorCode> {
    let (mut body, trailers) = Request::consume_body(request, wit_future::new(|| Ok(())).1);
    if splice {
        return respond(200, Fields::new(), body, trailers);
    }
    let (mut tx, rx) = wit_stream::new::<u8>();
    wit_bindgen::spawn_local(async move {
        let mut buffer = Vec::with_capacity(CHUNK);
        loop {
            let (result, read) = body.read(buffer).await;
            let end = matches!(result, StreamResult::Dropped);
            let rest = tx.write_all(read).await;
            if end || !rest.is_empty() {
                break;
            }
            buffer = rest;
        }
    });
    respond(200, Fields::new(), rx, trailers)
}

/// Answers with the request's trailers, each under echo-….
fn trailers(request: Request) -> Result<Response, ErrorCode> {
    let (mut body, trailers) = Request::consume_body(request, wit_future::new(|| Ok(())).1);
    let (mut tx, rx) = wit_stream::new::<u8>();
    let (sent, theirs) = wit_future::new(|| Ok(None));
    wit_bindgen::spawn_local(async move {
        let mut n = 0;
        loop {
            let (result, read) = body.read(Vec::with_capacity(CHUNK)).await;
            n += read.len();
            if matches!(result, StreamResult::Dropped) {
                break;
            }
        }
        tx.write_all(format!("{n} bytes\n").into_bytes()).await;
        drop(tx);
        let fields = Fields::new();
        fields.append("x-body-bytes", n.to_string().as_bytes()).unwrap();
        if let Ok(Some(received)) = trailers.await {
            for (name, value) in received.copy_all() {
                fields.append(&format!("echo-{name}"), &value).unwrap();
            }
        }
        let _ = sent.write(Ok(Some(fields))).await;
    });
    respond(200, Fields::new(), rx, theirs)
}

fn big(n: u64) -> Result<Response, ErrorCode> {
    let (mut tx, rx) = wit_stream::new::<u8>();
    wit_bindgen::spawn_local(async move {
        let mut left = n;
        let mut buffer = vec![b'x'; CHUNK];
        while left > 0 {
            buffer.resize(CHUNK.min(left as usize), b'x');
            let size = buffer.len() as u64;
            let rest = tx.write_all(buffer).await;
            if !rest.is_empty() {
                break;
            }
            left -= size;
            buffer = rest;
        }
    });
    respond(200, Fields::new(), rx, none())
}

/// Passes on what a server answers. The future that request.new returned is dropped at once, unless it is to be kept.
async fn fetch(url: String, keep: bool) -> Result<Response, ErrorCode> {
    let (scheme, rest) = url.split_once("://").unwrap_or(("http", &url));
    let at = rest.find('/').unwrap_or(rest.len());
    let (request, sent) = Request::new(Fields::new(), None, none(), None);
    request.set_method(&Method::Get).unwrap();
    request.set_scheme(Some(&if scheme == "https" { Scheme::Https } else { Scheme::Http })).unwrap();
    request.set_authority(Some(&rest[..at])).map_err(|()| ErrorCode::HttpRequestUriInvalid)?;
    request.set_path_with_query(Some(&rest[at..])).map_err(|()| ErrorCode::HttpRequestUriInvalid)?;
    if keep {
        wit_bindgen::spawn_local(async move {
            let _ = sent.await;
        });
    } else {
        drop(sent);
    }
    let response = match client::send(request).await {
        Ok(response) => response,
        Err(code) => return text(502, format!("{code:?}\n")),
    };
    let status = response.get_status_code();
    let (mut body, _trailers) = Response::consume_body(response, wit_future::new(|| Ok(())).1);
    let (mut tx, rx) = wit_stream::new::<u8>();
    wit_bindgen::spawn_local(async move {
        loop {
            let (result, read) = body.read(Vec::with_capacity(CHUNK)).await;
            let rest = tx.write_all(read).await;
            if matches!(result, StreamResult::Dropped) || !rest.is_empty() {
                break;
            }
        }
    });
    respond(status, Fields::new(), rx, none())
}
