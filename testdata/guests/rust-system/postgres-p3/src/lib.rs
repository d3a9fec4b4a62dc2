//! The same service for WASI 0.3. Rust's library has its sockets from 0.2 here, too.

#[path = "../../postgres/src/notes.rs"]
mod notes;

use wasip3::http::types::{ErrorCode, Fields, Request, Response};
use wasip3::{spawn_local, wit_future, wit_stream};

struct Notes;

impl wasip3::exports::http::handler::Guest for Notes {
    async fn handle(request: Request) -> Result<Response, ErrorCode> {
        let (status, text) = notes::respond(&request.get_path_with_query().unwrap_or_default());
        let (mut body, contents) = wit_stream::new();
        let (trailers, no_trailers) = wit_future::new(|| Ok(None));
        drop(trailers);
        let (response, _sent) = Response::new(Fields::new(), Some(contents), no_trailers);
        response.set_status_code(status).unwrap();
        spawn_local(async move {
            body.write_all(text.into_bytes()).await;
        });
        Ok(response)
    }
}

wasip3::http::service::export!(Notes);
