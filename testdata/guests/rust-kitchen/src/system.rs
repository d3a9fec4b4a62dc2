//! Routes about everything that is not HTTP.

use crate::body::{write, Reply};
use crate::query::Query;
use crate::wasi::cli;
use crate::wasi::clocks::{monotonic_clock, wall_clock};
use crate::wasi::filesystem::preopens;
use crate::wasi::filesystem::types::{self, DescriptorFlags, OpenFlags, PathFlags};
use crate::wasi::http::types::ResponseOutparam;
use crate::wasi::io::streams::StreamError;
use crate::wasi::random::{insecure, insecure_seed, random as secure};
use crate::wasi::sockets::network::{ErrorCode, IpAddressFamily, IpSocketAddress, Ipv4SocketAddress};
use crate::wasi::sockets::{instance_network, ip_name_lookup, tcp_create_socket, udp_create_socket};

/// Writes to wasi:cli/stderr; a host that has closed it loses the text.
pub fn stderr(text: &str) {
    let _ = write(&cli::stderr::get_stderr(), text.as_bytes());
}

fn stdout(text: &str) {
    let _ = write(&cli::stdout::get_stdout(), text.as_bytes());
}

/// `n` random bytes in hexadecimal; `from=` is insecure or seed.
pub fn random(out: ResponseOutparam, query: &Query) {
    let n = query.number("n", 16);
    let bytes = match query.get("from").as_deref() {
        Some("insecure") => insecure::get_insecure_random_bytes(n),
        Some("seed") => {
            let (a, b) = insecure_seed::insecure_seed();
            [a.to_le_bytes(), b.to_le_bytes()].concat()
        }
        _ => secure::get_random_bytes(n),
    };
    let hex: String = bytes.iter().map(|b| format!("{b:02x}")).collect();
    Reply::text(out, &format!("{hex}\n"));
}

/// Both clocks and their resolutions.
pub fn clock(out: ResponseOutparam) {
    let (wall, wall_step) = (wall_clock::now(), wall_clock::resolution());
    let (before, after) = (monotonic_clock::now(), monotonic_clock::now());
    Reply::text(
        out,
        &format!(
            "wall {}.{:09}\nwall resolution {}.{:09}\nmonotonic {before}\nmonotonic resolution {}\nforward {}\n",
            wall.seconds, wall.nanoseconds, wall_step.seconds, wall_step.nanoseconds,
            monotonic_clock::resolution(), after >= before,
        ),
    );
}

/// The environment, a line each.
pub fn env(out: ResponseOutparam) {
    let lines: String = cli::environment::get_environment().iter().map(|(k, v)| format!("{k}={v}\n")).collect();
    Reply::text(out, &lines);
}

/// The arguments, a line each.
pub fn args(out: ResponseOutparam) {
    let lines: String = cli::environment::get_arguments().iter().map(|a| format!("{a}\n")).collect();
    Reply::text(out, &lines);
}

/// `n` lines to each of stdout and stderr; `partial=1` ends them with one without a newline.
pub fn log(out: ResponseOutparam, query: &Query) {
    for i in 1..=query.number("n", 1) {
        stdout(&format!("line {i} on stdout from rust\n"));
        stderr(&format!("line {i} on stderr from rust\n"));
    }
    if query.flag("partial") {
        stdout("unended on stdout");
        stderr("unended on stderr");
    }
    Reply::text(out, "logged\n");
}

/// Reads stdin to its end.
pub fn stdin(out: ResponseOutparam) {
    let stream = cli::stdin::get_stdin();
    let mut total = 0;
    let end = loop {
        match stream.blocking_read(4096) {
            Ok(data) => total += data.len(),
            Err(StreamError::Closed) => break "closed",
            Err(StreamError::LastOperationFailed(_)) => break "failed",
        }
    };
    let terminals = [
        cli::terminal_stdin::get_terminal_stdin().is_some(),
        cli::terminal_stdout::get_terminal_stdout().is_some(),
        cli::terminal_stderr::get_terminal_stderr().is_some(),
    ];
    Reply::text(out, &format!("stdin {total} bytes, then {end}\nterminals {terminals:?}\n"));
}

/// Ends the program without an answer; with `head=1` after a whole one.
pub fn exit(out: ResponseOutparam, query: &Query) {
    if query.flag("head") {
        Reply::text(out, "leaving\n");
    }
    match query.number("code", 0) {
        0 => cli::exit::exit(Ok(())),
        1 => cli::exit::exit(Err(())),
        code => cli::exit::exit_with_code(code as u8),
    }
}

/// What the preopened directories allow; the interface's error-codes otherwise.
pub fn filesystem(out: ResponseOutparam) {
    let directories = preopens::get_directories();
    let mut text = format!("preopens {}\n", directories.len());
    let mut line = |name: &str, what: &str, code: Option<types::ErrorCode>| {
        text += &format!("{name}: {what}: {}\n", code.map_or("ok", |code| code.name()));
    };
    for (directory, name) in directories {
        line(&name, "get-flags", directory.get_flags().err());
        line(&name, "stat", directory.stat().err());
        let absent = directory.open_at(PathFlags::empty(), "absent", OpenFlags::empty(), DescriptorFlags::READ);
        line(&name, "open absent", absent.err());
        let above = directory.open_at(PathFlags::empty(), "../x", OpenFlags::empty(), DescriptorFlags::READ);
        line(&name, "open ../x", above.err());
        line(&name, "read-directory", directory.read_directory().err());
    }
    Reply::text(out, &text);
}

/// Which socket calls a host without network permissions refuses, and how.
pub fn sockets(out: ResponseOutparam, query: &Query) {
    let network = instance_network::instance_network();
    let loopback = IpSocketAddress::Ipv4(Ipv4SocketAddress { port: 0, address: (127, 0, 0, 1) });
    let mut text = String::new();
    let mut line = |what: &str, code: Option<ErrorCode>| {
        text += &format!("{what}: {}\n", code.map_or("ok", |code| code.name()));
    };
    match tcp_create_socket::create_tcp_socket(IpAddressFamily::Ipv4) {
        Err(code) => line("tcp create", Some(code)),
        Ok(socket) => {
            line("tcp create", None);
            line("tcp local address, unbound", socket.local_address().err());
            line("tcp finish-bind, not started", socket.finish_bind().err());
            line("tcp bind", socket.start_bind(&network, loopback).err());
        }
    }
    match udp_create_socket::create_udp_socket(IpAddressFamily::Ipv6) {
        Err(code) => line("udp create", Some(code)),
        Ok(socket) => {
            line("udp create", None);
            line("udp bind to the other family", socket.start_bind(&network, loopback).err());
        }
    }
    let name = query.get("name").unwrap_or_else(|| "127.0.0.1".into());
    match ip_name_lookup::resolve_addresses(&network, &name) {
        Err(code) => line("lookup", Some(code)),
        Ok(addresses) => {
            addresses.subscribe().block();
            line("lookup", addresses.resolve_next_address().err());
        }
    }
    Reply::text(out, &text);
}
