//! A service with files, `std::fs` on what `--dir` grants, and a little network. The path is `/VERB/PATH`, PATH without
//! its first slash.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::mem;
use std::net::TcpStream;

use wasip2::http::outgoing_handler;
use wasip2::http::types::{
    ErrorCode, Fields, IncomingRequest, OutgoingBody, OutgoingRequest, OutgoingResponse,
    ResponseOutparam, Scheme,
};

struct Disk;

impl wasip2::exports::http::incoming_handler::Guest for Disk {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let target = request.path_with_query().unwrap_or_default();
        let (verb, path) = target[1..].split_once('/').unwrap_or((&target[1..], ""));
        let body = request.consume().unwrap();
        let mut input = body.stream().unwrap();
        let path = format!("/{path}");
        match verb {
            // Opens the file so often, says so, and keeps all of them until the request has ended;
            // the instance's end must close them. "trap" ends it badly.
            "hold" | "trap" => {
                let files: Vec<_> = (0..20).map_while(|_| File::open(&path).ok()).collect();
                let mut output = respond(out, 200);
                writeln!(output.stream, "{} open", files.len()).unwrap();
                output.stream.flush().unwrap();
                io::copy(&mut input, &mut io::sink()).unwrap();
                assert!(verb != "trap", "this guest was asked to trap");
                mem::forget(files);
                output.finish();
            }
            // Panics if it may not.
            "must-connect" => drop(TcpStream::connect(&path[1..]).unwrap()),
            "must-fetch" => fetch(&path[1..]).unwrap(),
            _ => {
                let mut sent = Vec::new();
                input.read_to_end(&mut sent).unwrap();
                let (status, text) = match act(verb, &path, &sent) {
                    Ok(text) => (200, text),
                    Err(err) => (500, format!("{:?}\n", err.kind()).into()),
                };
                let mut output = respond(out, status);
                output.stream.write_all(&text).unwrap();
                output.finish();
            }
        }
    }
}

fn fetch(authority: &str) -> Result<(), ErrorCode> {
    let request = OutgoingRequest::new(Fields::new());
    request.set_scheme(Some(&Scheme::Http)).unwrap();
    request.set_authority(Some(authority)).unwrap();
    request.set_path_with_query(Some("/")).unwrap();
    let response = outgoing_handler::handle(request, None)?;
    response.subscribe().block();
    response.get().unwrap().unwrap().map(drop)
}

fn act(verb: &str, path: &str, sent: &[u8]) -> io::Result<Vec<u8>> {
    match verb {
        "read" => return fs::read(path),
        "write" => fs::write(path, sent)?,
        "append" => File::options().append(true).open(path)?.write_all(sent)?,
        "mkdir" => fs::create_dir(path)?,
        "remove" => fs::remove_file(path)?,
        "list" => {
            let names = fs::read_dir(path)?.map(|entry| Ok(entry?.file_name()));
            let mut names = names.collect::<io::Result<Vec<_>>>()?;
            names.sort();
            let lines = names.iter().map(|name| format!("{}\n", name.to_string_lossy()));
            return Ok(lines.collect::<String>().into());
        }
        "stat" => {
            let stat = fs::symlink_metadata(path)?;
            let kind = stat.file_type();
            let size = if kind.is_file() { stat.len() } else { 0 };
            return Ok(format!("{kind:?} {size}\n").into());
        }
        _ => return Err(io::ErrorKind::Unsupported.into()),
    }
    Ok(Vec::new())
}

struct Output {
    stream: wasip2::io::streams::OutputStream,
    body: OutgoingBody,
}

fn respond(out: ResponseOutparam, status: u16) -> Output {
    let response = OutgoingResponse::new(Fields::new());
    response.set_status_code(status).unwrap();
    let body = response.body().unwrap();
    ResponseOutparam::set(out, Ok(response));
    Output { stream: body.write().unwrap(), body }
}

impl Output {
    fn finish(self) {
        drop(self.stream);
        OutgoingBody::finish(self.body, None).unwrap();
    }
}

wasip2::http::proxy::export!(Disk);
