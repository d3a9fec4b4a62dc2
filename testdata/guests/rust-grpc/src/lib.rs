//! A WASI 0.2 guest that is a server and a client of gRPC, with the messages and trailers written by hand. The service
//! echo.Echo has a method for each way to call one; ../../README.md lists them.

wit_bindgen::generate!({ path: "../wit/0.2.12", world: "kitchen", generate_all });

mod message;

use exports::wasi::http::incoming_handler::Guest;
use wasi::clocks::monotonic_clock;
use wasi::http::outgoing_handler;
use wasi::http::types::{
    ErrorCode, Fields, IncomingBody, IncomingRequest, IncomingResponse, Method, OutgoingBody, OutgoingRequest,
    OutgoingResponse, ResponseOutparam, Scheme,
};
use wasi::io::poll::poll;
use wasi::io::streams::{InputStream, OutputStream, StreamError};

struct Grpc;
export!(Grpc);

const MOST: u64 = 64 << 10;

impl Guest for Grpc {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let path = request.path_with_query().unwrap_or_default();
        match path.strip_prefix("/echo.Echo/").unwrap_or(&path) {
            "Unary" | "Chat" => {
                let mut messages = Messages::of(request);
                let mut reply = Reply::start(out, &[]);
                while let Some(message) = messages.next() {
                    if !reply.send(&message) {
                        return;
                    }
                }
                reply.end(0, "")
            }
            "Collect" => {
                let mut messages = Messages::of(request);
                let mut all = Vec::new();
                while let Some(message) = messages.next() {
                    all.push(message::text_of(&message));
                }
                let mut reply = Reply::start(out, &[]);
                reply.send(&message::of_text(&all.join("+")));
                reply.end(0, "")
            }
            "Repeat" => {
                let first = Messages::of(request).next().unwrap_or_default();
                let mut reply = Reply::start(out, &[]);
                for _ in 0..3 {
                    reply.send(&first);
                }
                reply.end(0, "")
            }
            "Head" => {
                let mut text = format!("{:?} {}", request.scheme(), request.authority().unwrap_or_default());
                for name in ["te", "grpc-timeout", "x-meta", "x-forwarded-for"] {
                    text += &format!("; {name}={}", header(&request, name));
                }
                let mut reply = Reply::start(out, &[("x-meta", "of the guest")]);
                reply.send(&message::of_text(&text));
                reply.end(0, "")
            }
            "Fail" => Reply::fail(out, 5, "nothing there"),
            "Late" => {
                monotonic_clock::subscribe_duration(60_000_000_000).block();
                Reply::fail(out, 13, "nobody waits for this")
            }
            "Via" => via(request, out),
            "/ask" => ask(request, out),
            _ => Reply::fail(out, 12, "no such method"),
        }
    }
}

fn header(request: &IncomingRequest, name: &str) -> String {
    let values = request.headers().get(name);
    values.first().map(|v| String::from_utf8_lossy(v).into_owned()).unwrap_or_default()
}

/// The messages of a body. The stream is dropped before the body.
struct Messages {
    stream: InputStream,
    body: IncomingBody,
    received: Vec<u8>,
}

impl Messages {
    fn of(request: IncomingRequest) -> Messages {
        Messages::new(request.consume().expect("consumed once"))
    }

    fn new(body: IncomingBody) -> Messages {
        Messages { stream: body.stream().expect("taken once"), body, received: Vec::new() }
    }

    /// The next message; none at the end, and when the other side has gone.
    fn next(&mut self) -> Option<Vec<u8>> {
        loop {
            if let Some(message) = message::take(&mut self.received) {
                return Some(message);
            }
            self.received.extend(self.stream.blocking_read(MOST).ok()?);
        }
    }

    /// Waits for the trailers.
    fn trailers(self) -> Result<Option<Fields>, ErrorCode> {
        drop(self.stream);
        let future = IncomingBody::finish(self.body);
        future.subscribe().block();
        future.get().expect("ready").expect("taken once")
    }
}

/// A response of gRPC.
struct Reply {
    stream: OutputStream,
    body: OutgoingBody,
}

fn fields(all: &[(&str, &str)]) -> Fields {
    let fields = Fields::new();
    for (name, value) in all {
        fields.append(name, value.as_bytes()).expect("field");
    }
    fields
}

impl Reply {
    fn start(out: ResponseOutparam, more: &[(&str, &str)]) -> Reply {
        let head = fields(&[("content-type", "application/grpc")]);
        for (name, value) in more {
            head.append(name, value.as_bytes()).expect("field");
        }
        let response = OutgoingResponse::new(head);
        let body = response.body().expect("taken once");
        ResponseOutparam::set(out, Ok(response));
        Reply { stream: body.write().expect("taken once"), body }
    }

    /// A response without messages, whose head says why.
    fn fail(out: ResponseOutparam, status: u32, text: &str) {
        let reply = Reply::start(out, &[("grpc-status", &status.to_string()), ("grpc-message", text)]);
        drop(reply.stream);
        let _ = OutgoingBody::finish(reply.body, None);
    }

    /// Sends a message; false when the client has gone.
    fn send(&mut self, message: &[u8]) -> bool {
        write(&self.stream, &message::frame(message)).is_ok()
    }

    fn end(self, status: u32, text: &str) {
        self.end_with(fields(&[("grpc-status", &status.to_string()), ("grpc-message", text)]));
    }

    fn end_with(self, trailers: Fields) {
        drop(self.stream);
        let _ = OutgoingBody::finish(self.body, Some(trailers));
    }
}

fn write(stream: &OutputStream, data: &[u8]) -> Result<(), StreamError> {
    for part in data.chunks(4096) {
        stream.blocking_write_and_flush(part)?;
    }
    Ok(())
}

/// A call of a method of the server that x-target names, without its messages.
fn call(target: &str, method: &str) -> OutgoingRequest {
    let request = OutgoingRequest::new(fields(&[("content-type", "application/grpc"), ("te", "trailers")]));
    let (scheme, authority) = target.split_once("://").unwrap_or(("http", target));
    request.set_method(&Method::Post).expect("method");
    request.set_scheme(Some(&if scheme == "https" { Scheme::Https } else { Scheme::Http })).expect("scheme");
    request.set_authority(Some(authority)).expect("authority");
    request.set_path_with_query(Some(&format!("/echo.Echo/{method}"))).expect("path");
    request
}

/// Passes messages on to the method x-method of the server x-target, and its messages back, both at once.
fn via(request: IncomingRequest, out: ResponseOutparam) {
    let outgoing = call(&header(&request, "x-target"), &header(&request, "x-method"));
    let sink = outgoing.body().expect("taken once");
    let mut to = Some((sink.write().expect("taken once"), sink));
    let future = match outgoing_handler::handle(outgoing, None) {
        Ok(future) => future,
        Err(code) => return Reply::fail(out, 14, &format!("{code:?}")),
    };
    let body = request.consume().expect("consumed once");
    let mut from = Some(body.stream().expect("taken once"));
    let mut answer: Option<(Messages, Reply)> = None;
    let mut out = Some(out);
    loop {
        let theirs = match &answer {
            None => future.subscribe(),
            Some((messages, _)) => messages.stream.subscribe(),
        };
        let ours = from.as_ref().map(|stream| stream.subscribe());
        let ready = match &ours {
            None => poll(&[&theirs]),
            Some(ours) => poll(&[&theirs, ours]),
        };
        drop((theirs, ours));
        if ready.contains(&1) {
            match from.as_ref().expect("polled").read(MOST) {
                Ok(chunk) => {
                    if let Some((stream, _)) = &to {
                        let _ = write(stream, &chunk); // why it fails, the response says
                    }
                }
                Err(_) => {
                    from = None;
                    if let Some((stream, body)) = to.take() {
                        drop(stream);
                        let _ = OutgoingBody::finish(body, None);
                    }
                }
            }
        }
        if !ready.contains(&0) {
            continue;
        }
        match &mut answer {
            None => match future.get().expect("ready").expect("taken once") {
                Ok(response) => {
                    let status = status_of(&response);
                    let messages = Messages::new(response.consume().expect("consumed once"));
                    let out = out.take().expect("set once");
                    if let Some((status, text)) = status {
                        return Reply::fail(out, status, &text);
                    }
                    answer = Some((messages, Reply::start(out, &[])));
                }
                Err(code) => return Reply::fail(out.take().expect("set once"), 14, &format!("{code:?}")),
            },
            Some((messages, reply)) => match messages.stream.read(MOST) {
                Ok(chunk) => {
                    if write(&reply.stream, &chunk).is_err() {
                        return;
                    }
                }
                Err(_) => break,
            },
        }
    }
    let (messages, reply) = answer.expect("answered");
    match messages.trailers() {
        Ok(trailers) => reply.end_with(trailers.map(|t| t.clone()).unwrap_or_default()),
        Err(code) => reply.end(14, &format!("{code:?}")),
    }
}

impl Default for Fields {
    fn default() -> Fields {
        Fields::new()
    }
}

/// The status in the head of a response that has no messages.
fn status_of(response: &IncomingResponse) -> Option<(u32, String)> {
    let headers = response.headers();
    let text = |name: &str| headers.get(name).first().map(|v| String::from_utf8_lossy(v).into_owned());
    Some((text("grpc-status")?.parse().ok()?, text("grpc-message").unwrap_or_default()))
}

/// Calls Collect of the server x-target with two messages, and says in plain text what came of it.
fn ask(request: IncomingRequest, out: ResponseOutparam) {
    let text = match asked(&header(&request, "x-target")) {
        Ok(text) => text,
        Err(code) => format!("{code:?}"),
    };
    let response = OutgoingResponse::new(fields(&[("content-type", "text/plain")]));
    let body = response.body().expect("taken once");
    ResponseOutparam::set(out, Ok(response));
    let stream = body.write().expect("taken once");
    let _ = write(&stream, text.as_bytes());
    drop(stream);
    let _ = OutgoingBody::finish(body, None);
}

fn asked(target: &str) -> Result<String, ErrorCode> {
    let outgoing = call(target, "Collect");
    let body = outgoing.body().expect("taken once");
    let future = outgoing_handler::handle(outgoing, None)?;
    let stream = body.write().expect("taken once");
    for text in ["one", "two"] {
        let _ = write(&stream, &message::frame(&message::of_text(text)));
    }
    drop(stream);
    OutgoingBody::finish(body, None)?;
    future.subscribe().block();
    let response = future.get().expect("ready").expect("taken once")?;
    if let Some((status, text)) = status_of(&response) {
        return Ok(format!("status {status} {text}"));
    }
    let mut messages = Messages::new(response.consume().expect("consumed once"));
    let message = messages.next().unwrap_or_default();
    while messages.next().is_some() {}
    let status = messages.trailers()?.and_then(|t| t.get("grpc-status").first().cloned()).unwrap_or_default();
    Ok(format!("{} status {}", message::text_of(&message), String::from_utf8_lossy(&status)))
}
