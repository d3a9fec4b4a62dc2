//! The smallest answer a WASI 0.3 guest can give: 200, text/plain, "Hello, world!".

wit_bindgen::generate!({ path: "../wit/0.3.0", world: "hello", generate_all });

use exports::wasi::http::handler::Guest;
use wasi::http::types::{ErrorCode, Fields, Request, Response};

struct Hello;
export!(Hello);

impl Guest for Hello {
    async fn handle(_request: Request) -> Result<Response, ErrorCode> {
        let headers = Fields::new();
        headers.append("content-type", b"text/plain").unwrap();
        let (mut tx, rx) = wit_stream::new::<u8>();
        // dropped unwritten: resolves to "no trailers"
        let (trailers_tx, trailers) = wit_future::new(|| Ok(None));
        drop(trailers_tx);
        let (response, _sent) = Response::new(headers, Some(rx), trailers);
        wit_bindgen::spawn_local(async move {
            tx.write_all(b"Hello, world!".to_vec()).await;
        });
        Ok(response)
    }
}
