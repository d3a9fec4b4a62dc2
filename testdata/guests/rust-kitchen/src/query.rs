//! The query part of a request's target.

/// Parameters of a query, decoded on demand.
pub struct Query<'a>(&'a str);

impl<'a> Query<'a> {
    /// Splits a target into its path and its parameters.
    pub fn split(target: &'a str) -> (&'a str, Query<'a>) {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        (path, Query(query))
    }

    /// The decoded value of a parameter.
    pub fn get(&self, name: &str) -> Option<String> {
        self.0
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .find(|(key, _)| *key == name)
            .map(|(_, value)| decode(value))
    }

    /// A parameter as a number, or the fallback.
    pub fn number(&self, name: &str, fallback: u64) -> u64 {
        self.get(name).and_then(|v| v.parse().ok()).unwrap_or(fallback)
    }

    /// Whether a parameter is there with a value other than 0.
    pub fn flag(&self, name: &str) -> bool {
        self.get(name).is_some_and(|v| v != "0")
    }
}

fn decode(value: &str) -> String {
    let bytes = value.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut i = 0;
    while i < bytes.len() {
        let hex = value.get(i + 1..i + 3).and_then(|h| u8::from_str_radix(h, 16).ok());
        match (bytes[i], hex) {
            (b'%', Some(byte)) => {
                decoded.push(byte);
                i += 3;
            }
            (byte, _) => {
                decoded.push(byte);
                i += 1;
            }
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}
