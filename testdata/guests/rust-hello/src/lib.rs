//! The smallest answer a WASI 0.2 guest can give: 200, text/plain, "Hello, world!".

#[cfg(feature = "wit-0-2-0")]
wit_bindgen::generate!({ path: "../wit/0.2.0", world: "hello", generate_all });
#[cfg(feature = "wit-0-2-12")]
wit_bindgen::generate!({ path: "../wit/0.2.12", world: "hello", generate_all });
#[cfg(not(any(feature = "wit-0-2-0", feature = "wit-0-2-12")))]
wit_bindgen::generate!({ path: "../wit/0.2.4", world: "hello", generate_all });

use exports::wasi::http::incoming_handler::Guest;
use wasi::http::types::{
    Fields, IncomingRequest, OutgoingBody, OutgoingResponse, ResponseOutparam,
};

struct Hello;

impl Guest for Hello {
    fn handle(_request: IncomingRequest, out: ResponseOutparam) {
        let headers = Fields::new();
        headers.append("content-type", b"text/plain").unwrap();
        let response = OutgoingResponse::new(headers);
        let body = response.body().unwrap();
        ResponseOutparam::set(out, Ok(response));
        let stream = body.write().unwrap();
        stream.blocking_write_and_flush(b"Hello, world!").unwrap();
        drop(stream);
        OutgoingBody::finish(body, None).unwrap();
    }
}

export!(Hello);
