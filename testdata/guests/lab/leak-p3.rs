//! Guests that forget the ends of a response instead of finishing it.
use wasip3::http::types::{ErrorCode, Fields, Request, Response};
use wasip3::{wit_future, wit_stream, wit_bindgen::spawn_local};
struct App;
wasip3::http::service::export!(App);
impl wasip3::exports::http::handler::Guest for App {
    async fn handle(request: Request) -> Result<Response, ErrorCode> {
        let path = request.get_path_with_query().unwrap_or_default();
        let (mut tx, rx) = wit_stream::new::<u8>();
        let (ttx, trx) = wit_future::new(|| Ok(None));
        let (r, _s) = Response::new(Fields::new(), Some(rx), trx);
        match path.as_str() {
            "/leak-stream" => { spawn_local(async move { tx.write_all(b"part".to_vec()).await; std::mem::forget(tx); let _ = ttx.write(Ok(None)).await; }); }
            "/leak-trailers" => { spawn_local(async move { tx.write_all(b"part".to_vec()).await; drop(tx); std::mem::forget(ttx); }); }
            "/leak-500" => { r.set_status_code(500).unwrap(); spawn_local(async move { tx.write_all(b"own words".to_vec()).await; std::mem::forget(tx); std::mem::forget(ttx); }); }
            _ => { spawn_local(async move { tx.write_all(b"fine".to_vec()).await; drop(tx); let _ = ttx.write(Ok(None)).await; }); }
        }
        Ok(r)
    }
}
