//! A program for preview 1, behind the adapter, that calls each function of it by itself, in the first
//! folder that it is given, and prints what comes. The argument names the function.

use std::fmt::Debug;
use wasip1::*;

/// The first folder.
const ROOT: Fd = 3;
const READ: Rights = RIGHTS_FD_READ | RIGHTS_FD_READDIR;
const WRITE: Rights = RIGHTS_FD_WRITE;

fn show<T: Debug>(name: &str, r: Result<T, Errno>) {
    match r {
        Ok(v) => println!("{name}: {v:?}"),
        Err(e) => println!("{name}: {}", e.name()),
    }
}

fn open(path: &str, how: Oflags, rights: Rights, flags: Fdflags) -> Result<Fd, Errno> {
    unsafe { path_open(ROOT, 0, path, how, rights, rights, flags) }
}

fn file() -> Fd {
    open("f.txt", 0, READ | WRITE, 0).unwrap()
}

/// What a file has, read by name.
fn text(path: &str) -> String {
    match open(path, 0, READ, 0) {
        Ok(f) => get(f, 100).map_or_else(|e| e.name().into(), |(_, s)| s),
        Err(e) => e.name().into(),
    }
}

fn get(fd: Fd, n: usize) -> Result<(usize, String), Errno> {
    let mut buf = vec![0; n];
    let n = unsafe { fd_read(fd, &[Iovec { buf: buf.as_mut_ptr(), buf_len: n }])? };
    Ok((n, String::from_utf8_lossy(&buf[..n]).into_owned()))
}

fn put(fd: Fd, text: &str) -> Result<usize, Errno> {
    unsafe { fd_write(fd, &[Ciovec { buf: text.as_ptr(), buf_len: text.len() }]) }
}

fn kind(s: Filestat) -> (&'static str, u64, u64) {
    if s.filetype == FILETYPE_DIRECTORY {
        return (s.filetype.name(), 0, 0); // file systems differ
    }
    (s.filetype.name(), s.nlink, s.size)
}

/// The names of a folder, with a buffer of that many bytes.
fn names(fd: Fd, size: usize) -> Result<Vec<(String, &'static str)>, Errno> {
    let (mut list, mut cookie, mut buf) = (Vec::new(), 0, vec![0u8; size]);
    loop {
        let n = unsafe { fd_readdir(fd, buf.as_mut_ptr(), size, cookie)? };
        let mut rest = &buf[..n];
        let head = std::mem::size_of::<Dirent>();
        while rest.len() >= head {
            let e: Dirent = unsafe { std::ptr::read_unaligned(rest.as_ptr().cast()) };
            let end = head + e.d_namlen as usize;
            if rest.len() < end {
                break;
            }
            list.push((String::from_utf8_lossy(&rest[head..end]).into_owned(), e.d_type.name()));
            (cookie, rest) = (e.d_next, &rest[end..]);
        }
        if n < size {
            list.sort();
            list.dedup(); // the adapter repeats ".." after a buffer that was too short
            return Ok(list);
        }
    }
}

/// The kinds of events that come first of these subscriptions.
fn events(list: &[SubscriptionU]) -> Result<Vec<(u64, String)>, Errno> {
    let list: Vec<_> =
        list.iter().enumerate().map(|(i, u)| Subscription { userdata: i as u64, u: *u }).collect();
    let mut out = vec![unsafe { std::mem::zeroed::<Event>() }; list.len().max(1)];
    let n = unsafe { poll_oneoff(list.as_ptr(), out.as_mut_ptr(), list.len())? };
    let mut got: Vec<_> =
        out[..n].iter().map(|e| (e.userdata, format!("{} {}", e.type_.name(), e.error.name()))).collect();
    got.sort();
    Ok(got)
}

fn clock(timeout: u64, flags: Subclockflags) -> SubscriptionU {
    let clock = SubscriptionClock { id: CLOCKID_MONOTONIC, timeout, precision: 0, flags };
    SubscriptionU { tag: EVENTTYPE_CLOCK.raw(), u: SubscriptionUU { clock } }
}

fn readable(fd: Fd) -> SubscriptionU {
    let fd_read = SubscriptionFdReadwrite { file_descriptor: fd };
    SubscriptionU { tag: EVENTTYPE_FD_READ.raw(), u: SubscriptionUU { fd_read } }
}

fn writable(fd: Fd) -> SubscriptionU {
    let fd_write = SubscriptionFdReadwrite { file_descriptor: fd };
    SubscriptionU { tag: EVENTTYPE_FD_WRITE.raw(), u: SubscriptionUU { fd_write } }
}

fn strings(
    sizes: Result<(Size, Size), Errno>,
    read: impl Fn(*mut *mut u8, *mut u8) -> Result<(), Errno>,
) -> Result<Vec<String>, Errno> {
    let (count, bytes) = sizes?;
    let (mut list, mut buf) = (vec![std::ptr::null_mut(); count + 1], vec![0u8; bytes + 1]);
    read(list.as_mut_ptr(), buf.as_mut_ptr())?;
    let text = |p: *mut u8| unsafe { std::ffi::CStr::from_ptr(p.cast()) };
    Ok(list[..count].iter().map(|p| text(*p).to_string_lossy().into_owned()).collect())
}

fn main() {
    let args = strings(unsafe { args_sizes_get() }, |a, b| unsafe { args_get(a, b) }).unwrap();
    unsafe { function(args.get(1).map(String::as_str).unwrap_or_default(), &args) }
}

unsafe fn function(name: &str, args: &[String]) {
    match name {
        "args_get" => show("arguments", Ok(&args[1..])),
        "environ_get" => {
            show("environment", strings(environ_sizes_get(), |a, b| unsafe { environ_get(a, b) }))
        }
        "clock_res_get" => {
            for id in [CLOCKID_REALTIME, CLOCKID_MONOTONIC] {
                show("resolution", clock_res_get(id).map(|t| t > 0));
            }
            show("of the process", clock_res_get(CLOCKID_PROCESS_CPUTIME_ID));
        }
        "clock_time_get" => {
            let now = |id| clock_time_get(id, 1);
            show("real", now(CLOCKID_REALTIME).map(|t| t > 1_735_000_000_000_000_000));
            let a = now(CLOCKID_MONOTONIC).unwrap();
            show("goes on", now(CLOCKID_MONOTONIC).map(|b| b >= a));
            show("of the thread", now(CLOCKID_THREAD_CPUTIME_ID));
        }
        "fd_advise" => {
            let f = file();
            for a in [ADVICE_NORMAL, ADVICE_SEQUENTIAL, ADVICE_RANDOM, ADVICE_WILLNEED, ADVICE_DONTNEED] {
                show("advice", fd_advise(f, 0, 0, a));
            }
            show("folder", fd_advise(ROOT, 0, 0, ADVICE_NORMAL));
            show("none", fd_advise(99, 0, 0, ADVICE_NORMAL));
        }
        "fd_allocate" => {
            let f = file();
            show("within", fd_allocate(f, 0, 3));
            show("beyond", fd_allocate(f, 0, 1000));
            show("size", fd_filestat_get(f).map(kind));
        }
        "fd_close" => {
            let f = file();
            show("close", fd_close(f));
            show("again", fd_close(f));
            show("read", get(f, 1));
            show("none", fd_close(99));
            show("folder", fd_close(ROOT));
            show("stat", path_filestat_get(ROOT, 0, "f.txt").map(kind));
        }
        "fd_sync" => {
            let f = file();
            show("data", fd_datasync(f));
            show("all", fd_sync(f));
            show("folder", fd_sync(ROOT));
            show("data of folder", fd_datasync(ROOT));
            show("none", fd_sync(99));
        }
        "fd_fdstat_get" => {
            let f = open("f.txt", 0, READ, FDFLAGS_APPEND).unwrap();
            for (name, fd) in [("file", f), ("folder", ROOT), ("stdin", 0)] {
                show(name, fd_fdstat_get(fd).map(|s| (s.fs_filetype.name(), s.fs_flags)));
            }
            show("none", fd_fdstat_get(99).map(|_| ()));
        }
        "fd_fdstat_set_flags" => {
            let f = file();
            show("append", fd_fdstat_set_flags(f, FDFLAGS_APPEND));
            show("write", put(f, " end"));
            show("flags", fd_fdstat_get(f).map(|s| s.fs_flags));
            show("synchronous", fd_fdstat_set_flags(f, FDFLAGS_SYNC));
            show("none of them", fd_fdstat_set_flags(f, 0));
            println!("{}", text("f.txt"));
        }
        "fd_fdstat_set_rights" => show("rights", fd_fdstat_set_rights(file(), READ, 0)),
        "fd_filestat_get" => {
            show("file", fd_filestat_get(file()).map(kind));
            show("folder", fd_filestat_get(ROOT).map(kind));
            let (a, b) = (fd_filestat_get(file()).unwrap(), fd_filestat_get(ROOT).unwrap());
            show("are two", Ok((a.ino != b.ino, a.mtim > 0, b.mtim > 0)));
            show("none", fd_filestat_get(99).map(kind));
        }
        "fd_filestat_set_size" => {
            let f = file();
            show("shorter", fd_filestat_set_size(f, 2));
            show("longer", fd_filestat_set_size(f, 4));
            show("text", Ok(text("f.txt")));
            show("too long", fd_filestat_set_size(f, u64::MAX));
            show("folder", fd_filestat_set_size(ROOT, 0));
            show("read-only", fd_filestat_set_size(open("f.txt", 0, READ, 0).unwrap(), 0));
        }
        "fd_filestat_set_times" => {
            let f = file();
            show("both", fd_filestat_set_times(f, 5_000, 7_000, FSTFLAGS_ATIM | FSTFLAGS_MTIM));
            show("are", fd_filestat_get(f).map(|s| (s.atim, s.mtim)));
            show("now", fd_filestat_set_times(f, 0, 0, FSTFLAGS_MTIM_NOW));
            show("is", fd_filestat_get(f).map(|s| (s.atim, s.mtim > 1_000_000)));
            show("contrary", fd_filestat_set_times(f, 0, 0, FSTFLAGS_MTIM | FSTFLAGS_MTIM_NOW));
        }
        "fd_pread" => {
            let f = file();
            let mut buf = [0; 3];
            let mut at = |offset| {
                let n = fd_pread(f, &[Iovec { buf: buf.as_mut_ptr(), buf_len: buf.len() }], offset)?;
                Ok(String::from_utf8_lossy(&buf[..n]).into_owned())
            };
            show("1", at(1));
            show("4", at(4));
            show("end", at(5));
            show("far", at(1 << 40));
            show("too far", at(u64::MAX));
            show("does not move", fd_tell(f));
        }
        "fd_pwrite" => {
            let f = file();
            let put = |s: &str, offset| fd_pwrite(f, &[Ciovec { buf: s.as_ptr(), buf_len: s.len() }], offset);
            show("write", put("LL", 2));
            show("beyond", put("!", 7));
            show("nothing", put("", 100));
            show("text", Ok(text("f.txt")));
            show("does not move", fd_tell(f));
        }
        "fd_prestat_get" => {
            show("length", fd_prestat_get(ROOT).map(|p| unsafe { p.u.dir.pr_name_len }));
            let mut buf = [0; 8];
            show("name", fd_prestat_dir_name(ROOT, buf.as_mut_ptr(), 1).map(|_| buf[0] as char));
            show("too short", fd_prestat_dir_name(ROOT, buf.as_mut_ptr(), 0));
            show("no more", fd_prestat_get(4).map(|_| ()));
            show("file", fd_prestat_get(file()).map(|_| ()));
        }
        "fd_read" => {
            let f = file();
            let (mut a, mut b) = ([0; 2], [0; 2]);
            let both =
                [Iovec { buf: a.as_mut_ptr(), buf_len: 2 }, Iovec { buf: b.as_mut_ptr(), buf_len: 2 }];
            show("two buffers", fd_read(f, &both).map(|n| (n, a)));
            show("rest", get(f, 100));
            show("end", get(f, 100));
            show("nothing", get(f, 0));
            show("folder", get(ROOT, 1));
            show("write-only", get(open("f.txt", 0, WRITE, 0).unwrap(), 1));
            show("none", get(99, 1));
            show("stdin", get(0, 5));
            show("more", get(0, 100));
            show("end", get(0, 1));
        }
        "fd_readdir" => {
            show("names", names(ROOT, 4096));
            show("bit by bit", names(ROOT, 32));
            show("file", names(file(), 100));
            show("none", names(99, 100));
        }
        "fd_renumber" => {
            let (a, b) = (file(), open("sub/g.txt", 0, READ, 0).unwrap());
            show("renumber", fd_renumber(b, a));
            show("read", get(a, 10));
            show("has gone", get(b, 1));
            show("none", fd_renumber(99, a));
        }
        "fd_seek" => {
            let f = file();
            show("set", fd_seek(f, 2, WHENCE_SET));
            show("read", get(f, 1));
            show("on", fd_seek(f, 1, WHENCE_CUR));
            show("tell", fd_tell(f));
            show("from the end", fd_seek(f, -4, WHENCE_END));
            show("read", get(f, 10));
            show("beyond", fd_seek(f, 10, WHENCE_END));
            show("before", fd_seek(f, -100, WHENCE_CUR));
            show("folder", fd_seek(ROOT, 0, WHENCE_SET));
            show("stdin", fd_seek(0, 0, WHENCE_SET));
            show("none", fd_tell(99));
        }
        "fd_write" => {
            let f = file();
            show("write", put(f, "HE"));
            show("more", put(f, "LLO, all"));
            show("nothing", put(f, ""));
            show("text", Ok(text("f.txt")));
            show("read-only", put(open("f.txt", 0, READ, 0).unwrap(), "x"));
            show("folder", put(ROOT, "x"));
            let a = open("f.txt", 0, WRITE, FDFLAGS_APPEND).unwrap();
            show("append", put(a, "+"));
            show("text", Ok(text("f.txt")));
            show("stderr", put(2, "to the error\n"));
            show("none", put(99, "x"));
        }
        "path_create_directory" => {
            show("new", path_create_directory(ROOT, "new"));
            show("again", path_create_directory(ROOT, "new"));
            show("above", path_create_directory(ROOT, "../new"));
            show("absolute", path_create_directory(ROOT, "/new"));
            show("nowhere", path_create_directory(ROOT, "none/new"));
            show("file", path_create_directory(file(), "new"));
        }
        "path_filestat_get" => {
            show("file", path_filestat_get(ROOT, 0, "f.txt").map(kind));
            show("link", path_filestat_get(ROOT, 0, "link").map(kind));
            show("followed", path_filestat_get(ROOT, LOOKUPFLAGS_SYMLINK_FOLLOW, "link").map(kind));
            show("outside", path_filestat_get(ROOT, LOOKUPFLAGS_SYMLINK_FOLLOW, "up").map(kind));
            show("dangling", path_filestat_get(ROOT, LOOKUPFLAGS_SYMLINK_FOLLOW, "dangling").map(kind));
            show("nothing", path_filestat_get(ROOT, 0, "none").map(kind));
        }
        "path_filestat_set_times" => {
            let set = |flags, path| {
                path_filestat_set_times(ROOT, flags, path, 5_000, 7_000, FSTFLAGS_ATIM | FSTFLAGS_MTIM)
            };
            let get = |path| path_filestat_get(ROOT, 0, path).map(|s| (s.atim, s.mtim));
            show("file", set(0, "f.txt"));
            show("are", get("f.txt"));
            show("link", set(0, "link"));
            show("outside", set(LOOKUPFLAGS_SYMLINK_FOLLOW, "up"));
            show("nothing", set(0, "none"));
        }
        "path_link" => {
            show("link", path_link(ROOT, 0, "f.txt", ROOT, "sub/f2"));
            show("count", path_filestat_get(ROOT, 0, "f.txt").map(kind));
            show("over", path_link(ROOT, 0, "f.txt", ROOT, "sub/f2"));
            show("folder", path_link(ROOT, 0, "sub", ROOT, "sub2"));
            show("outside", path_link(ROOT, 0, "f.txt", ROOT, "../f2"));
            show("follow", path_link(ROOT, LOOKUPFLAGS_SYMLINK_FOLLOW, "link", ROOT, "f3"));
            show("nothing", path_link(ROOT, 0, "none", ROOT, "f3"));
        }
        "path_open" => {
            let o = |path, how, rights| open(path, how, rights, 0).map(|f| fd_close(f).is_ok());
            show("file", o("f.txt", 0, READ));
            show("folder", o("sub", OFLAGS_DIRECTORY, READ));
            show("not a folder", o("f.txt", OFLAGS_DIRECTORY, READ));
            show("nothing", o("none", 0, READ));
            show("create", o("new", OFLAGS_CREAT | OFLAGS_EXCL, READ | WRITE));
            show("again", o("new", OFLAGS_CREAT | OFLAGS_EXCL, READ | WRITE));
            show("truncate", o("f.txt", OFLAGS_TRUNC, READ | WRITE));
            show("text", Ok(text("f.txt")));
            show("link", o("link", 0, READ));
            let follow = |path| path_open(ROOT, LOOKUPFLAGS_SYMLINK_FOLLOW, path, 0, READ, 0, 0);
            show("followed", follow("link").is_ok().then_some(()).ok_or(ERRNO_IO));
            show("outside", follow("up"));
            show("above", o("../out/secret", 0, READ));
            show("absolute", o("/f.txt", 0, READ));
            show("below a file", o("f.txt/x", 0, READ));
            show("slash", o("f.txt/", 0, READ));
            show("long", o(&"x".repeat(256), 0, READ));
        }
        "path_readlink" => {
            let read = |path, size: usize| {
                let mut buf = vec![0u8; size];
                let n = path_readlink(ROOT, path, buf.as_mut_ptr(), size)?;
                Ok(String::from_utf8_lossy(&buf[..n]).into_owned())
            };
            show("link", read("link", 100));
            show("up", read("up", 100));
            show("not all", read("link", 3));
            show("file", read("f.txt", 100));
            show("nothing", read("none", 100));
        }
        "path_remove_directory" => {
            show("empty", path_remove_directory(ROOT, "empty"));
            show("again", path_remove_directory(ROOT, "empty"));
            show("full", path_remove_directory(ROOT, "sub"));
            show("file", path_remove_directory(ROOT, "f.txt"));
            show("above", path_remove_directory(ROOT, "../out"));
        }
        "path_rename" => {
            show("file", path_rename(ROOT, "f.txt", ROOT, "sub/f2"));
            show("text", Ok(text("sub/f2")));
            show("has gone", path_rename(ROOT, "f.txt", ROOT, "sub/f2"));
            show("folder", path_rename(ROOT, "sub", ROOT, "empty"));
            show("text", Ok(text("empty/f2")));
            show("outside", path_rename(ROOT, "empty/f2", ROOT, "../f2"));
            path_create_directory(ROOT, "other").unwrap();
            show("over a folder", path_rename(ROOT, "empty/f2", ROOT, "other"));
        }
        "path_symlink" => {
            show("link", path_symlink("f.txt", ROOT, "new"));
            show("again", path_symlink("f.txt", ROOT, "new"));
            show("dangling", path_symlink("nothing", ROOT, "new2"));
            show("absolute", path_symlink("/f.txt", ROOT, "new3"));
            show("outside", path_symlink("f.txt", ROOT, "../new3"));
            show("no folder", path_symlink("f.txt", ROOT, "none/new3"));
        }
        "path_unlink_file" => {
            show("file", path_unlink_file(ROOT, "f.txt"));
            show("again", path_unlink_file(ROOT, "f.txt"));
            show("link", path_unlink_file(ROOT, "up"));
            show("folder", path_unlink_file(ROOT, "empty"));
            show("above", path_unlink_file(ROOT, "../out/secret"));
        }
        "poll_oneoff" => {
            show("time", events(&[clock(1_000_000, 0)]));
            show("past", events(&[clock(1, SUBCLOCKFLAGS_SUBSCRIPTION_CLOCK_ABSTIME)]));
            show("output", events(&[writable(1), clock(u64::MAX, 0)]));
            let f = file();
            show("file", events(&[readable(f), writable(f)]));
            show("input", events(&[readable(0), clock(u64::MAX, 0)]));
            show("nothing", events(&[]));
        }
        "proc_exit" => {
            println!("with {}", args[2]);
            proc_exit(args[2].parse().unwrap());
        }
        "sched_yield" => show("yield", sched_yield()),
        "random_get" => {
            let (mut a, mut b) = ([0; 64], [0; 64]);
            show("a", random_get(a.as_mut_ptr(), a.len()));
            show("b", random_get(b.as_mut_ptr(), b.len()));
            show("differ", Ok(a != b));
            show("nothing", random_get(a.as_mut_ptr(), 0));
        }
        "sockets" => {
            let f = file();
            show("accept", sock_accept(f, 0));
            show("shutdown", sock_shutdown(f, SDFLAGS_RD));
            show("none", sock_shutdown(99, SDFLAGS_RD));
        }
        _ => proc_exit(1),
    }
}
