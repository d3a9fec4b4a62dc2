//! A WASI 0.3 guest that imports what it exports: it passes each request on, to the server that the request names in x-upstream, and the
//! answer back as it is. With x-wrap the answer gets a header, and its body another message around it.

wit_bindgen::generate!({ path: "../wit/0.3.0", world: "middleware", generate_all });

use exports::wasi::http::handler::Guest;
use wasi::http::handler;
use wasi::http::types::{ErrorCode, Request, Response};

struct Middleware;
export!(Middleware);

impl Guest for Middleware {
    async fn handle(request: Request) -> Result<Response, ErrorCode> {
        let headers = request.get_headers();
        if let Some(upstream) = headers.get("x-upstream").first() {
            let authority = String::from_utf8_lossy(upstream);
            request.set_authority(Some(&authority)).map_err(|()| ErrorCode::HttpRequestUriInvalid)?;
        }
        let wrap = headers.has("x-wrap");
        drop(headers);
        let response = handler::handle(request).await?;
        if !wrap {
            return Ok(response);
        }
        let fields = response.get_headers().clone();
        fields.append("x-wrapped", b"yes").unwrap();
        let status = response.get_status_code();
        let (body, trailers) = Response::consume_body(response, wit_future::new(|| Ok(())).1);
        let (wrapped, _sent) = Response::new(fields, Some(body), trailers);
        wrapped.set_status_code(status).unwrap();
        Ok(wrapped)
    }
}
