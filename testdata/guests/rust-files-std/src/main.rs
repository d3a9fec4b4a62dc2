//! A program of Rust's standard library for preview 1, behind the adapter: it uses files as any program
//! does, in the root folder, and prints what comes. `copy FROM TO` copies a file.

use std::fs::{self, File, OpenOptions};
use std::io::{Error, Read, Seek, SeekFrom, Write};

fn show<T: std::fmt::Debug>(name: &str, r: Result<T, Error>) {
    match r {
        Ok(v) => println!("{name}: {v:?}"),
        Err(e) => println!("{name}: {:?}, {:?}", e.kind(), e.raw_os_error()),
    }
}

fn main() {
    let args: Vec<String> = std::env::args().collect();
    if args.get(1).map(String::as_str) == Some("copy") {
        copy(&args[2], &args[3]).unwrap();
        return;
    }
    fs::write("/t.txt", b"hello").unwrap();
    show("read", fs::read_to_string("/t.txt"));
    fs::create_dir_all("/d/e/f").unwrap();
    fs::rename("/t.txt", "/d/t2.txt").unwrap();
    fs::hard_link("/d/t2.txt", "/d/t3").unwrap();
    let mut list: Vec<_> = fs::read_dir("/d")
        .unwrap()
        .map(|e| e.unwrap())
        .map(|e| (e.file_name(), e.file_type().unwrap().is_dir()))
        .collect();
    list.sort();
    println!("{list:?}");
    let mut f = OpenOptions::new().append(true).read(true).open("/d/t2.txt").unwrap();
    f.write_all(b" world").unwrap();
    f.seek(SeekFrom::Start(2)).unwrap();
    let mut text = String::new();
    f.read_to_string(&mut text).unwrap();
    println!("{text}");
    show("sync", f.sync_all());
    show("size", f.set_len(3));
    show("stat", fs::metadata("/d/t3").map(|m| (m.len(), m.is_file())));
    show("full", fs::remove_dir("/d"));
    show("folder", fs::remove_file("/d/e"));
    show("above", File::open("/../etc/passwd"));
    show("outside", File::open("/up"));
    show("link", fs::read_to_string("/link"));
    show("none", File::open("/none"));
    show("there", OpenOptions::new().write(true).create_new(true).open("/d/t3"));
    show("all", fs::remove_dir_all("/d"));
    let mut many = Vec::new();
    let full = loop {
        match File::open("/f.txt") {
            Ok(f) => many.push(f),
            Err(_) => break true,
        }
        if many.len() > 100_000 {
            break false;
        }
    };
    println!("there is a limit: {full}");
    drop(many);
    show("then", fs::read_to_string("/f.txt"));
}

fn copy(from: &str, to: &str) -> Result<(), Error> {
    let (mut from, mut to) = (File::open(from)?, File::create(to)?);
    let mut buffer = vec![0; 64 << 10];
    loop {
        let n = from.read(&mut buffer)?;
        if n == 0 {
            return Ok(());
        }
        to.write_all(&buffer[..n])?;
    }
}
