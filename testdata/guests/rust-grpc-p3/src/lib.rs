//! A WASI 0.3 guest that is a server and a client of gRPC, as rust-grpc is one of 0.2. ../../README.md lists its methods.

wit_bindgen::generate!({ path: "../wit/0.3.0", world: "kitchen", generate_all });

mod message;

use exports::wasi::http::handler::Guest;
use wasi::clocks::monotonic_clock;
use wasi::http::client;
use wasi::http::types::{ErrorCode, Fields, Method, Request, Response, Scheme, Trailers};
use wit_bindgen::{FutureReader, FutureWriter, StreamReader, StreamResult, StreamWriter};

struct Grpc;
export!(Grpc);

const MOST: usize = 64 << 10;

type End = Result<Option<Trailers>, ErrorCode>;

impl Guest for Grpc {
    async fn handle(request: Request) -> Result<Response, ErrorCode> {
        let path = request.get_path_with_query().unwrap_or_default();
        match path.strip_prefix("/echo.Echo/").unwrap_or(&path) {
            "Unary" | "Chat" => {
                let mut messages = Messages::of(request);
                let (response, mut reply) = start(&[]);
                wit_bindgen::spawn_local(async move {
                    while let Some(message) = messages.next().await {
                        if !reply.send(&message).await {
                            break;
                        }
                    }
                    reply.end(0, "").await
                });
                Ok(response)
            }
            "Collect" => {
                let mut messages = Messages::of(request);
                let mut all = Vec::new();
                while let Some(message) = messages.next().await {
                    all.push(message::text_of(&message));
                }
                Ok(whole(&[], vec![message::of_text(&all.join("+"))]))
            }
            "Repeat" => {
                let first = Messages::of(request).next().await.unwrap_or_default();
                Ok(whole(&[], vec![first.clone(), first.clone(), first]))
            }
            "Head" => {
                let mut text = format!("{:?} {}", request.get_scheme(), request.get_authority().unwrap_or_default());
                for name in ["te", "grpc-timeout", "x-meta", "x-forwarded-for"] {
                    text += &format!("; {name}={}", header(&request, name));
                }
                Ok(whole(&[("x-meta", "of the guest")], vec![message::of_text(&text)]))
            }
            "Fail" => Ok(fail(5, "nothing there")),
            "Late" => {
                monotonic_clock::wait_for(60_000_000_000).await;
                Ok(fail(13, "nobody waits for this"))
            }
            "Via" => {
                let (target, method) = (header(&request, "x-target"), header(&request, "x-method"));
                let (body, trailers) = Request::consume_body(request, wit_future::new(|| Ok(())).1);
                match client::send(call(&target, &method, body, trailers)).await {
                    Err(code) => Ok(fail(14, &format!("{code:?}"))),
                    Ok(response) => {
                        let head = response.get_headers().clone();
                        let (body, trailers) = Response::consume_body(response, wit_future::new(|| Ok(())).1);
                        Ok(Response::new(head, Some(body), trailers).0)
                    }
                }
            }
            "/ask" => {
                let text = match ask(&header(&request, "x-target")).await {
                    Ok(text) => text,
                    Err(code) => format!("{code:?}"),
                };
                let (mut tx, rx) = wit_stream::new::<u8>();
                wit_bindgen::spawn_local(async move {
                    tx.write_all(text.into_bytes()).await;
                });
                Ok(Response::new(fields(&[("content-type", "text/plain")]), Some(rx), wit_future::new(|| Ok(None)).1).0)
            }
            _ => Ok(fail(12, "no such method")),
        }
    }
}

fn header(request: &Request, name: &str) -> String {
    let values = request.get_headers().get(name);
    values.first().map(|v| String::from_utf8_lossy(v).into_owned()).unwrap_or_default()
}

fn fields(all: &[(&str, &str)]) -> Fields {
    let fields = Fields::new();
    for (name, value) in all {
        fields.append(name, value.as_bytes()).expect("field");
    }
    fields
}

/// The messages of a body.
struct Messages {
    body: StreamReader<u8>,
    trailers: FutureReader<End>,
    received: Vec<u8>,
    ended: bool,
}

impl Messages {
    fn of(request: Request) -> Messages {
        Messages::new(Request::consume_body(request, wit_future::new(|| Ok(())).1))
    }

    fn new((body, trailers): (StreamReader<u8>, FutureReader<End>)) -> Messages {
        Messages { body, trailers, received: Vec::new(), ended: false }
    }

    /// The next message; none at the end, and when the other side has gone.
    async fn next(&mut self) -> Option<Vec<u8>> {
        loop {
            if let Some(message) = message::take(&mut self.received) {
                return Some(message);
            }
            if self.ended {
                return None;
            }
            let (result, read) = self.body.read(Vec::with_capacity(MOST)).await;
            self.received.extend(read);
            self.ended = matches!(result, StreamResult::Dropped);
        }
    }

    async fn trailers(self) -> End {
        drop(self.body);
        self.trailers.await
    }
}

/// The rest of a response whose head is out.
struct Reply {
    body: StreamWriter<u8>,
    trailers: FutureWriter<End>,
}

fn start(more: &[(&str, &str)]) -> (Response, Reply) {
    let head = fields(&[("content-type", "application/grpc")]);
    for (name, value) in more {
        head.append(name, value.as_bytes()).expect("field");
    }
    let (body, rx) = wit_stream::new::<u8>();
    let (trailers, theirs) = wit_future::new(|| Ok(None));
    (Response::new(head, Some(rx), theirs).0, Reply { body, trailers })
}

/// A response without messages, whose head says why.
fn fail(status: u32, text: &str) -> Response {
    let head = fields(&[
        ("content-type", "application/grpc"),
        ("grpc-status", &status.to_string()),
        ("grpc-message", text),
    ]);
    Response::new(head, None, wit_future::new(|| Ok(None)).1).0
}

fn whole(more: &[(&str, &str)], messages: Vec<Vec<u8>>) -> Response {
    let (response, mut reply) = start(more);
    wit_bindgen::spawn_local(async move {
        for message in messages {
            reply.send(&message).await;
        }
        reply.end(0, "").await
    });
    response
}

impl Reply {
    /// Sends a message; false when the client has gone.
    async fn send(&mut self, message: &[u8]) -> bool {
        self.body.write_all(message::frame(message)).await.is_empty()
    }

    async fn end(self, status: u32, text: &str) {
        drop(self.body);
        let trailers = fields(&[("grpc-status", &status.to_string()), ("grpc-message", text)]);
        let _ = self.trailers.write(Ok(Some(trailers))).await;
    }
}

/// A call of a method of the server that x-target names.
fn call(target: &str, method: &str, body: StreamReader<u8>, trailers: FutureReader<End>) -> Request {
    let head = fields(&[("content-type", "application/grpc"), ("te", "trailers")]);
    let (request, sent) = Request::new(head, Some(body), trailers, None);
    drop(sent);
    let (scheme, authority) = target.split_once("://").unwrap_or(("http", target));
    request.set_method(&Method::Post).expect("method");
    request.set_scheme(Some(&if scheme == "https" { Scheme::Https } else { Scheme::Http })).expect("scheme");
    request.set_authority(Some(authority)).expect("authority");
    request.set_path_with_query(Some(&format!("/echo.Echo/{method}"))).expect("path");
    request
}

/// Calls Collect of a server with two messages, and says what came of it.
async fn ask(target: &str) -> Result<String, ErrorCode> {
    let (mut tx, rx) = wit_stream::new::<u8>();
    let (end, trailers) = wit_future::new(|| Ok(None));
    wit_bindgen::spawn_local(async move {
        for text in ["one", "two"] {
            tx.write_all(message::frame(&message::of_text(text))).await;
        }
        drop(tx);
        let _ = end.write(Ok(None)).await;
    });
    let response = client::send(call(target, "Collect", rx, trailers)).await?;
    let first = |fields: &Fields, name: &str| {
        fields.get(name).first().map(|v| String::from_utf8_lossy(v).into_owned()).unwrap_or_default()
    };
    let head = response.get_headers();
    if head.has("grpc-status") {
        return Ok(format!("status {} {}", first(&head, "grpc-status"), first(&head, "grpc-message")));
    }
    drop(head);
    let mut messages = Messages::new(Response::consume_body(response, wit_future::new(|| Ok(())).1));
    let message = messages.next().await.unwrap_or_default();
    while messages.next().await.is_some() {}
    let status = messages.trailers().await?.map(|t| first(&t, "grpc-status")).unwrap_or_default();
    Ok(format!("{} status {status}", message::text_of(&message)))
}
