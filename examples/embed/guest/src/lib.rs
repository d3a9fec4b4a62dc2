//! Greets the user whose number is the path: GET /7 asks the host for the name of user 7.

wit_bindgen::generate!({ path: "wit", world: "greeter" });

use example::greeting::names;
use wasip2::http::types::{Fields, IncomingRequest, OutgoingBody, OutgoingResponse, ResponseOutparam};

struct Greeter;

impl wasip2::exports::http::incoming_handler::Guest for Greeter {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let path = request.path_with_query().unwrap_or_default();
        let name = path.trim_start_matches('/').parse().ok().and_then(names::lookup);
        let (status, text) = match name {
            Some(name) => (200, format!("Hello, {name}!\n")),
            None => (404, "Hello, whoever you are!\n".into()),
        };
        let response = OutgoingResponse::new(Fields::new());
        response.set_status_code(status).unwrap();
        let body = response.body().unwrap();
        ResponseOutparam::set(out, Ok(response));
        let stream = body.write().unwrap();
        stream.blocking_write_and_flush(text.as_bytes()).unwrap();
        drop(stream);
        OutgoingBody::finish(body, None).unwrap();
    }
}

wasip2::http::proxy::export!(Greeter);
