//! The service of WASI 0.3.

use crate::exports::wasi::http0_3_0::handler::Guest;
use crate::wasi::clocks0_3_0::monotonic_clock;
use crate::wasi::http0_3_0::types::{ErrorCode, Fields, Request, Response};
use crate::wasi::otel::tracing;
use crate::{child, ended, wit_future, wit_stream};

struct Otel;
crate::export!(Otel with_types_in crate);

/// A span around a wait, in which other requests run.
async fn wait(ms: u64) -> String {
    let outer = tracing::outer_span_context();
    let span = child(&outer, "00000000000000b1");
    tracing::on_start(&span);
    monotonic_clock::wait_for(ms * 1_000_000).await;
    tracing::on_end(&ended(span, &outer.span_id, "waited", 0, ms as u32 * 1_000_000));
    crate::show(&tracing::outer_span_context())
}

impl Guest for Otel {
    async fn handle(request: Request) -> Result<Response, ErrorCode> {
        let path = request.get_path_with_query().unwrap_or_default();
        let text = match path.strip_prefix("/wait?ms=") {
            Some(ms) => wait(ms.parse().unwrap()).await,
            None => crate::respond(&path),
        };
        let (mut tx, rx) = wit_stream::new::<u8>();
        let (trailers_tx, trailers) = wit_future::new(|| Ok(None));
        drop(trailers_tx);
        let (response, _sent) = Response::new(Fields::new(), Some(rx), trailers);
        wit_bindgen::spawn_local(async move {
            tx.write_all(text.into_bytes()).await;
        });
        Ok(response)
    }
}
