//! Each function of wasi:keyvalue by the path of a request: /FUNCTION/BUCKET/KEY/VALUE.

wit_bindgen::generate!({
    path: ["../wit/0.2.12", "../wit/keyvalue"], world: "wasi:keyvalue/guest", generate_all
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
            let cursor = key.parse().ok();
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
            found
                .into_iter()
                .map(|f| f.map_or("none".into(), |(k, v)| format!("{k}={}", text(Some(v)))))
                .collect::<Vec<String>>()
                .join(",")
        }
        "delete-many" => batch::delete_many(&bucket, &[key, value]).map(|()| "ok".into())?,
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
