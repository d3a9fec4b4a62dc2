//! What Rust's standard library does with sockets, in one program: `std echo`, `std many N`,
//! `std exhaust`, `std connect ADDR`, `std hang`, `std udp ADDR`, `std bind ADDR`, `std leave ADDR N`, `std take ADDR`.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream, ToSocketAddrs, UdpSocket};

fn echo() -> std::io::Result<()> {
    let l = TcpListener::bind("127.0.0.1:0")?;
    let mut c = TcpStream::connect(l.local_addr()?)?;
    let (mut s, from) = l.accept()?;
    assert_eq!(from, c.local_addr()?);
    c.write_all(b"over TCP")?;
    c.shutdown(Shutdown::Write)?;
    let mut text = String::new();
    s.read_to_string(&mut text)?;
    println!("{text}");
    s.set_nonblocking(true)?;
    c.set_nonblocking(true)?;
    println!("{:?}", c.read(&mut [0; 8]).map_err(|e| e.kind()));
    s.set_ttl(42)?;
    println!("ttl {}", s.ttl()?);
    let (u, v) = (UdpSocket::bind("127.0.0.1:0")?, UdpSocket::bind("127.0.0.1:0")?);
    u.send_to(b"over UDP", v.local_addr()?)?;
    let mut buf = [0; 64];
    let (n, from) = v.recv_from(&mut buf)?;
    println!("{} {}", std::str::from_utf8(&buf[..n]).unwrap(), from == u.local_addr()?);
    u.connect(v.local_addr()?)?;
    u.send(b"connected")?;
    let n = v.recv(&mut buf)?;
    println!("{}", std::str::from_utf8(&buf[..n]).unwrap());
    println!("{}", ("localhost", 80).to_socket_addrs()?.any(|a| a.ip().is_loopback()));
    println!("{:?}", TcpStream::connect("127.0.0.1:1").map(|_| ()).map_err(|e| e.kind()));
    Ok(())
}

/// So many connections are open at once, and each one works.
fn many(n: usize) -> std::io::Result<()> {
    let l = TcpListener::bind("127.0.0.1:0")?;
    let at = l.local_addr()?;
    let mut all = vec![];
    for _ in 0..n {
        let c = TcpStream::connect(at)?;
        all.push((c, l.accept()?.0));
    }
    for (i, (c, _)) in all.iter_mut().enumerate() {
        c.write_all(&(i as u32).to_le_bytes())?;
    }
    let mut sum = 0u64;
    for (_, s) in all.iter_mut() {
        let mut b = [0; 4];
        s.read_exact(&mut b)?;
        sum += u32::from_le_bytes(b) as u64;
    }
    println!("{} sockets, sum {sum}", 2 * all.len() + 1);
    Ok(())
}

/// Opens sockets until there are no more, then closes them and opens one again.
fn exhaust() -> std::io::Result<()> {
    let mut all = vec![];
    let err = loop {
        match UdpSocket::bind("127.0.0.1:0") {
            Ok(s) => all.push(s),
            Err(e) => break e,
        }
        if all.len() > 100_000 {
            println!("no end");
            return Ok(());
        }
    };
    println!("more than 100: {}, {:?}", all.len() > 100, err.raw_os_error());
    drop(all);
    UdpSocket::bind("127.0.0.1:0")?;
    println!("and again");
    Ok(())
}

fn main() -> std::io::Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let arg = |i: usize| args.get(i).map(String::as_str).unwrap_or("");
    let result = match arg(0) {
        "echo" => echo(),
        "many" => many(arg(1).parse().unwrap()),
        "exhaust" => exhaust(),
        "connect" => TcpStream::connect(arg(1)).and_then(|mut c| {
            c.write_all(b"hello")?;
            c.shutdown(Shutdown::Write)?;
            let mut text = String::new();
            c.read_to_string(&mut text)?;
            println!("{text}");
            Ok(())
        }),
        "bind" => TcpListener::bind(arg(1)).map(|_| println!("bound")),
        "udp" => UdpSocket::bind("0.0.0.0:0").and_then(|u| {
            u.connect(arg(1))?;
            u.send(b"hello")?;
            let mut buf = [0; 64];
            let n = u.recv(&mut buf)?;
            println!("{}", String::from_utf8_lossy(&buf[..n]));
            Ok(())
        }),
        // Waits for a connection that nobody makes.
        "hang" => TcpListener::bind("127.0.0.1:0").and_then(|l| {
            println!("waiting");
            l.accept().map(|_| ())
        }),
        // Writes that much and ends without a word.
        "leave" => TcpStream::connect(arg(1)).and_then(|mut c| {
            let (piece, mut left) = (vec![b'x'; 64 << 10], arg(2).parse::<usize>().unwrap());
            while left > 0 {
                let n = piece.len().min(left);
                c.write_all(&piece[..n])?;
                left -= n;
            }
            std::process::exit(0)
        }),
        // Reads to the end.
        "take" => TcpStream::connect(arg(1)).and_then(|mut c| {
            let (mut piece, mut all) = (vec![0; 64 << 10], 0);
            loop {
                match c.read(&mut piece)? {
                    0 => break,
                    n => all += n,
                }
            }
            println!("{all} bytes");
            Ok(())
        }),
        other => panic!("no {other}"),
    };
    if let Err(e) = result {
        println!("error: {:?}", e.kind());
        std::process::exit(1);
    }
    Ok(())
}
