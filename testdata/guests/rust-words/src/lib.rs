//! A component for others: it exports words:greeting/phrases, and serves nothing by itself.

wit_bindgen::generate!({ path: ["../wit/0.2.12", "../wit/words"], world: "words:greeting/plug", generate_all });

use exports::words::greeting::phrases::{Guest, GuestPhrase};

/// Tests give copies of this component another word of the same length.
const WORD: &str = "Hello";

struct Words;
export!(Words);

impl Guest for Words {
    type Phrase = Phrase;
}

struct Phrase(String);

impl GuestPhrase for Phrase {
    fn new(name: String) -> Self {
        let mark = wasi::cli::environment::get_environment()
            .into_iter()
            .find(|(name, _)| name == "MARK")
            .map_or("!".to_string(), |(_, value)| value);
        Phrase(format!("{WORD}, {name}{mark}"))
    }

    fn text(&self) -> String {
        self.0.clone()
    }
}
