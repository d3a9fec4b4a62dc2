//! The rules of header fields, asked one by one.

use crate::body::Reply;
use crate::wasi::http::types::{Fields, HeaderError, IncomingRequest, OutgoingResponse, ResponseOutparam};

/// One line for each question: what was tried, and what the host answered.
pub fn check(request: IncomingRequest, out: ResponseOutparam) {
    let mut text = String::new();
    let mut line = |what: &str, answer: String| text += &format!("{what}: {answer}\n");

    let fields = Fields::new();
    line("append valid", said(fields.append("X-One", b"1")));
    line("append second", said(fields.append("x-one", b"2")));
    line("get any case", fields.get("x-ONE").len().to_string());
    line("has", fields.has("X-ONE").to_string());
    line("bad name", said(fields.append("bad name", b"1")));
    line("empty name", said(fields.append("", b"1")));
    line("bad value", said(fields.append("x-two", b"a\r\nb")));
    line("bytes in value", said(fields.append("x-bytes", &[0x80, 0xff, b'\t'])));
    line("get bad name", fields.get("bad name").len().to_string());
    line("set", said(fields.set("x-one", &[b"3".to_vec()])));
    line("get after set", fields.get("x-one").len().to_string());
    line("set to nothing", said(fields.set("x-one", &[])));
    line("has after set to nothing", fields.has("x-one").to_string());
    line("delete absent", said(fields.delete("x-absent")));
    line("entries", fields.entries().len().to_string());
    for name in [
        "connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection",
        "transfer-encoding", "upgrade", "host", "http2-settings", "Host",
    ] {
        line(&format!("forbidden {name}"), said(fields.append(name, b"x")));
    }
    line("forbidden delete", said(fields.delete("host")));
    line("forbidden in list", from_list("host", b"x"));
    line("bad name in list", from_list("bad name", b"x"));
    line("good list", from_list("x-good", b"x"));

    let incoming = request.headers();
    line("immutable append", said(incoming.append("x-one", b"1")));
    line("immutable set", said(incoming.set("x-one", &[b"1".to_vec()])));
    line("immutable delete", said(incoming.delete("x-one")));
    let copy = incoming.clone();
    line("clone is mutable", said(copy.append("x-one", b"1")));
    line("original unchanged", (incoming.entries().len() + 1 == copy.entries().len()).to_string());

    let response = OutgoingResponse::new(fields);
    line("response headers append", said(response.headers().append("x-late", b"1")));
    line("status 200", said_plain(response.set_status_code(200)));
    line("status 99", said_plain(response.set_status_code(99)));
    line("status 1000", said_plain(response.set_status_code(1000)));
    line("body", response.body().is_ok().to_string());
    line("body again", response.body().is_ok().to_string());

    let body = request.consume();
    line("consume", body.is_ok().to_string());
    line("consume again", request.consume().is_ok().to_string());
    Reply::text(out, &text);
}

fn from_list(name: &str, value: &[u8]) -> String {
    said(Fields::from_list(&[(name.to_string(), value.to_vec())]).map(|_| ()))
}

fn said(result: Result<(), HeaderError>) -> String {
    match result {
        Ok(()) => "ok",
        Err(HeaderError::InvalidSyntax) => "invalid-syntax",
        Err(HeaderError::Forbidden) => "forbidden",
        Err(HeaderError::Immutable) => "immutable",
    }
    .to_string()
}

fn said_plain(result: Result<(), ()>) -> String {
    if result.is_ok() { "ok" } else { "refused" }.to_string()
}
