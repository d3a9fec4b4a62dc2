//! Calls every function of wasi:sockets 0.2 in every state that it knows of, and prints what comes
//! back: a line for each call, the same on every host that follows the interface. No line has a port
//! or anything else that differs from run to run.

use std::fmt::Debug;
use wasip2::io::poll::{poll, Pollable};
use wasip2::io::streams::{InputStream, OutputStream, StreamError};
use wasip2::sockets::instance_network::instance_network;
use wasip2::sockets::ip_name_lookup::resolve_addresses;
use wasip2::sockets::network::{
    ErrorCode, IpAddress, IpAddressFamily as Family, IpSocketAddress as Addr, Ipv4SocketAddress,
    Ipv6SocketAddress, Network,
};
use wasip2::sockets::tcp::{ShutdownType, TcpSocket};
use wasip2::sockets::tcp_create_socket::create_tcp_socket;
use wasip2::sockets::udp::{OutgoingDatagram, UdpSocket};
use wasip2::sockets::udp_create_socket::create_udp_socket;

/// What an error is called.
trait Name {
    fn word(&self) -> String;
}

impl Name for ErrorCode {
    fn word(&self) -> String {
        self.name().to_string()
    }
}

impl Name for &str {
    fn word(&self) -> String {
        self.to_string()
    }
}

fn say<T: Debug, E: Name>(what: &str, r: Result<T, E>) {
    match r {
        Ok(v) => println!("{what}: {v:?}"),
        Err(e) => println!("{what}: {}", e.word()),
    }
}

/// Says only whether there is a value.
fn came<T, E: Name>(what: &str, r: Result<T, E>) {
    say(what, r.map(|_| ()));
}

fn v4(a: u8, b: u8, c: u8, d: u8, port: u16) -> Addr {
    Addr::Ipv4(Ipv4SocketAddress { port, address: (a, b, c, d) })
}

fn v6(address: (u16, u16, u16, u16, u16, u16, u16, u16), port: u16) -> Addr {
    Addr::Ipv6(Ipv6SocketAddress { port, flow_info: 0, address, scope_id: 0 })
}

fn port(a: &Addr) -> u16 {
    match a {
        Addr::Ipv4(a) => a.port,
        Addr::Ipv6(a) => a.port,
    }
}

fn with_port(a: Addr, port: u16) -> Addr {
    match a {
        Addr::Ipv4(a) => Addr::Ipv4(Ipv4SocketAddress { port, ..a }),
        Addr::Ipv6(a) => Addr::Ipv6(Ipv6SocketAddress { port, ..a }),
    }
}

/// An address with 1 for a port that there is.
fn shown(a: Result<Addr, ErrorCode>) -> Result<Addr, ErrorCode> {
    a.map(|a| with_port(a, (port(&a) != 0) as u16))
}

fn block(p: Pollable) {
    poll(&[&p]);
}

const ODD: [(&str, fn() -> Addr); 9] = [
    ("unspecified", || v4(0, 0, 0, 0, 1)),
    ("port 0", || v4(127, 0, 0, 1, 0)),
    ("multicast", || v4(224, 0, 0, 1, 9)),
    ("broadcast", || v4(255, 255, 255, 255, 9)),
    ("ipv6", || v6((0, 0, 0, 0, 0, 0, 0, 1), 9)),
    ("unspecified 6", || v6((0, 0, 0, 0, 0, 0, 0, 0), 9)),
    ("multicast 6", || v6((0xff02, 0, 0, 0, 0, 0, 0, 1), 9)),
    ("mapped", || v6((0, 0, 0, 0, 0, 0xffff, 0x7f00, 1), 9)),
    ("compatible", || v6((0, 0, 0, 0, 0, 0, 0x7f00, 1), 9)),
];

fn bind_tcp(net: &Network, s: &TcpSocket, a: Addr) -> Result<(), ErrorCode> {
    s.start_bind(net, a)?;
    s.finish_bind()
}

fn listen(s: &TcpSocket) -> Result<(), ErrorCode> {
    s.start_listen()?;
    s.finish_listen()
}

fn connect(net: &Network, s: &TcpSocket, a: Addr) -> Result<(InputStream, OutputStream), ErrorCode> {
    s.start_connect(net, a)?;
    loop {
        match s.finish_connect() {
            Err(ErrorCode::WouldBlock) => block(s.subscribe()),
            r => return r,
        }
    }
}

fn accept(s: &TcpSocket) -> Result<(TcpSocket, InputStream, OutputStream), ErrorCode> {
    loop {
        match s.accept() {
            Err(ErrorCode::WouldBlock) => block(s.subscribe()),
            r => return r,
        }
    }
}

fn loopback(f: Family) -> Addr {
    match f {
        Family::Ipv4 => v4(127, 0, 0, 1, 0),
        Family::Ipv6 => v6((0, 0, 0, 0, 0, 0, 0, 1), 0),
    }
}

fn addresses(net: &Network, family: Family) {
    for f in [family] {
        for (name, a) in ODD {
            let s = create_tcp_socket(f).unwrap();
            say(&format!("{f:?} tcp bind {name}"), s.start_bind(net, with_port(a(), 0)));
            let s = create_tcp_socket(f).unwrap();
            if name != "multicast 6" || f == Family::Ipv4 {
                say(&format!("{f:?} tcp connect {name}"), s.start_connect(net, a()));
            }
            let u = create_udp_socket(f).unwrap();
            if !name.starts_with("multicast") && name != "broadcast" {
                say(&format!("{f:?} udp bind {name}"), u.start_bind(net, with_port(a(), 0)));
            }
            let u = create_udp_socket(f).unwrap();
            u.start_bind(net, loopback(f)).unwrap();
            u.finish_bind().unwrap();
            if !name.starts_with("multicast") && name != "broadcast" {
                came(&format!("{f:?} udp stream {name}"), u.stream(Some(a())));
            }
        }
    }
}

fn tcp_states(net: &Network, family: Family) {
    for f in [family] {
        let s = create_tcp_socket(f).unwrap();
        println!("{f:?} family {:?}, listening {}", s.address_family(), s.is_listening());
        say("unbound finish-bind", s.finish_bind());
        came("unbound finish-connect", s.finish_connect());
        say("unbound start-listen", s.start_listen());
        say("unbound finish-listen", s.finish_listen());
        came("unbound accept", s.accept());
        say("unbound local", s.local_address());
        say("unbound remote", s.remote_address());
        say("unbound shutdown", s.shutdown(ShutdownType::Both));
        s.subscribe().block();
        say("bind", bind_tcp(net, &s, loopback(f)));
        say("bound start-bind", s.start_bind(net, loopback(f)));
        say("bound finish-bind", s.finish_bind());
        say("bound local", shown(s.local_address()));
        say("bound remote", s.remote_address());
        came("bound accept", s.accept());
        say("backlog 0", s.set_listen_backlog_size(0));
        say("backlog 7", s.set_listen_backlog_size(7));
        say("listen", listen(&s));
        println!("listening {}", s.is_listening());
        say("listening start-bind", s.start_bind(net, loopback(f)));
        say("listening start-connect", s.start_connect(net, loopback(f)));
        say("listening start-listen", s.start_listen());
        say("listening finish-listen", s.finish_listen());
        say("listening remote", s.remote_address());
        say("listening shutdown", s.shutdown(ShutdownType::Send));
        say("listening backlog", s.set_listen_backlog_size(u64::MAX));
        came("accept without a client", s.accept());
        let at = s.local_address().unwrap();
        let again = create_tcp_socket(f).unwrap();
        say("bind what is taken", bind_tcp(net, &again, at));
        options(&s);
        s.set_hop_limit(42).unwrap();
        s.set_keep_alive_enabled(true).unwrap();

        let c = create_tcp_socket(f).unwrap();
        let (ci, co) = connect(net, &c, at).unwrap();
        say("connected start-connect", c.start_connect(net, at));
        say("connected start-bind", c.start_bind(net, loopback(f)));
        say("connected start-listen", c.start_listen());
        came("connected finish-connect", c.finish_connect());
        came("connected accept", c.accept());
        say("connected backlog", c.set_listen_backlog_size(7));
        say("connected local", shown(c.local_address()));
        say("connected remote", shown(c.remote_address()));
        let (a, ai, ao) = accept(&s).unwrap();
        println!("accepted family {:?}", a.address_family());
        println!("accepted is what connected: {}", port(&a.remote_address().unwrap()) == port(&c.local_address().unwrap()));
        println!("accepted hop-limit {:?}, keep-alive {:?}", a.hop_limit(), a.keep_alive_enabled());
        options(&c);
        streams(&c, ci, co, &a, ai, ao);
        drop(c);
        drop(a);
        drop(s);
        let s = create_tcp_socket(f).unwrap();
        say("bind where a listener was", bind_tcp(net, &s, at));
        let c = create_tcp_socket(f).unwrap();
        came("connect refused", connect(net, &c, at));
        println!("after a failure, bind is an error: {}", c.start_bind(net, loopback(f)).is_err());
        println!("after a failure, connect is an error: {}", c.start_connect(net, at).is_err());
        println!("after a failure, local is an error: {}", c.local_address().is_err());
    }
}

fn options(s: &TcpSocket) {
    say("hop-limit 0", s.set_hop_limit(0));
    for v in [1, 42, 255] {
        say(&format!("hop-limit {v}"), s.set_hop_limit(v).and_then(|_| s.hop_limit()));
    }
    for v in [true, false] {
        say("keep-alive", s.set_keep_alive_enabled(v).and_then(|_| s.keep_alive_enabled()));
    }
    say("idle 0", s.set_keep_alive_idle_time(0));
    say("interval 0", s.set_keep_alive_interval(0));
    for v in [1, 1_000_000_000, 42_000_000_000, u64::MAX] {
        let r = s.set_keep_alive_idle_time(v).and_then(|_| s.keep_alive_idle_time());
        say(&format!("idle {v}"), r);
        let r = s.set_keep_alive_interval(v).and_then(|_| s.keep_alive_interval());
        say(&format!("interval {v}"), r);
    }
    say("count 0", s.set_keep_alive_count(0));
    for v in [1, 42, u32::MAX] {
        say(&format!("count {v}"), s.set_keep_alive_count(v).and_then(|_| s.keep_alive_count()));
    }
    say("receive buffer 0", s.set_receive_buffer_size(0));
    say("send buffer 0", s.set_send_buffer_size(0));
    for v in [1, 0x10000, u64::MAX] {
        let r = s.set_receive_buffer_size(v).and_then(|_| s.receive_buffer_size());
        say(&format!("receive buffer {v:#x}"), r.map(|n| if n == v { "the same" } else { "another" }));
        let r = s.set_send_buffer_size(v).and_then(|_| s.send_buffer_size());
        say(&format!("send buffer {v:#x}"), r.map(|n| if n == v { "the same" } else { "another" }));
    }
}

fn streams(c: &TcpSocket, ci: InputStream, co: OutputStream, a: &TcpSocket, ai: InputStream, ao: OutputStream) {
    say("read nothing", ci.read(10).map_err(kind));
    say("read 0", ci.read(0).map_err(kind));
    println!("a pollable of what has nothing is ready: {}", ci.subscribe().ready());
    say("write", ao.blocking_write_and_flush(b"hello").map_err(kind));
    say("read", ci.blocking_read(100).map(|b| String::from_utf8(b).unwrap()).map_err(kind));
    // More than any buffer holds: the writer has to wait for the reader.
    let size = 16 << 20;
    let (mut sent, mut got, mut waits) = (0, 0, 0);
    while got < size {
        let room = ao.check_write().unwrap() as usize;
        let n = room.min(size - sent);
        if n > 0 {
            ao.write(&vec![7; n]).unwrap();
            sent += n;
        } else {
            waits += 1;
            if sent < size {
                ci.subscribe().block();
            }
            let b = ci.blocking_read(1 << 20).unwrap();
            assert!(b.iter().all(|x| *x == 7));
            got += b.len();
        }
    }
    println!("{got} bytes came, the writer waited: {}", waits > 0);
    say("skip", ao.blocking_write_and_flush(b"abcdef").map_err(kind));
    say("skip", ci.blocking_skip(3).map_err(kind));
    say("read the rest", ci.blocking_read(100).map(|b| String::from_utf8(b).unwrap()).map_err(kind));
    say("splice", co.blocking_write_and_flush(b"there").map_err(kind));
    say("splice", ao.blocking_splice(&ai, 100).map_err(kind));
    say("and back", ci.blocking_read(100).map(|b| String::from_utf8(b).unwrap()).map_err(kind));
    say("shutdown send", a.shutdown(ShutdownType::Send));
    say("write after shutdown", ao.write(b"x").map_err(kind));
    say("check-write after shutdown", ao.check_write().map_err(kind));
    say("flush after shutdown", ao.flush().map_err(kind));
    say("read the end", ci.blocking_read(100).map_err(kind));
    say("read 0 at the end", ci.read(0).map_err(kind));
    say("the other way still works", co.blocking_write_and_flush(b"yes").map_err(kind));
    say("the other way still works", ai.blocking_read(100).map(|b| String::from_utf8(b).unwrap()).map_err(kind));
    say("unread", co.blocking_write_and_flush(b"never read").map_err(kind));
    ai.subscribe().block();
    say("shutdown receive", a.shutdown(ShutdownType::Receive));
    say("read after shutdown", ai.read(100).map_err(kind));
    say("shutdown twice", a.shutdown(ShutdownType::Both));
    say("shutdown both", c.shutdown(ShutdownType::Both));
    say("write after all", co.write(b"x").map_err(kind));
}

fn kind(e: StreamError) -> &'static str {
    match e {
        StreamError::Closed => "closed",
        StreamError::LastOperationFailed(_) => "failed",
    }
}

fn datagram(text: &str, to: Option<Addr>) -> OutgoingDatagram {
    OutgoingDatagram { data: text.as_bytes().to_vec(), remote_address: to }
}

fn udp(net: &Network, family: Family) {
    for f in [family] {
        let bound = || -> UdpSocket {
            let u = create_udp_socket(f).unwrap();
            u.start_bind(net, loopback(f)).unwrap();
            u.finish_bind().unwrap();
            u
        };
        let u = create_udp_socket(f).unwrap();
        println!("udp {f:?} family {:?}", u.address_family());
        came("unbound stream", u.stream(None));
        say("unbound finish-bind", u.finish_bind());
        say("unbound local", u.local_address());
        say("unbound remote", u.remote_address());
        u.subscribe().block();
        say("start-bind", u.start_bind(net, loopback(f)));
        say("finish-bind", u.finish_bind());
        say("bound start-bind", u.start_bind(net, loopback(f)));
        say("bound finish-bind", u.finish_bind());
        say("bound local", shown(u.local_address()));
        say("bound remote", u.remote_address());
        let again = create_udp_socket(f).unwrap();
        say("bind what is taken", again.start_bind(net, u.local_address().unwrap()));
        say("hop-limit 0", u.set_unicast_hop_limit(0));
        say("hop-limit", u.set_unicast_hop_limit(42).and_then(|_| u.unicast_hop_limit()));
        say("receive buffer 0", u.set_receive_buffer_size(0));
        say("send buffer 0", u.set_send_buffer_size(0));
        say("receive buffer", u.set_receive_buffer_size(0x10000).and_then(|_| u.receive_buffer_size()));
        say("send buffer", u.set_send_buffer_size(0x10000).and_then(|_| u.send_buffer_size()));

        let (ui, uo) = u.stream(None).unwrap();
        let here = u.local_address().unwrap();
        let (x, y) = (bound(), bound());
        let (xi, xo) = x.stream(None).unwrap();
        let (yi, yo) = y.stream(None).unwrap();
        let _ = (&xi, &yi);
        say("receive nothing", ui.receive(10).map(|l| l.len()));
        println!("nothing is ready: {}", ui.subscribe().ready());
        say("send nothing", uo.check_send().and_then(|_| uo.send(&[])));
        say("send to nobody", uo.check_send().and_then(|_| uo.send(&[datagram("x", None)])));
        for (name, a) in ODD {
            if !name.starts_with("multicast") && name != "broadcast" {
                let r = uo.check_send().and_then(|_| uo.send(&[datagram("x", Some(a()))]));
                if f == Family::Ipv4 || name != "ipv6" {
                    say(&format!("send to {name}"), r);
                }
            }
        }
        println!("permits: {}", xo.check_send().unwrap() > 0);
        let r = xo.send(&[datagram("one", Some(here)), datagram("", Some(here)), datagram("x", None)]);
        say("send two and one to nobody", r);
        ui.subscribe().block();
        let mut got = vec![];
        while got.len() < 2 {
            ui.subscribe().block();
            got.extend(ui.receive(1).unwrap());
        }
        for d in &got {
            println!("{:?} from x: {}", String::from_utf8_lossy(&d.data), port(&d.remote_address) == port(&x.local_address().unwrap()));
        }
        let large = OutgoingDatagram { data: vec![0; 65536], remote_address: Some(here) };
        say("too large", xo.check_send().and_then(|_| xo.send(&[large])));
        let whole = OutgoingDatagram { data: vec![3; 60000], remote_address: Some(here) };
        u.set_receive_buffer_size(0x40000).unwrap();
        say("large", xo.check_send().and_then(|_| xo.send(&[whole])));
        ui.subscribe().block();
        say("receive large", ui.receive(1).map(|l| l[0].data.len()));
        say("receive 0", ui.receive(0).map(|l| l.len()));

        // What was queued before there was a peer is not the peer's.
        say("queued", yo.check_send().and_then(|_| yo.send(&[datagram("stranger", Some(here))])));
        drop((ui, uo));
        let peer = x.local_address().unwrap();
        let (ui, uo) = u.stream(Some(peer)).unwrap();
        say("connected remote", shown(u.remote_address()));
        say("connected local", shown(u.local_address()));
        say("from the peer", xo.check_send().and_then(|_| xo.send(&[datagram("peer", Some(here))])));
        let mut list = vec![];
        while list.is_empty() {
            ui.subscribe().block();
            list = ui.receive(16).unwrap();
        }
        println!("received {:?}", list.iter().map(|d| String::from_utf8_lossy(&d.data).into_owned()).collect::<Vec<_>>());
        say("send to the peer", uo.check_send().and_then(|_| uo.send(&[datagram("a", None), datagram("b", Some(peer))])));
        let other = y.local_address().unwrap();
        say("send to another", uo.check_send().and_then(|_| uo.send(&[datagram("c", Some(other))])));
        drop((ui, uo));
        let streams = u.stream(Some(other));
        println!("another peer: {}", streams.is_ok());
        drop(streams);
        let streams = u.stream(None);
        println!("no peer: {}", streams.is_ok());
        say("no peer remote", u.remote_address());
        println!("no peer, still bound where it was: {}", port(&u.local_address().unwrap()) == port(&here));
    }
}

fn lookups(net: &Network) {
    for name in [
        "127.0.0.1", "::1", "[::1]", "::", "DEAD:BEEF::0", "::ffff:127.0.0.1", "", " ", "a.b<&>", "127.0.0.1:80",
        "[::]:80", "http://localhost/", "localhost:80", "a..b",
    ] {
        let r = resolve_addresses(net, name).and_then(|s| {
            s.subscribe().block();
            let mut all = vec![];
            while let Some(a) = s.resolve_next_address()? {
                all.push(a);
            }
            Ok(all)
        });
        say(&format!("look-up {name:?}"), r);
    }
    let s = resolve_addresses(net, "localhost").unwrap();
    s.subscribe().block();
    let mut local = false;
    while let Some(a) = s.resolve_next_address().unwrap() {
        local |= matches!(a, IpAddress::Ipv4((127, ..)) | IpAddress::Ipv6((0, 0, 0, 0, 0, 0, 0, 1)));
    }
    println!("localhost is this machine: {local}");
    say("after the end", s.resolve_next_address());
}

fn main() {
    let net = instance_network();
    // The machine need not have IPv6: `functions 6` is for those that do.
    let family = match std::env::args().nth(1).as_deref() {
        Some("6") => Family::Ipv6,
        _ => Family::Ipv4,
    };
    addresses(&net, family);
    tcp_states(&net, family);
    udp(&net, family);
    lookups(&net);
}
