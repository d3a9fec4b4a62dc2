//! Work for a processor, as programs do it: prints for each kind how many microseconds the fastest
//! of several turns took.

use sha2::{Digest, Sha256};
use std::hint::black_box;
use std::time::Instant;

fn numbers(n: usize) -> Vec<u64> {
    let mut x = 88172645463325252u64;
    (0..n)
        .map(|_| {
            x ^= x << 13;
            x ^= x >> 7;
            x ^= x << 17;
            x
        })
        .collect()
}

fn text() -> String {
    let words = ["alpha", "beta", "gamma@example.com", "2026-11-30", "delta", "10.0.0.1", "omega"];
    numbers(20_000).iter().map(|n| words[*n as usize % words.len()]).collect::<Vec<_>>().join(" ")
}

fn sha256(data: &[u8]) -> u64 {
    Sha256::digest(data)[0] as u64
}

fn matrix(a: &[f64], b: &[f64], n: usize) -> u64 {
    let mut c = vec![0.0; n * n];
    for i in 0..n {
        for k in 0..n {
            let x = a[i * n + k];
            for j in 0..n {
                c[i * n + j] += x * b[k * n + j];
            }
        }
    }
    c[n + 1].to_bits()
}

#[inline(never)]
fn ackermann(m: u32, n: u32) -> u32 {
    match (m, n) {
        (0, _) => n + 1,
        (_, 0) => ackermann(m - 1, 1),
        _ => ackermann(m - 1, ackermann(m, n - 1)),
    }
}

#[inline(never)]
fn fib(n: u32) -> u32 {
    if n < 2 {
        return n;
    }
    fib(black_box(n - 1)) + fib(n - 2)
}

fn time(name: &str, mut work: impl FnMut() -> u64) {
    let best = (0..9)
        .map(|_| {
            let start = Instant::now();
            black_box(work());
            start.elapsed().as_micros()
        })
        .min()
        .unwrap();
    println!("{name} {best}");
}

fn main() {
    let (nums, text) = (numbers(100_000), text());
    time("sha-256", || sha256(black_box(text.as_bytes())) + sha256(text.as_bytes()));
    let re = regex::Regex::new(r"([a-z]+)@([a-z]+)\.com|([0-9]{4})-([0-9]{2})-([0-9]{2})").unwrap();
    time("regex", || re.captures_iter(black_box(&text)).map(|c| c[0].len() as u64).sum());
    let value = serde_json::json!((0..500)
        .map(|i| serde_json::json!({"id": i, "name": format!("item {i}"), "tags": ["a", "b\n"],
            "price": i as f64 * 1.25, "nested": {"on": i % 2 == 0, "none": null}}))
        .collect::<Vec<_>>());
    let json = value.to_string();
    time("json", || {
        let v: serde_json::Value = serde_json::from_str(black_box(&json)).unwrap();
        v.to_string().len() as u64
    });
    time("sort", || {
        let mut v = black_box(&nums).clone();
        v.sort();
        v[500]
    });
    let floats: Vec<f64> = nums.iter().take(160 * 160).map(|n| *n as f64).collect();
    time("matrix", || matrix(black_box(&floats), &floats, 160));
    time("deflate", || {
        let c = miniz_oxide::deflate::compress_to_vec(black_box(text.as_bytes()), 6);
        miniz_oxide::inflate::decompress_to_vec(&c).unwrap().len() as u64
    });
    time("calls", || (ackermann(2, black_box(600)) + fib(black_box(24))) as u64);
}
