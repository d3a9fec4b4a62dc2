//! A program for WASI 0.2 that calls each function of wasi:cli, wasi:clocks, wasi:random and wasi:io that
//! needs no file and no socket, and prints what comes. The argument names the function.

wit_bindgen::generate!({
    inline: "
        package guests:process;
        world process {
            include wasi:cli/imports@0.2.12;
            export wasi:cli/run@0.2.12;
        }
    ",
    path: "../wit/0.2.12",
    world: "guests:process/process",
    features: ["cli-exit-with-code"],
    generate_all,
});

use std::fmt::Debug;

use exports::wasi::cli::run::Guest;
use wasi::cli::*;
use wasi::clocks::{monotonic_clock, wall_clock};
use wasi::io::poll;
use wasi::io::streams::StreamError;
use wasi::random::{insecure, insecure_seed, random};

struct Process;

export!(Process);

impl Guest for Process {
    fn run() -> Result<(), ()> {
        let args = environment::get_arguments();
        function(args.get(1).map(String::as_str).unwrap_or_default(), args.get(2))
    }
}

fn say(name: &str, value: impl Debug) {
    let out = stdout::get_stdout();
    out.blocking_write_and_flush(format!("{name}: {value:?}\n").as_bytes()).unwrap();
}

/// What a call of a stream gave; bytes as text.
fn stream<T>(name: &str, r: Result<T, StreamError>, show: impl Fn(&T) -> String) {
    match r {
        Ok(v) => say(name, show(&v)),
        Err(StreamError::Closed) => say(name, "closed"),
        Err(StreamError::LastOperationFailed(_)) => say(name, "failed"),
    }
}

fn text(bytes: &Vec<u8>) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn done(_: &()) -> String {
    "done".into()
}

/// Reads to the end.
fn rest(input: &stdin::InputStream) -> String {
    let mut all = Vec::new();
    while let Ok(mut bytes) = input.blocking_read(100) {
        all.append(&mut bytes);
    }
    text(&all)
}

fn function(name: &str, value: Option<&String>) -> Result<(), ()> {
    match name {
        "get-environment" => {
            say("environment", environment::get_environment());
            say("again", environment::get_environment().len());
        }
        "get-arguments" => {
            say("arguments", &environment::get_arguments()[1..]);
            say("again", environment::get_arguments().len());
        }
        "initial-cwd" => say("folder", environment::initial_cwd()),

        "get-stdin" => {
            let input = stdin::get_stdin();
            stream("nothing is asked for", input.read(0), text);
            stream("read", input.blocking_read(3), text);
            stream("skip", input.blocking_skip(2), |n| n.to_string());
            let ready = input.subscribe();
            ready.block();
            say("ready", (ready.ready(), ready.ready()));
            drop(ready);
            stream("read more", input.read(2), text);
            stream("skip nothing", input.skip(0), |n| n.to_string());
            say("rest of another handle", rest(&stdin::get_stdin()));
            stream("end", input.blocking_read(1), text);
            stream("then", input.read(0), text);
            stream("and", input.skip(1), |n| n.to_string());
            input.subscribe().block();
        }
        "get-stdout" => {
            let (a, b) = (stdout::get_stdout(), stdout::get_stdout());
            say("permit is at least 4096", a.check_write().unwrap() >= 4096);
            stream("write", a.write(b"one "), done);
            stream("other handle", b.write(b"two\n"), done);
            stream("flush", a.flush(), done);
            a.subscribe().block();
            stream("blocking flush", a.blocking_flush(), done);
            stream("nothing", a.blocking_write_and_flush(b""), done);
            stream("zeroes", a.check_write().and_then(|_| a.write_zeroes(3)), done);
            stream("more zeroes", a.blocking_write_zeroes_and_flush(2), done);
            stream("4096 bytes", a.blocking_write_and_flush(&[b'-'; 4096]), done);
        }
        "get-stderr" => {
            let err = stderr::get_stderr();
            say("permit is at least 4096", err.check_write().unwrap() >= 4096);
            stream("write", err.blocking_write_and_flush(b"to the error\n"), done);
        }
        "splice" => {
            let (input, out) = (stdin::get_stdin(), stdout::get_stdout());
            stream("blocking", out.blocking_splice(&input, 4), |n| n.to_string());
            input.subscribe().block();
            stream("now", out.splice(&input, 3), |n| n.to_string());
            stream("nothing", out.splice(&input, 0), |n| n.to_string());
            while out.blocking_splice(&input, 1000).is_ok() {}
            stream("end", out.blocking_splice(&input, 1), |n| n.to_string());
        }
        "get-terminal-stdin" => say("terminal", terminal_stdin::get_terminal_stdin().is_some()),
        "get-terminal-stdout" => say("terminal", terminal_stdout::get_terminal_stdout().is_some()),
        "get-terminal-stderr" => say("terminal", terminal_stderr::get_terminal_stderr().is_some()),

        "exit" => {
            stdout::get_stdout().write(b"written, not flushed\n").unwrap();
            exit::exit(if value.map(String::as_str) == Some("ok") { Ok(()) } else { Err(()) });
        }
        "exit-with-code" => {
            say("code", value);
            exit::exit_with_code(value.and_then(|v| v.parse().ok()).ok_or(())?);
        }
        "run" => return if value.map(String::as_str) == Some("ok") { Ok(()) } else { Err(()) },

        "monotonic-clock" => {
            let (a, b) = (monotonic_clock::now(), monotonic_clock::now());
            say("goes on", (a > 0, b >= a));
            say("has a resolution", monotonic_clock::resolution() > 0);
            let past = monotonic_clock::subscribe_instant(a - 1);
            past.block();
            say("past", past.ready());
            monotonic_clock::subscribe_duration(0).block();
            monotonic_clock::subscribe_duration(5_000_000).block();
            monotonic_clock::subscribe_instant(b + 10_000_000).block();
            say("not too early", monotonic_clock::now() - b >= 10_000_000);
            say("never", monotonic_clock::subscribe_duration(u64::MAX).ready());
            say("nor", monotonic_clock::subscribe_instant(u64::MAX).ready());
        }
        "wall-clock" => {
            let (now, tick) = (wall_clock::now(), wall_clock::resolution());
            say("is after 2024", now.seconds > 1_735_000_000);
            say("is below a second", (now.nanoseconds < 1 << 30, tick.nanoseconds < 1 << 30));
            say("has a resolution", tick.seconds > 0 || tick.nanoseconds > 0);
        }
        "random" => {
            let (a, b) = (random::get_random_bytes(100), random::get_random_bytes(100));
            say("bytes", (a.len(), b.len(), a != b, random::get_random_bytes(0).len()));
            say("all of them", random::get_random_bytes(1 << 20).len());
            say("numbers", random::get_random_u64() != random::get_random_u64());
        }
        "insecure" => {
            let get = insecure::get_insecure_random_bytes;
            let (a, b) = (get(100), get(100));
            say("bytes", (a.len(), b.len(), a != b, get(0).len(), get(1 << 20).len()));
            let get = insecure::get_insecure_random_u64;
            say("numbers", get() != get());
        }
        "insecure-seed" => {
            let (a, b) = (insecure_seed::insecure_seed(), insecure_seed::insecure_seed());
            say("is one", (a == b, a != (0, 0)));
        }
        "poll" => {
            let out = stdout::get_stdout();
            let ready = out.subscribe();
            let (never, soon) =
                (monotonic_clock::subscribe_duration(u64::MAX), monotonic_clock::subscribe_duration(2_000_000));
            let list = |mut l: Vec<u32>| {
                l.sort();
                l
            };
            say("ready", list(poll::poll(&[&never, &ready, &never, &ready])));
            say("one", list(poll::poll(&[&never, &soon])));
            say("again", list(poll::poll(&[&soon, &never, &soon])));
        }

        "poll-nothing" => say("traps", poll::poll(&[])),
        "zeroes-too-many" => stream("traps", stdout::get_stdout().blocking_write_zeroes_and_flush(4097), done),
        "bytes-too-many" => stream("traps", stdout::get_stdout().blocking_write_and_flush(&[0; 4097]), done),
        "random-too-many" => say("traps", random::get_random_bytes((64 << 20) + 1).len()),
        "stdin-before-its-pollable" => {
            let input = stdin::get_stdin();
            let ready = input.subscribe();
            drop(input);
            say("traps", ready.ready());
        }
        _ => return Err(()),
    }
    Ok(())
}
