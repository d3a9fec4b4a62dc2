//! Bodies: writing within the host's permits, reading chunk by chunk.

use crate::wasi::http::types::{
    ErrorCode, Fields, IncomingBody, OutgoingBody, OutgoingResponse, ResponseOutparam, Trailers,
};
use crate::wasi::io::streams::{InputStream, OutputStream, StreamError};

/// The content type of everything readable.
pub const TEXT: &str = "text/plain; charset=utf-8";

/// A response whose head is out and whose body is being written.
pub struct Reply {
    sink: Sink,
}

impl Reply {
    /// Sends the head.
    pub fn start(out: ResponseOutparam, status: u16, headers: &[(&str, &str)]) -> Reply {
        let fields = Fields::new();
        for (name, value) in headers {
            fields.append(name, value.as_bytes()).expect("response header");
        }
        let response = OutgoingResponse::new(fields);
        if response.set_status_code(status).is_err() {
            crate::system::stderr(&format!("status {status} refused\n"));
        }
        let body = response.body().expect("the body is taken once");
        ResponseOutparam::set(out, Ok(response));
        Reply { sink: Sink::new(body) }
    }

    /// A whole answer of one text.
    pub fn text(out: ResponseOutparam, text: &str) {
        let mut reply = Reply::start(out, 200, &[("content-type", TEXT)]);
        reply.write(text.as_bytes());
        reply.finish();
    }

    /// Writes and flushes; false when the client has gone.
    pub fn write(&mut self, data: &[u8]) -> bool {
        self.sink.write(data).is_ok()
    }

    /// The stream under it.
    pub fn stream(&self) -> &OutputStream {
        self.sink.stream.as_ref().expect("open until finished")
    }

    /// Ends the body; a complaint of the host's is logged.
    pub fn finish(self) {
        self.finish_with(None);
    }

    /// Ends the body with trailers.
    pub fn finish_with(self, trailers: Option<Trailers>) {
        if let Err(code) = self.sink.finish(trailers) {
            crate::system::stderr(&format!("finish: {code:?}\n"));
        }
    }

    /// Drops the body without ending it.
    pub fn abandon(self) {}
}

/// An outgoing body and its stream, dropped in the order that the interface demands.
pub struct Sink {
    stream: Option<OutputStream>,
    body: Option<OutgoingBody>,
}

impl Sink {
    pub fn new(body: OutgoingBody) -> Sink {
        let stream = body.write().expect("the stream is taken once");
        Sink { stream: Some(stream), body: Some(body) }
    }

    /// Writes all of data as the host permits, then flushes it.
    pub fn write(&mut self, data: &[u8]) -> Result<(), StreamError> {
        let stream = self.stream.as_ref().expect("open until finished");
        write(stream, data)
    }

    /// Ends the body.
    pub fn finish(mut self, trailers: Option<Trailers>) -> Result<(), ErrorCode> {
        self.stream = None;
        OutgoingBody::finish(self.body.take().expect("finished once"), trailers)
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.stream = None;
        self.body = None;
    }
}

/// Writes all of data as the stream permits, then flushes it without waiting for the reader.
pub fn write(stream: &OutputStream, mut data: &[u8]) -> Result<(), StreamError> {
    let ready = stream.subscribe();
    while !data.is_empty() {
        let permit = stream.check_write()?;
        if permit == 0 {
            ready.block();
            continue;
        }
        let (part, rest) = data.split_at(data.len().min(permit as usize));
        stream.write(part)?;
        data = rest;
    }
    stream.flush()
}

/// An incoming body and its stream, dropped in the order that the interface demands.
pub struct Source {
    stream: Option<InputStream>,
    body: Option<IncomingBody>,
}

impl Source {
    pub fn new(body: IncomingBody) -> Source {
        let stream = body.stream().expect("the stream is taken once");
        Source { stream: Some(stream), body: Some(body) }
    }

    /// The next chunk of at most `most` bytes; none at the end.
    pub fn next(&mut self, most: u64) -> Result<Option<Vec<u8>>, StreamError> {
        match self.stream().blocking_read(most) {
            Ok(chunk) => Ok(Some(chunk)),
            Err(StreamError::Closed) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The stream under it.
    pub fn stream(&self) -> &InputStream {
        self.stream.as_ref().expect("open until finished")
    }

    /// Waits for the trailers.
    pub fn trailers(mut self) -> Result<Option<Fields>, ErrorCode> {
        self.stream = None;
        let future = IncomingBody::finish(self.body.take().expect("finished once"));
        future.subscribe().block();
        future.get().expect("ready").expect("taken once")
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        self.stream = None;
        self.body = None;
    }
}
