//! Each function of wasi:keyvalue by the path of a request: /FUNCTION/BUCKET/KEY/VALUE.

#[cfg(not(feature = "draft2"))]
wit_bindgen::generate!({
    path: ["../wit/0.2.12", "../wit/keyvalue"], world: "wasi:keyvalue/guest", generate_all
});
#[cfg(feature = "draft2")]
wit_bindgen::generate!({
    path: ["../wit/0.2.12", "../wit/keyvalue-draft2"], world: "wasi:keyvalue/guest", generate_all
});

use exports::wasi::http::incoming_handler::Guest;
use wasi::http::types::{
    Fields, IncomingRequest, OutgoingBody, OutgoingResponse, ResponseOutparam,
};
use wasi::keyvalue::{atomics, batch, store};

struct KeyValue;
export!(KeyValue);

fn text(value: Option<Vec<u8>>) -> String {
    value.map_or("none".into(), |v| String::from_utf8_lossy(&v).into_owned())
}

/// A pair of get-many.
#[cfg(not(feature = "draft2"))]
fn pair(found: Option<(String, Vec<u8>)>) -> String {
    found.map_or("none".into(), |(k, v)| format!("{k}={}", text(Some(v))))
}

#[cfg(feature = "draft2")]
fn pair(found: (String, Option<Vec<u8>>)) -> String {
    format!("{}={}", found.0, text(found.1))
}

/// Swaps a value twice with handles of the same age, and then with the handle that the failure
/// has.
#[cfg(feature = "draft2")]
fn cas(bucket: &store::Bucket, key: &str, value: &str) -> Result<String, store::Error> {
    use atomics::{Cas, CasError};
    let (one, two) = (Cas::new(bucket, key)?, Cas::new(bucket, key)?);
    let before = text(one.current()?);
    let first = atomics::swap(one, value.as_bytes()).is_ok();
    match atomics::swap(two, b"late") {
        Err(CasError::CasFailed(latest)) => {
            let seen = text(latest.current()?);
            let again = atomics::swap(latest, b"again").is_ok();
            Ok(format!("{before} {first} {seen} {again}"))
        }
        other => Ok(format!("{before} {first} {other:?}")),
    }
}

/// Adds 1 so many times, with swaps alone, and returns how often one had to be repeated.
#[cfg(feature = "draft2")]
fn count(bucket: &store::Bucket, key: &str, times: u32) -> Result<String, store::Error> {
    use atomics::{Cas, CasError};
    let mut repeated = 0;
    for _ in 0..times {
        let mut cas = Cas::new(bucket, key)?;
        loop {
            let n: u64 = cas.current()?.map_or(0, |v| String::from_utf8(v).unwrap().parse().unwrap());
            match atomics::swap(cas, (n + 1).to_string().as_bytes()) {
                Ok(()) => break,
                Err(CasError::StoreError(e)) => return Err(e),
                Err(CasError::CasFailed(latest)) => cas = latest,
            }
            repeated += 1;
        }
    }
    Ok(format!("repeated {repeated}"))
}

fn run(path: &str) -> Result<String, store::Error> {
    let mut parts = path.trim_start_matches('/').split('/');
    let mut next = || parts.next().unwrap_or_default().to_string();
    let (function, bucket) = (next(), store::open(&next())?);
    let (key, value) = (next(), next());
    let bytes = value.as_bytes();
    Ok(match function.as_str() {
        "get" => text(bucket.get(&key)?),
        "set" => bucket.set(&key, bytes).map(|()| "ok".into())?,
        "delete" => bucket.delete(&key).map(|()| "ok".into())?,
        "exists" => bucket.exists(&key)?.to_string(),
        "increment" => atomics::increment(&bucket, &key, value.parse().unwrap())?.to_string(),
        "list" => {
            #[cfg(not(feature = "draft2"))]
            let cursor = key.parse().ok();
            #[cfg(feature = "draft2")]
            let cursor = (!key.is_empty()).then_some(key.as_str());
            let r = bucket.list_keys(cursor)?;
            format!("{} {} {:?}", r.keys.len(), r.keys.join(","), r.cursor)
        }
        // Values by the name of their keys; many is a number of keys for /fill.
        "fill" => {
            let n: u32 = key.parse().unwrap();
            let pairs: Vec<_> =
                (0..n).map(|i| (format!("{i:05}"), i.to_string().into_bytes())).collect();
            batch::set_many(&bucket, &pairs).map(|()| "ok".into())?
        }
        "get-many" => {
            let found = batch::get_many(&bucket, &[key, value])?;
            found.into_iter().map(pair).collect::<Vec<String>>().join(",")
        }
        "delete-many" => batch::delete_many(&bucket, &[key, value]).map(|()| "ok".into())?,
        #[cfg(feature = "draft2")]
        "cas" => cas(&bucket, &key, &value)?,
        #[cfg(feature = "draft2")]
        "count" => count(&bucket, &key, value.parse().unwrap())?,
        _ => "no such function".into(),
    })
}

impl Guest for KeyValue {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let path = request.path_with_query().unwrap_or_default();
        let answer = run(&path).unwrap_or_else(|e| format!("error: {e:?}"));
        let response = OutgoingResponse::new(Fields::new());
        let body = response.body().unwrap();
        ResponseOutparam::set(out, Ok(response));
        let stream = body.write().unwrap();
        for chunk in answer.as_bytes().chunks(4096) {
            stream.blocking_write_and_flush(chunk).unwrap();
        }
        drop(stream);
        OutgoingBody::finish(body, None).unwrap();
    }
}
