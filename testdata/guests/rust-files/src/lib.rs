//! A program for WASI 0.2 that calls each function of wasi:filesystem, in the first folder that it is
//! given, and prints what comes. The argument names the function; `copy FROM TO` copies a file.

wit_bindgen::generate!({
    inline: "
        package guests:files;
        world files {
            import wasi:cli/environment@0.2.12;
            import wasi:cli/stdout@0.2.12;
            import wasi:filesystem/types@0.2.12;
            import wasi:filesystem/preopens@0.2.12;
            export wasi:cli/run@0.2.12;
        }
    ",
    path: "../wit/0.2.12",
    world: "guests:files/files",
    generate_all,
});

use std::fmt::Debug;

use exports::wasi::cli::run::Guest;
use wasi::clocks::wall_clock::Datetime;
use wasi::filesystem::preopens::get_directories;
use wasi::filesystem::types::*;
use wasi::io::streams::{InputStream, OutputStream, StreamError};

struct Files;

export!(Files);

impl Guest for Files {
    fn run() -> Result<(), ()> {
        let args = wasi::cli::environment::get_arguments();
        let d = &get_directories().into_iter().next().ok_or(())?.0;
        match args.get(1).map(String::as_str) {
            Some("copy") => copy(d, &args[2], &args[3]).map_err(|e| say("copy", e)),
            Some(name) => function(d, name),
            None => Err(()),
        }
    }
}

fn say(name: &str, value: impl Debug) {
    let out = wasi::cli::stdout::get_stdout();
    let _ = out.blocking_write_and_flush(format!("{name}: {value:?}\n").as_bytes());
}

/// What a call gave, an error by its name.
fn show<T: Debug>(name: &str, r: Result<T, ErrorCode>) {
    match r {
        Ok(v) => say(name, v),
        Err(e) => say(name, Code(e.name())),
    }
}

struct Code(&'static str);

impl Debug for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0)
    }
}

/// What a stream gave: an error is that of the file.
fn stream<T: Debug>(name: &str, r: Result<T, StreamError>) {
    match r {
        Ok(v) => say(name, v),
        Err(StreamError::Closed) => say(name, Code("closed")),
        Err(StreamError::LastOperationFailed(e)) => {
            say(name, filesystem_error_code(&e).map(|c| Code(c.name())))
        }
    }
}

const NO: PathFlags = PathFlags::empty();
const FOLLOW: PathFlags = PathFlags::SYMLINK_FOLLOW;
const R: DescriptorFlags = DescriptorFlags::READ;
const W: DescriptorFlags = DescriptorFlags::WRITE;

fn rw() -> DescriptorFlags {
    R | W
}

fn open(d: &Descriptor, path: &str, how: OpenFlags, flags: DescriptorFlags) -> Result<Descriptor, ErrorCode> {
    d.open_at(NO, path, how, flags)
}

/// The contents of a file.
fn text(d: &Descriptor, path: &str) -> String {
    match open(d, path, OpenFlags::empty(), R).and_then(|f| f.read(1000, 0)) {
        Ok((bytes, _)) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(e) => e.name().to_string(),
    }
}

fn at(seconds: u64) -> NewTimestamp {
    NewTimestamp::Timestamp(Datetime { seconds, nanoseconds: 5000 })
}

fn kind(s: DescriptorStat) -> (DescriptorType, u64, u64) {
    let size = if s.type_ == DescriptorType::Directory { 0 } else { s.size };
    (s.type_, s.link_count, size)
}

fn names(d: &Descriptor) -> Result<Vec<(String, DescriptorType)>, ErrorCode> {
    let entries = d.read_directory()?;
    let mut list = Vec::new();
    while let Some(e) = entries.read_directory_entry()? {
        list.push((e.name, e.type_));
    }
    list.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(list)
}

fn read_all(s: InputStream) -> String {
    let mut all = Vec::new();
    while let Ok(mut bytes) = s.blocking_read(7) {
        all.append(&mut bytes);
    }
    String::from_utf8_lossy(&all).into_owned()
}

fn copy(d: &Descriptor, from: &str, to: &str) -> Result<(), ErrorCode> {
    let input = open(d, from, OpenFlags::empty(), R)?.read_via_stream(0)?;
    let output = open(d, to, OpenFlags::CREATE | OpenFlags::TRUNCATE, W)?.write_via_stream(0)?;
    while let Ok(bytes) = input.blocking_read(1 << 20) {
        send(&output, &bytes).map_err(|_| ErrorCode::Io)?;
    }
    output.blocking_flush().map_err(|_| ErrorCode::Io)
}

fn send(out: &OutputStream, mut bytes: &[u8]) -> Result<(), StreamError> {
    let ready = out.subscribe();
    while !bytes.is_empty() {
        ready.block();
        let n = (out.check_write()? as usize).min(bytes.len());
        out.write(&bytes[..n])?;
        bytes = &bytes[n..];
    }
    Ok(())
}

fn function(d: &Descriptor, name: &str) -> Result<(), ()> {
    let file = || open(d, "f.txt", OpenFlags::empty(), rw()).unwrap();
    let none = OpenFlags::empty();
    match name {
        "read-via-stream" => {
            let s = file().read_via_stream(2).unwrap();
            stream("read", s.read(2));
            stream("skip", s.skip(1));
            say("rest", read_all(s));
            let s = file().read_via_stream(100).unwrap();
            stream("nothing", s.read(0));
            stream("past the end", s.read(1));
            stream("then", s.read(1));
            show("folder", d.read_via_stream(0).map(drop));
            let s = open(d, "f.txt", none, W).unwrap().read_via_stream(0).unwrap();
            stream("not for reading", s.blocking_read(1));
            stream("then", s.blocking_read(1));
        }
        "write-via-stream" => {
            let s = file().write_via_stream(3).unwrap();
            stream("permit", s.check_write());
            stream("write", s.write(b"LO!"));
            stream("more", s.blocking_write_and_flush(b"?"));
            stream("zeroes", s.blocking_write_zeroes_and_flush(2));
            stream("flush", s.blocking_flush());
            say("text", text(d, "f.txt"));
            let s = file().write_via_stream(12).unwrap();
            stream("far", s.blocking_write_and_flush(b"x"));
            say("text", text(d, "f.txt"));
            show("folder", d.write_via_stream(0).map(drop));
            let s = open(d, "f.txt", none, R).unwrap().write_via_stream(0).unwrap();
            stream("not for writing", s.blocking_write_and_flush(b"x"));
            stream("then", s.check_write());
        }
        "append-via-stream" => {
            let (a, b) = (file().append_via_stream().unwrap(), file().append_via_stream().unwrap());
            for (s, t) in [(&a, "1"), (&b, "2"), (&a, "3")] {
                stream(t, s.blocking_write_and_flush(t.as_bytes()));
            }
            say("text", text(d, "f.txt"));
            show("folder", d.append_via_stream().map(drop));
        }
        "splice" => {
            let from = file().read_via_stream(0).unwrap();
            let f = open(d, "new", OpenFlags::CREATE, W).unwrap();
            let to = f.write_via_stream(0).unwrap();
            stream("splice", to.splice(&from, 2));
            stream("splice", to.blocking_splice(&from, 100));
            stream("end", to.blocking_splice(&from, 100));
            say("text", text(d, "new"));
        }
        "advise" => {
            for a in [Advice::Normal, Advice::Sequential, Advice::Random, Advice::WillNeed, Advice::DontNeed, Advice::NoReuse] {
                show("file", file().advise(0, 3, a));
            }
            show("folder", d.advise(0, 3, Advice::Normal));
        }
        "sync" => {
            show("data", file().sync_data());
            show("file", file().sync());
            show("folder", d.sync());
            show("data of folder", d.sync_data());
            show("read-only", open(d, "f.txt", none, R).unwrap().sync());
        }
        "get-flags" => {
            show("folder", d.get_flags());
            show("file", file().get_flags());
            for (how, flags) in [(none, R), (none, W), (none, DescriptorFlags::empty()), (OpenFlags::CREATE, W)] {
                show("file", open(d, "f.txt", how, flags).and_then(|f| f.get_flags()));
            }
            show("sub", open(d, "sub", OpenFlags::DIRECTORY, R).and_then(|f| f.get_flags()));
        }
        "get-type" => {
            show("folder", d.get_type());
            show("file", file().get_type());
        }
        "set-size" => {
            show("shorter", file().set_size(2));
            say("text", text(d, "f.txt"));
            show("longer", file().set_size(4));
            say("text", text(d, "f.txt"));
            show("folder", d.set_size(0));
            show("read-only", open(d, "f.txt", none, R).unwrap().set_size(0));
        }
        "set-times" => {
            let f = open(d, "f.txt", none, R).unwrap();
            show("file", f.set_times(at(1000), at(2000)));
            let times = || f.stat().map(|s| (s.data_access_timestamp, s.data_modification_timestamp));
            show("times", times());
            show("access", f.set_times(at(3000), NewTimestamp::NoChange));
            show("times", times());
            show("now", f.set_times(NewTimestamp::NoChange, NewTimestamp::Now));
            say("later", times().unwrap().1.unwrap().seconds > 1_600_000_000);
            show("folder", d.set_times(at(1), at(2)));
            show("times", d.stat().map(|s| s.data_modification_timestamp));
        }
        "set-times-at" => {
            show("file", d.set_times_at(NO, "f.txt", at(1000), at(2000)));
            show("link", d.set_times_at(NO, "link", at(3000), at(4000)));
            show("times", d.stat_at(NO, "link").map(|s| s.data_modification_timestamp));
            show("times", d.stat_at(NO, "f.txt").map(|s| s.data_modification_timestamp));
            show("followed", d.set_times_at(FOLLOW, "link", at(5000), at(6000)));
            show("times", d.stat_at(NO, "f.txt").map(|s| s.data_modification_timestamp));
            show("none", d.set_times_at(NO, "none", at(1), at(1)));
            show("outside", d.set_times_at(FOLLOW, "up", at(1), at(1)));
            show("above", d.set_times_at(NO, "..", at(1), at(1)));
        }
        "read" => {
            let f = file();
            show("all", f.read(100, 0));
            show("part", f.read(2, 1));
            show("end", f.read(1, 5));
            show("past", f.read(1, 50));
            show("folder", d.read(1, 0));
            show("not for reading", open(d, "f.txt", none, W).unwrap().read(1, 0));
            f.set_size(100_000).unwrap();
            say("at most", f.read(u64::MAX, 0).map(|r| (r.0.len(), r.1)).ok());
        }
        "write" => {
            let f = file();
            show("bytes", f.write(b"EY", 1));
            show("far", f.write(b"x", 8));
            show("nothing", f.write(b"", 50));
            say("text", text(d, "f.txt"));
            show("folder", d.write(b"x", 0));
            show("not for writing", open(d, "f.txt", none, R).unwrap().write(b"x", 0));
        }
        "read-directory" => {
            show("folder", names(d));
            show("again", names(d).map(|l| l.len()));
            show("sub", open(d, "sub", OpenFlags::DIRECTORY, R).and_then(|d| names(&d)));
            show("file", file().read_directory().map(drop));
        }
        "create-directory-at" => {
            for path in ["new", "new/", "new/deep/", ".", "..", "../x", "/", "", "f.txt", "f.txt/x", "none/x", "link", "dangling"] {
                show(path, d.create_directory_at(path));
            }
            show("file", file().create_directory_at("x"));
        }
        "stat" => {
            show("file", file().stat().map(kind));
            show("type", d.stat().map(|s| s.type_));
        }
        "stat-at" => {
            for path in ["f.txt", "sub", "link", "up", "dangling", "none", "", "/", "..", "sub/../f.txt", "f.txt/", "sub/", "f.txt/x", "fifo", "link/"] {
                show(path, d.stat_at(NO, path).map(kind));
                show(path, d.stat_at(FOLLOW, path).map(kind));
            }
        }
        "link-at" => {
            show("file", d.link_at(NO, "f.txt", d, "new"));
            show("links", d.stat_at(NO, "new").map(kind));
            show("follow", d.link_at(FOLLOW, "f.txt", d, "new2"));
            for (from, to) in [("f.txt", "new"), ("f.txt", "f.txt"), ("none", "x"), ("sub", "x"), ("link", "link2"), ("f.txt", "../x"), ("/", "x"), ("../x", "x"), ("f.txt", "dangling"), ("f.txt", "sub/f"), ("", "x"), ("f.txt", "")] {
                show(&format!("{from} {to}"), d.link_at(NO, from, d, to));
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
                show(path, d.open_at(follow, path, how, flags).map(drop));
            }
            say("text", text(d, "f.txt"));
            show("file", file().open_at(NO, "x", none, R).map(drop));
            let sub = open(d, "sub", OpenFlags::DIRECTORY, R).unwrap();
            show("above sub", sub.open_at(NO, "../f.txt", none, R).map(drop));
        }
        "readlink-at" => {
            for path in ["link", "up", "dangling", "f.txt", "none", "", "sub"] {
                show(path, d.readlink_at(path));
            }
        }
        "remove-directory-at" => {
            for path in ["sub", "empty/", "f.txt", "none", ".", "..", "/", "link", ""] {
                show(path, d.remove_directory_at(path));
            }
        }
        "rename-at" => {
            for (from, to) in [
                ("f.txt", "new"), ("new", "sub/f"), ("sub", "sub2"), ("sub2", "empty"), ("none", "x"), ("empty", "other"),
                ("other", "other/x"), ("link", "link2"), ("other", "link2"), ("link2", "other"), ("other/f", "../x"),
                ("/x", "y"), ("other/f", "f.txt"), ("f.txt", "f.txt"), ("empty", "other"),
            ] {
                show(&format!("{from} {to}"), d.rename_at(from, d, to));
            }
            let other = open(d, "other", OpenFlags::DIRECTORY, R).unwrap();
            show("across", d.rename_at("f.txt", &other, "f"));
            show("names", names(&other));
        }
        "symlink-at" => {
            for (text, path) in [("f.txt", "new"), ("../x", "sub/l"), ("/etc", "l"), ("none", "l"), ("f.txt", "f.txt"), ("x", "../l"), ("", "l2"), ("x", "")] {
                show(&format!("{text} {path}"), d.symlink_at(text, path));
            }
            show("new", d.readlink_at("new"));
        }
        "unlink-file-at" => {
            for path in ["f.txt", "sub", "none", "link", "dangling", "..", "/", "sub/", "fifo", ""] {
                show(path, d.unlink_file_at(path));
            }
            show("names", names(d));
        }
        "is-same-object" => {
            let sub = open(d, "sub", OpenFlags::DIRECTORY, R).unwrap();
            d.link_at(NO, "f.txt", d, "new").unwrap();
            say("itself", d.is_same_object(d));
            say("dot", d.is_same_object(&open(d, ".", OpenFlags::DIRECTORY, R).unwrap()));
            say("sub", d.is_same_object(&sub));
            say("file", file().is_same_object(&file()));
            say("link", file().is_same_object(&open(d, "new", none, R).unwrap()));
            say("both", file().is_same_object(d));
        }
        "metadata-hash" => {
            let hash = |r: Result<MetadataHashValue, ErrorCode>| r.map(|h| (h.lower, h.upper)).map_err(|e| e.name());
            d.link_at(NO, "f.txt", d, "new").unwrap();
            let own = hash(file().metadata_hash());
            say("at", own == hash(d.metadata_hash_at(NO, "f.txt")));
            say("link", own == hash(d.metadata_hash_at(NO, "new")));
            say("followed", own == hash(d.metadata_hash_at(FOLLOW, "link")));
            say("symlink", own == hash(d.metadata_hash_at(NO, "link")));
            say("folder", own == hash(d.metadata_hash()));
            show("none", d.metadata_hash_at(NO, "none").map(drop));
            show("outside", d.metadata_hash_at(FOLLOW, "up").map(drop));
        }
        _ => return Err(()),
    }
    Ok(())
}
