//! Middleware of WASI 0.2: it refuses requests that have a header x-deny, and passes all others on.

wit_bindgen::generate!({ path: "../wit/0.2.12", world: "middleware", generate_all });

use exports::wasi::http::incoming_handler::Guest;
use wasi::http::incoming_handler;
use wasi::http::types::{
    Fields, IncomingRequest, OutgoingBody, OutgoingResponse, ResponseOutparam,
};

/// Tests give copies of this component other names of the same length.
const NAME: &str = "guard-1";

struct Guard;
export!(Guard);

impl Guest for Guard {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        if !request.headers().has("x-deny") {
            return incoming_handler::handle(request, out);
        }
        let response = OutgoingResponse::new(Fields::new());
        response.set_status_code(403).unwrap();
        let body = response.body().unwrap();
        ResponseOutparam::set(out, Ok(response));
        let stream = body.write().unwrap();
        stream.blocking_write_and_flush(NAME.as_bytes()).unwrap();
        drop(stream);
        OutgoingBody::finish(body, None).unwrap();
    }
}
