//! Where and when a guest is: its working directory, and its time zone in both versions of WASI, at
//! an instant in seconds since 1970. A program, `place SECONDS…`, and a service, `/SECONDS`.

mod p2 {
    wit_bindgen::generate!({
        inline: "
            package guests:place;
            world place {
                import wasi:cli/environment@0.2.12;
                import wasi:cli/stdout@0.2.12;
                import wasi:clocks/timezone@0.2.12;
                export wasi:cli/run@0.2.12;
                export wasi:http/incoming-handler@0.2.12;
            }
        ",
        path: "wit/0.2.12",
        world: "guests:place/place",
        features: ["clocks-timezone"],
        generate_all,
        pub_export_macro: true,
    });
}

mod p3 {
    wit_bindgen::generate!({
        inline: "
            package guests:place3;
            world place3 {
                import wasi:clocks/timezone@0.3.0;
            }
        ",
        path: "wit/0.3.0",
        world: "guests:place3/place3",
        features: ["clocks-timezone"],
        generate_all,
    });
}

use p2::wasi::cli::environment;
use p2::wasi::clocks::timezone as old;
use p2::wasi::clocks::wall_clock::Datetime;
use p2::wasi::http::types::*;
use p3::wasi::clocks::system_clock::Instant;
use p3::wasi::clocks::timezone as new;

/// Says it all; an instant that is no number of 64 bits is left out.
fn say(instants: &[String]) -> String {
    let mut text = format!(
        "folder {:?}\nzone {:?}, {:?}\n",
        environment::initial_cwd(), new::iana_id(), new::to_debug_string(),
    );
    for at in instants {
        if let Ok(seconds) = at.parse() {
            let when = Datetime { seconds, nanoseconds: 0 };
            let shown = old::display(when);
            text += &format!(
                "0.2 at {at}: {} {} {}, {}\n",
                shown.utc_offset, shown.name, shown.in_daylight_saving_time, old::utc_offset(when),
            );
        }
        if let Ok(seconds) = at.parse() {
            let offset = new::utc_offset(Instant { seconds, nanoseconds: 0 });
            text += &format!("0.3 at {at}: {offset:?}\n");
        }
    }
    text
}

struct Place;

p2::export!(Place with_types_in p2);

impl p2::exports::wasi::cli::run::Guest for Place {
    fn run() -> Result<(), ()> {
        let text = say(&environment::get_arguments()[1..]);
        p2::wasi::cli::stdout::get_stdout().blocking_write_and_flush(text.as_bytes()).map_err(|_| ())
    }
}

impl p2::exports::wasi::http::incoming_handler::Guest for Place {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let text = say(&[request.path_with_query().unwrap_or_default()[1..].into()]);
        let response = OutgoingResponse::new(Fields::new());
        let body = response.body().unwrap();
        ResponseOutparam::set(out, Ok(response));
        let stream = body.write().unwrap();
        stream.blocking_write_and_flush(text.as_bytes()).unwrap();
        drop(stream);
        OutgoingBody::finish(body, None).unwrap();
    }
}
