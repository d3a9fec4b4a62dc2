//! A program for WASI 0.3 that calls each function of wasi:filesystem, in the first folder that it is
//! given, and prints what comes. The argument names the function; `copy FROM TO` copies a file.

wit_bindgen::generate!({
    inline: "
        package guests:files;
        world files {
            import wasi:cli/environment@0.3.0;
            import wasi:cli/stdout@0.3.0;
            import wasi:filesystem/types@0.3.0;
            import wasi:filesystem/preopens@0.3.0;
            export wasi:cli/run@0.3.0;
        }
    ",
    path: "../wit/0.3.0",
    world: "guests:files/files",
    generate_all,
});

use std::cell::RefCell;
use std::fmt::Debug;
use std::future::Future;

use exports::wasi::cli::run::Guest;
use wasi::clocks::system_clock::Instant;
use wasi::filesystem::preopens::get_directories;
use wasi::filesystem::types::*;
use wit_bindgen::{FutureReader, StreamReader, StreamResult};

struct Files;

export!(Files);

thread_local! {
    /// What is printed at the end.
    static OUT: RefCell<String> = const { RefCell::new(String::new()) };
}

impl Guest for Files {
    async fn run() -> Result<(), ()> {
        let args = wasi::cli::environment::get_arguments();
        let d = &get_directories().into_iter().next().ok_or(())?.0;
        let result = match args.get(1).map(String::as_str) {
            Some("copy") => copy(d, &args[2], &args[3]).await.map_err(|e| say("copy", e)),
            Some(name) => function(d, name).await,
            None => Err(()),
        };
        let (mut tx, rx) = wit_stream::new();
        let printed = wasi::cli::stdout::write_via_stream(rx);
        tx.write_all(OUT.take().into_bytes()).await;
        drop(tx);
        printed.await.map_err(|_| ())?;
        result
    }
}

fn say(name: &str, value: impl Debug) {
    OUT.with_borrow_mut(|out| out.push_str(&format!("{name}: {value:?}\n")));
}

/// What a call gave.
fn show<T: Debug>(name: &str, r: Result<T, ErrorCode>) {
    match r {
        Ok(v) => say(name, v),
        Err(e) => say(name, e),
    }
}

const NO: PathFlags = PathFlags::empty();
const FOLLOW: PathFlags = PathFlags::SYMLINK_FOLLOW;
const R: DescriptorFlags = DescriptorFlags::READ;
const W: DescriptorFlags = DescriptorFlags::WRITE;

fn rw() -> DescriptorFlags {
    R | W
}

async fn open(d: &Descriptor, path: &str, how: OpenFlags, flags: DescriptorFlags) -> Result<Descriptor, ErrorCode> {
    d.open_at(NO, path.to_string(), how, flags).await
}

/// The contents of a file from an offset on.
async fn read_all(d: &Descriptor, offset: u64) -> Result<String, ErrorCode> {
    let (stream, result) = d.read_via_stream(offset);
    let bytes = stream.collect().await;
    result.await?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

async fn text(d: &Descriptor, path: &str) -> String {
    match open(d, path, OpenFlags::empty(), R).await {
        Ok(f) => read_all(&f, 0).await.unwrap_or_else(|e| format!("{e:?}")),
        Err(e) => format!("{e:?}"),
    }
}

/// Writes bytes through the stream that into takes, and returns how many were not taken.
async fn write<F: Future<Output = FutureReader<Result<(), ErrorCode>>>>(
    bytes: &[u8],
    into: impl FnOnce(StreamReader<u8>) -> F,
) -> Result<usize, ErrorCode> {
    let (mut tx, rx) = wit_stream::new();
    let result = into(rx).await;
    let left = tx.write_all(bytes.to_vec()).await;
    drop(tx);
    result.await.map(|()| left.len())
}

fn at(seconds: i64) -> NewTimestamp {
    NewTimestamp::Timestamp(Instant { seconds, nanoseconds: 5000 })
}

fn kind(s: DescriptorStat) -> (DescriptorType, u64, u64) {
    let size = if matches!(s.type_, DescriptorType::Directory) { 0 } else { s.size };
    (s.type_, s.link_count, size)
}

async fn names(d: &Descriptor) -> Result<Vec<(String, DescriptorType)>, ErrorCode> {
    let (stream, result) = d.read_directory();
    let mut list: Vec<_> = stream.collect().await.into_iter().map(|e| (e.name, e.type_)).collect();
    result.await?;
    list.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(list)
}

async fn copy(d: &Descriptor, from: &str, to: &str) -> Result<(), ErrorCode> {
    let (mut input, read) = open(d, from, OpenFlags::empty(), R).await?.read_via_stream(0);
    let to = open(d, to, OpenFlags::CREATE | OpenFlags::TRUNCATE, W).await?;
    let (mut tx, rx) = wit_stream::new();
    let written = to.write_via_stream(rx, 0);
    let mut buffer = Vec::with_capacity(64 << 10);
    loop {
        let (result, bytes) = input.read(buffer).await;
        buffer = tx.write_all(bytes).await;
        if !buffer.is_empty() || matches!(result, StreamResult::Dropped) {
            break; // what is left was not wanted, or nothing is left
        }
    }
    drop(tx);
    drop(input);
    written.await?;
    read.await
}

async fn function(d: &Descriptor, name: &str) -> Result<(), ()> {
    let file = async || open(d, "f.txt", OpenFlags::empty(), rw()).await.unwrap();
    let none = OpenFlags::empty();
    match name {
        "read-via-stream" => {
            show("rest", read_all(&file().await, 2).await);
            show("past the end", read_all(&file().await, 100).await);
            show("folder", read_all(d, 0).await);
            show("not for reading", read_all(&open(d, "f.txt", none, W).await.unwrap(), 0).await);
            let (stream, result) = file().await.read_via_stream(0);
            drop(stream);
            show("dropped", result.await);
        }
        "write-via-stream" => {
            show("write", write(b"LO!?\0\0", |s| async { file().await.write_via_stream(s, 3) }).await);
            say("text", text(d, "f.txt").await);
            show("far", write(b"x", |s| async { file().await.write_via_stream(s, 12) }).await);
            say("text", text(d, "f.txt").await);
            show("folder", write(b"x", |s| async { d.write_via_stream(s, 0) }).await);
            show("not for writing", write(b"x", |s| async {
                open(d, "f.txt", none, R).await.unwrap().write_via_stream(s, 0)
            }).await);
        }
        "append-via-stream" => {
            for t in ["1", "2"] {
                show(t, write(t.as_bytes(), |s| async { file().await.append_via_stream(s) }).await);
            }
            say("text", text(d, "f.txt").await);
            show("folder", write(b"x", |s| async { d.append_via_stream(s) }).await);
        }
        "advise" => {
            for a in [Advice::Normal, Advice::Sequential, Advice::Random, Advice::WillNeed, Advice::DontNeed, Advice::NoReuse] {
                show("file", file().await.advise(0, 3, a).await);
            }
            show("folder", d.advise(0, 3, Advice::Normal).await);
        }
        "sync" => {
            show("data", file().await.sync_data().await);
            show("file", file().await.sync().await);
            show("folder", d.sync().await);
            show("data of folder", d.sync_data().await);
            show("read-only", open(d, "f.txt", none, R).await.unwrap().sync().await);
        }
        "get-flags" => {
            show("folder", d.get_flags().await);
            show("file", file().await.get_flags().await);
            for (how, flags) in [(none, R), (none, W), (none, DescriptorFlags::empty()), (OpenFlags::CREATE, W)] {
                show("file", open(d, "f.txt", how, flags).await.unwrap().get_flags().await);
            }
            show("sub", open(d, "sub", OpenFlags::DIRECTORY, R).await.unwrap().get_flags().await);
        }
        "get-type" => {
            show("folder", d.get_type().await);
            show("file", file().await.get_type().await);
        }
        "set-size" => {
            show("shorter", file().await.set_size(2).await);
            say("text", text(d, "f.txt").await);
            show("longer", file().await.set_size(4).await);
            say("text", text(d, "f.txt").await);
            show("folder", d.set_size(0).await);
            show("read-only", open(d, "f.txt", none, R).await.unwrap().set_size(0).await);
        }
        "set-times" => {
            let f = open(d, "f.txt", none, R).await.unwrap();
            show("file", f.set_times(at(1000), at(2000)).await);
            let times = async || f.stat().await.map(|s| (s.data_access_timestamp, s.data_modification_timestamp));
            show("times", times().await);
            show("access", f.set_times(at(3000), NewTimestamp::NoChange).await);
            show("times", times().await);
            show("now", f.set_times(NewTimestamp::NoChange, NewTimestamp::Now).await);
            say("later", times().await.unwrap().1.unwrap().seconds > 1_600_000_000);
            show("folder", d.set_times(at(1), at(2)).await);
            show("times", d.stat().await.map(|s| s.data_modification_timestamp));
        }
        "set-times-at" => {
            show("file", d.set_times_at(NO, "f.txt".into(), at(1000), at(2000)).await);
            show("link", d.set_times_at(NO, "link".into(), at(3000), at(4000)).await);
            show("times", d.stat_at(NO, "link".into()).await.map(|s| s.data_modification_timestamp));
            show("times", d.stat_at(NO, "f.txt".into()).await.map(|s| s.data_modification_timestamp));
            show("followed", d.set_times_at(FOLLOW, "link".into(), at(5000), at(6000)).await);
            show("times", d.stat_at(NO, "f.txt".into()).await.map(|s| s.data_modification_timestamp));
            show("none", d.set_times_at(NO, "none".into(), at(1), at(1)).await);
            show("outside", d.set_times_at(FOLLOW, "up".into(), at(1), at(1)).await);
            show("above", d.set_times_at(NO, "..".into(), at(1), at(1)).await);
        }
        "read-directory" => {
            show("folder", names(d).await);
            show("again", names(d).await.map(|l| l.len()));
            show("sub", names(&open(d, "sub", OpenFlags::DIRECTORY, R).await.unwrap()).await);
            show("file", names(&file().await).await);
        }
        "create-directory-at" => {
            for path in ["new", "new/", "new/deep/", ".", "..", "../x", "/", "", "f.txt", "f.txt/x", "none/x", "link", "dangling"] {
                show(path, d.create_directory_at(path.into()).await);
            }
            show("file", file().await.create_directory_at("x".into()).await);
        }
        "stat" => {
            show("file", file().await.stat().await.map(kind));
            show("type", d.stat().await.map(|s| s.type_));
        }
        "stat-at" => {
            for path in ["f.txt", "sub", "link", "up", "dangling", "none", "", "/", "..", "sub/../f.txt", "f.txt/", "sub/", "f.txt/x", "fifo", "link/"] {
                show(path, d.stat_at(NO, path.into()).await.map(kind));
                show(path, d.stat_at(FOLLOW, path.into()).await.map(kind));
            }
        }
        "link-at" => {
            show("file", d.link_at(NO, "f.txt".into(), d, "new".into()).await);
            show("links", d.stat_at(NO, "new".into()).await.map(kind));
            show("follow", d.link_at(FOLLOW, "f.txt".into(), d, "new2".into()).await);
            for (from, to) in [("f.txt", "new"), ("f.txt", "f.txt"), ("none", "x"), ("sub", "x"), ("link", "link2"), ("f.txt", "../x"), ("/", "x"), ("../x", "x"), ("f.txt", "dangling"), ("f.txt", "sub/f"), ("", "x"), ("f.txt", "")] {
                show(&format!("{from} {to}"), d.link_at(NO, from.into(), d, to.into()).await);
            }
        }
        "open-at" => {
            let cx = OpenFlags::CREATE | OpenFlags::EXCLUSIVE;
            for (follow, path, how, flags) in [
                (NO, "f.txt", none, R), (NO, "none", none, R), (NO, "", none, R), (NO, "/f.txt", none, R),
                (NO, "../x", none, R), (NO, "sub/../f.txt", none, R), (NO, "f.txt/", none, R), (NO, "sub/", none, R),
                (NO, "link", none, R), (FOLLOW, "link", none, R), (FOLLOW, "up", none, R), (FOLLOW, "dangling", none, R),
                (NO, "f.txt", OpenFlags::DIRECTORY, R), (NO, "sub", OpenFlags::DIRECTORY, R), (NO, "sub", none, W),
                (NO, "f.txt", cx, W), (NO, "made", cx, W), (NO, "made2", OpenFlags::CREATE, R), (NO, "sub", cx, W),
                (NO, "x", OpenFlags::CREATE | OpenFlags::DIRECTORY, R), (NO, "f.txt", OpenFlags::EXCLUSIVE, R),
                (NO, "f.txt", none, R | DescriptorFlags::FILE_INTEGRITY_SYNC), (NO, "f.txt", OpenFlags::TRUNCATE, W),
            ] {
                show(path, d.open_at(follow, path.into(), how, flags).await.map(drop));
            }
            say("text", text(d, "f.txt").await);
            show("file", file().await.open_at(NO, "x".into(), none, R).await.map(drop));
            let sub = open(d, "sub", OpenFlags::DIRECTORY, R).await.unwrap();
            show("above sub", sub.open_at(NO, "../f.txt".into(), none, R).await.map(drop));
        }
        "readlink-at" => {
            for path in ["link", "up", "dangling", "f.txt", "none", "", "sub"] {
                show(path, d.readlink_at(path.into()).await);
            }
        }
        "remove-directory-at" => {
            for path in ["sub", "empty/", "f.txt", "none", ".", "..", "/", "link", ""] {
                show(path, d.remove_directory_at(path.into()).await);
            }
        }
        "rename-at" => {
            for (from, to) in [
                ("f.txt", "new"), ("new", "sub/f"), ("sub", "sub2"), ("sub2", "empty"), ("none", "x"), ("empty", "other"),
                ("other", "other/x"), ("link", "link2"), ("other", "link2"), ("link2", "other"), ("other/f", "../x"),
                ("/x", "y"), ("other/f", "f.txt"), ("f.txt", "f.txt"), ("empty", "other"),
            ] {
                show(&format!("{from} {to}"), d.rename_at(from.into(), d, to.into()).await);
            }
            let other = open(d, "other", OpenFlags::DIRECTORY, R).await.unwrap();
            show("across", d.rename_at("f.txt".into(), &other, "f".into()).await);
            show("names", names(&other).await);
        }
        "symlink-at" => {
            for (text, path) in [("f.txt", "new"), ("../x", "sub/l"), ("/etc", "l"), ("none", "l"), ("f.txt", "f.txt"), ("x", "../l"), ("", "l2"), ("x", "")] {
                show(&format!("{text} {path}"), d.symlink_at(text.into(), path.into()).await);
            }
            show("new", d.readlink_at("new".into()).await);
        }
        "unlink-file-at" => {
            for path in ["f.txt", "sub", "none", "link", "dangling", "..", "/", "sub/", "fifo", ""] {
                show(path, d.unlink_file_at(path.into()).await);
            }
            show("names", names(d).await);
        }
        "is-same-object" => {
            let sub = open(d, "sub", OpenFlags::DIRECTORY, R).await.unwrap();
            d.link_at(NO, "f.txt".into(), d, "new".into()).await.unwrap();
            say("itself", d.is_same_object(d).await);
            say("dot", d.is_same_object(&open(d, ".", OpenFlags::DIRECTORY, R).await.unwrap()).await);
            say("sub", d.is_same_object(&sub).await);
            say("file", file().await.is_same_object(&file().await).await);
            say("link", file().await.is_same_object(&open(d, "new", none, R).await.unwrap()).await);
            say("both", file().await.is_same_object(d).await);
        }
        "metadata-hash" => {
            let hash = |r: Result<MetadataHashValue, ErrorCode>| r.map(|h| (h.lower, h.upper)).map_err(|e| format!("{e:?}"));
            d.link_at(NO, "f.txt".into(), d, "new".into()).await.unwrap();
            let own = hash(file().await.metadata_hash().await);
            say("at", own == hash(d.metadata_hash_at(NO, "f.txt".into()).await));
            say("link", own == hash(d.metadata_hash_at(NO, "new".into()).await));
            say("followed", own == hash(d.metadata_hash_at(FOLLOW, "link".into()).await));
            say("symlink", own == hash(d.metadata_hash_at(NO, "link".into()).await));
            say("folder", own == hash(d.metadata_hash().await));
            show("none", d.metadata_hash_at(NO, "none".into()).await.map(drop));
            show("outside", d.metadata_hash_at(FOLLOW, "up".into()).await.map(drop));
        }
        _ => return Err(()),
    }
    Ok(())
}
