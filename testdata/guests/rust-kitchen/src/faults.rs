//! Routes that fail, each in its own way.

use core::arch::wasm32;
use std::hint::black_box;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::body::{Reply, TEXT};
use crate::query::Query;
use crate::wasi::http::types::{
    DnsErrorPayload, ErrorCode, FieldSizePayload, IncomingRequest, ResponseOutparam,
    TlsAlertReceivedPayload,
};
use crate::wasi::io::poll;

const MIB: usize = 1 << 20;

/// Never set: what the endless routes ask, so that the compiler keeps them endless.
static STOP: AtomicBool = AtomicBool::new(false);

/// `kind=`: panic (the default), unreachable, divide, bounds, indirect.
pub fn trap(query: &Query) {
    outer(&query.get("kind").unwrap_or_default());
}

#[inline(never)]
fn outer(kind: &str) {
    inner(black_box(kind));
}

#[inline(never)]
fn inner(kind: &str) {
    match kind {
        "unreachable" => wasm32::unreachable(),
        "divide" => {
            let zero = black_box(0u32);
            // The promise is false: it makes the compiler leave out its own check.
            unsafe { core::hint::assert_unchecked(zero != 0) };
            black_box(black_box(1) / zero);
        }
        "bounds" => {
            black_box(unsafe { core::ptr::read_volatile(0xffff_fff0 as *const u8) });
        }
        "indirect" => {
            let wild: extern "C" fn() = unsafe { core::mem::transmute(black_box(0x7fff_0000usize)) };
            wild();
        }
        _ => panic!("this guest was asked to trap"),
    }
}

/// A loop without calls.
pub fn spin() {
    while !STOP.load(Ordering::Relaxed) {}
}

/// Recursion until the call stack ends, or the linear one with `stack=1`; `depth=` limits it.
pub fn recurse(out: ResponseOutparam, query: &Query) {
    let depth = query.number("depth", u64::MAX);
    let reached = if query.flag("stack") { fill(depth) } else { down(depth) };
    Reply::text(out, &format!("came back with {reached}\n"));
}

#[inline(never)]
fn down(left: u64) -> u64 {
    if left == 0 || STOP.load(Ordering::Relaxed) {
        return 1;
    }
    // Not a tail call, nor one that an accumulator could turn into a loop.
    down(left - 1).rotate_left(3) ^ left
}

#[inline(never)]
fn fill(left: u64) -> u64 {
    let frame = black_box([left; 32]);
    if left == 0 || STOP.load(Ordering::Relaxed) {
        return 1;
    }
    fill(left - 1).rotate_left(3) ^ frame[7]
}

/// Grows the memory one MiB at a time, `mib` times or until refused.
pub fn grow(out: ResponseOutparam, query: &Query) {
    let want = query.number("mib", 4096);
    let mut got = 0;
    while got < want && wasm32::memory_grow::<0>(16) != usize::MAX {
        got += 1;
    }
    let refused = if got < want { ", then refused" } else { "" };
    Reply::text(out, &format!("grew {got} MiB{refused}\n"));
}

/// Allocates and touches `mib` MiB; out of memory, it aborts as Rust programs do.
pub fn alloc(out: ResponseOutparam, query: &Query) {
    let want = query.number("mib", 16) as usize;
    let mut blocks = Vec::new();
    for i in 0..want {
        blocks.push(black_box(vec![i as u8 | 1; MIB]));
    }
    let sum: usize = blocks.iter().map(|b| b[MIB / 2] as usize & 1).sum();
    Reply::text(out, &format!("allocated {sum} MiB\n"));
}

/// Answers with the error-code named `code`, as the interface spells it.
pub fn error(out: ResponseOutparam, query: &Query) {
    let name = query.get("code").unwrap_or_else(|| "internal-error".into());
    match code(&name) {
        Some(code) => ResponseOutparam::set(out, Err(code)),
        None => {
            let mut reply = Reply::start(out, 400, &[("content-type", TEXT)]);
            reply.write(format!("no error-code {name}\n").as_bytes());
            reply.finish();
        }
    }
}

fn code(name: &str) -> Option<ErrorCode> {
    let size = || FieldSizePayload { field_name: Some("x-big".into()), field_size: Some(70_000) };
    Some(match name {
        "DNS-timeout" => ErrorCode::DnsTimeout,
        "DNS-error" => ErrorCode::DnsError(DnsErrorPayload { rcode: Some("NXDOMAIN".into()), info_code: Some(7) }),
        "destination-not-found" => ErrorCode::DestinationNotFound,
        "destination-unavailable" => ErrorCode::DestinationUnavailable,
        "destination-IP-prohibited" => ErrorCode::DestinationIpProhibited,
        "destination-IP-unroutable" => ErrorCode::DestinationIpUnroutable,
        "connection-refused" => ErrorCode::ConnectionRefused,
        "connection-terminated" => ErrorCode::ConnectionTerminated,
        "connection-timeout" => ErrorCode::ConnectionTimeout,
        "connection-read-timeout" => ErrorCode::ConnectionReadTimeout,
        "connection-write-timeout" => ErrorCode::ConnectionWriteTimeout,
        "connection-limit-reached" => ErrorCode::ConnectionLimitReached,
        "TLS-protocol-error" => ErrorCode::TlsProtocolError,
        "TLS-certificate-error" => ErrorCode::TlsCertificateError,
        "TLS-alert-received" => ErrorCode::TlsAlertReceived(TlsAlertReceivedPayload {
            alert_id: Some(40),
            alert_message: Some("handshake failure".into()),
        }),
        "HTTP-request-denied" => ErrorCode::HttpRequestDenied,
        "HTTP-request-length-required" => ErrorCode::HttpRequestLengthRequired,
        "HTTP-request-body-size" => ErrorCode::HttpRequestBodySize(Some(1 << 40)),
        "HTTP-request-method-invalid" => ErrorCode::HttpRequestMethodInvalid,
        "HTTP-request-URI-invalid" => ErrorCode::HttpRequestUriInvalid,
        "HTTP-request-URI-too-long" => ErrorCode::HttpRequestUriTooLong,
        "HTTP-request-header-section-size" => ErrorCode::HttpRequestHeaderSectionSize(Some(70_000)),
        "HTTP-request-header-size" => ErrorCode::HttpRequestHeaderSize(Some(size())),
        "HTTP-request-trailer-section-size" => ErrorCode::HttpRequestTrailerSectionSize(None),
        "HTTP-request-trailer-size" => ErrorCode::HttpRequestTrailerSize(size()),
        "HTTP-response-incomplete" => ErrorCode::HttpResponseIncomplete,
        "HTTP-response-header-section-size" => ErrorCode::HttpResponseHeaderSectionSize(Some(70_000)),
        "HTTP-response-header-size" => ErrorCode::HttpResponseHeaderSize(size()),
        "HTTP-response-body-size" => ErrorCode::HttpResponseBodySize(Some(123)),
        "HTTP-response-trailer-section-size" => ErrorCode::HttpResponseTrailerSectionSize(None),
        "HTTP-response-trailer-size" => ErrorCode::HttpResponseTrailerSize(size()),
        "HTTP-response-transfer-coding" => ErrorCode::HttpResponseTransferCoding(Some("zip".into())),
        "HTTP-response-content-coding" => ErrorCode::HttpResponseContentCoding(None),
        "HTTP-response-timeout" => ErrorCode::HttpResponseTimeout,
        "HTTP-upgrade-failed" => ErrorCode::HttpUpgradeFailed,
        "HTTP-protocol-error" => ErrorCode::HttpProtocolError,
        "loop-detected" => ErrorCode::LoopDetected,
        "configuration-error" => ErrorCode::ConfigurationError,
        "internal-error" => ErrorCode::InternalError(Some("the kitchen is closed".into())),
        _ => return None,
    })
}

/// Traps when the head and a part of the body are out.
pub fn trap_after_head(out: ResponseOutparam) {
    let mut reply = Reply::start(out, 200, &[("content-type", TEXT)]);
    reply.write(b"the first part\n");
    crate::stream::pause(20);
    panic!("this guest was asked to trap after the head");
}

/// Declares one length and writes another.
pub fn sized(out: ResponseOutparam, declared: usize, written: usize) {
    let length = declared.to_string();
    let mut reply = Reply::start(out, 200, &[("content-type", TEXT), ("content-length", &length)]);
    let accepted = reply.write(&vec![b'x'; written]);
    crate::system::stderr(&format!("declared {declared}, wrote {written}, accepted {accepted}\n"));
    reply.finish();
}

/// Never says that the body is complete.
pub fn drop_body(out: ResponseOutparam) {
    let mut reply = Reply::start(out, 200, &[("content-type", TEXT)]);
    reply.write(b"the first part\n");
    reply.abandon();
}

/// `what=`: breaks a rule of the interfaces for which a host may trap.
pub fn misuse(request: IncomingRequest, out: ResponseOutparam, query: &Query) {
    match query.get("what").unwrap_or_default().as_str() {
        "poll-nothing" => {
            poll::poll(&[]);
        }
        "write-unpermitted" => {
            let reply = Reply::start(out, 200, &[]);
            let _ = reply.stream().write(b"without having asked");
        }
        "write-too-much" => {
            let reply = Reply::start(out, 200, &[]);
            let _ = reply.stream().blocking_write_and_flush(&[b'x'; 4097]);
        }
        "drop-parent" => {
            let body = request.consume().expect("consumed once");
            let stream = body.stream().expect("taken once");
            drop(body);
            drop(stream);
        }
        "poll-twice" => {
            let timer = crate::wasi::clocks::monotonic_clock::subscribe_duration(1_000_000);
            let ready = poll::poll(&[&timer, &timer]);
            Reply::text(out, &format!("ready {ready:?}\n"));
        }
        _ => Reply::text(out, "poll-nothing write-unpermitted write-too-much drop-parent poll-twice\n"),
    }
}
