//! Traps three calls deep, over two files; built with line tables, so that a backtrace can name the lines.

wit_bindgen::generate!({ path: "../wit/0.2.12", world: "hello", generate_all });

mod depth;

use exports::wasi::http::incoming_handler::Guest;
use wasi::http::types::{IncomingRequest, ResponseOutparam};

struct Trap;

export!(Trap);

impl Guest for Trap {
    fn handle(_request: IncomingRequest, _out: ResponseOutparam) {
        depth::first(3);
    }
}
