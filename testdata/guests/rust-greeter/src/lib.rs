//! Greets whom the path names, with a phrase that another component makes: what it imports, no host has.

wit_bindgen::generate!({ path: ["../wit/0.2.12", "../wit/words"], world: "words:greeting/socket", generate_all });

use exports::wasi::http::incoming_handler::Guest;
use wasi::http::types::{
    Fields, IncomingRequest, OutgoingBody, OutgoingResponse, ResponseOutparam,
};
use words::greeting::phrases::Phrase;

struct Greeter;
export!(Greeter);

impl Guest for Greeter {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let path = request.path_with_query().unwrap_or_default();
        let phrase = Phrase::new(path.trim_start_matches('/'));
        let response = OutgoingResponse::new(Fields::new());
        let body = response.body().unwrap();
        ResponseOutparam::set(out, Ok(response));
        let stream = body.write().unwrap();
        stream.blocking_write_and_flush(phrase.text().as_bytes()).unwrap();
        drop(stream);
        OutgoingBody::finish(body, None).unwrap();
    }
}
