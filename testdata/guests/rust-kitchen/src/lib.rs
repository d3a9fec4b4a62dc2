//! A WASI 0.2 guest in which every route drives one part of a wasi:http host.
//! README.md beside the guests' folders lists the routes and what each must answer.

wit_bindgen::generate!({ path: "../wit/0.2.12", world: "kitchen", generate_all });

mod body;
mod faults;
mod fields;
mod outbound;
mod query;
mod stream;
mod system;

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::Once;

use body::Reply;
use exports::wasi::http::incoming_handler::Guest;
use query::Query;
use wasi::http::types::{IncomingRequest, Method, ResponseOutparam, Scheme};

/// Requests this instance has been given: 1 on each request means that instances are not reused.
static COUNT: AtomicU32 = AtomicU32::new(0);

struct Kitchen;

export!(Kitchen);

impl Guest for Kitchen {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        report_panics();
        let count = COUNT.fetch_add(1, Ordering::Relaxed) + 1;
        let target = request.path_with_query().unwrap_or_else(|| "/".into());
        let (path, query) = Query::split(&target);
        match path {
            "/" => Reply::text(out, "hello from rust\n"),
            "/counter" => Reply::text(out, &format!("{count}\n")),
            "/status" => Reply::start(out, query.number("code", 200) as u16, &[]).finish(),
            "/headers" => headers(request, out),

            "/echo" => stream::echo(request, out, &query),
            "/read-slow" => stream::read_slow(request, out, &query),
            "/big" => stream::big(out, &query),
            "/sse" => stream::events(out, &query),
            "/trailers" => stream::trailers(request, out),
            "/after" => stream::after(out, &query),
            "/sleep" => stream::sleep(out, &query),

            "/fetch" => outbound::fetch(request, out, &query),
            "/post" => outbound::post(request, out, &query),

            "/trap" => faults::trap(&query),
            "/abort" => std::process::abort(),
            "/spin" => faults::spin(),
            "/recurse" => faults::recurse(out, &query),
            "/grow" => faults::grow(out, &query),
            "/alloc" => faults::alloc(out, &query),
            "/none" => {}
            "/error" => faults::error(out, &query),
            "/trap-after-head" => faults::trap_after_head(out),
            "/short" => faults::sized(out, 100, 10),
            "/long" => faults::sized(out, 10, 100),
            "/drop-body" => faults::drop_body(out),
            "/misuse" => faults::misuse(request, out, &query),

            "/fields" => fields::check(request, out),

            "/random" => system::random(out, &query),
            "/clock" => system::clock(out),
            "/env" => system::env(out),
            "/args" => system::args(out),
            "/log" => system::log(out, &query),
            "/stdin" => system::stdin(out),
            "/exit" => system::exit(out, &query),
            "/fs" => system::filesystem(out),
            "/sockets" => system::sockets(out, &query),
            _ => {
                let mut reply = Reply::start(out, 404, &[("content-type", body::TEXT)]);
                reply.write(b"not found\n");
                reply.finish();
            }
        }
    }
}

/// `METHOD path`, authority and scheme, then one line for each header.
fn headers(request: IncomingRequest, out: ResponseOutparam) {
    let path = request.path_with_query().unwrap_or_default();
    let mut text = format!("{} {path}\n", method(&request.method()));
    text += &format!("authority: {}\n", request.authority().unwrap_or_else(|| "-".into()));
    text += &match request.scheme() {
        Some(Scheme::Http) => "scheme: http\n".to_string(),
        Some(Scheme::Https) => "scheme: https\n".to_string(),
        Some(Scheme::Other(other)) => format!("scheme: {other}\n"),
        None => "scheme: -\n".to_string(),
    };
    for (name, value) in request.headers().entries() {
        text += &format!("{name}: {}\n", String::from_utf8_lossy(&value));
    }
    Reply::text(out, &text);
}

fn method(method: &Method) -> &str {
    match method {
        Method::Get => "GET",
        Method::Head => "HEAD",
        Method::Post => "POST",
        Method::Put => "PUT",
        Method::Delete => "DELETE",
        Method::Connect => "CONNECT",
        Method::Options => "OPTIONS",
        Method::Trace => "TRACE",
        Method::Patch => "PATCH",
        Method::Other(other) => other,
    }
}

/// std has no stderr on this target, so the panic's message is written by hand.
fn report_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        std::panic::set_hook(Box::new(|info| system::stderr(&format!("{info}\n"))));
    });
}
