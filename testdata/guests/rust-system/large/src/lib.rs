//! A component with much code. Each response says in JSON which words the path has, which takes a
//! regular expression that is compiled for each request, unless the path is "/": then only the size of
//! the component matters.

wit_bindgen::generate!({ path: "../../wit/0.2.4", world: "hello", generate_all });

use exports::wasi::http::incoming_handler::Guest;
use wasi::http::types::{
    Fields, IncomingRequest, OutgoingBody, OutgoingResponse, ResponseOutparam,
};

struct Large;

impl Guest for Large {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let path = request.path_with_query().unwrap_or_default();
        let list: Vec<serde_json::Value> = match path.as_str() {
            "/" => Vec::new(),
            _ => {
                let words = regex::Regex::new(r"(?i)\p{Alphabetic}+").unwrap();
                words.find_iter(&path).map(|m| m.as_str().into()).collect()
            }
        };
        let text = serde_json::to_string_pretty(&list).unwrap();
        let headers = Fields::new();
        headers.append("content-type", b"application/json").unwrap();
        let response = OutgoingResponse::new(headers);
        let body = response.body().unwrap();
        ResponseOutparam::set(out, Ok(response));
        let stream = body.write().unwrap();
        for part in text.as_bytes().chunks(4096) {
            stream.blocking_write_and_flush(part).unwrap();
        }
        drop(stream);
        OutgoingBody::finish(body, None).unwrap();
    }
}

export!(Large);
