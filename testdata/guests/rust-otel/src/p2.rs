//! The service of WASI 0.2.

use crate::exports::wasi::http::incoming_handler::Guest;
use crate::wasi::http::types::{
    Fields, IncomingRequest, OutgoingBody, OutgoingResponse, ResponseOutparam,
};

struct Otel;
crate::export!(Otel with_types_in crate);

impl Guest for Otel {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let text = crate::respond(&request.path_with_query().unwrap_or_default());
        let response = OutgoingResponse::new(Fields::new());
        let body = response.body().unwrap();
        ResponseOutparam::set(out, Ok(response));
        let stream = body.write().unwrap();
        stream.blocking_write_and_flush(text.as_bytes()).unwrap();
        drop(stream);
        OutgoingBody::finish(body, None).unwrap();
    }
}
