//! Uses wasi:sockets 0.3 and prints what comes of it: connections that are accepted from a stream,
//! more bytes than a connection holds, datagrams, and calls in the wrong order.

wit_bindgen::generate!({
    inline: "
        package guests:sockets;
        world p3 {
            import wasi:sockets/types@0.3.0;
            import wasi:sockets/ip-name-lookup@0.3.0;
            export wasi:cli/run@0.3.0;
        }
    ",
    path: "../wit/0.3.0",
    world: "guests:sockets/p3",
    generate_all,
});

use std::future::Future;

use exports::wasi::cli::run::Guest;
use wasi::sockets::ip_name_lookup::resolve_addresses;
use wasi::sockets::types::*;
use wit_bindgen::StreamResult;

struct Program;
export!(Program);

const SIZE: usize = 8 << 20;

fn loopback(port: u16) -> IpSocketAddress {
    IpSocketAddress::Ipv4(Ipv4SocketAddress { port, address: (127, 0, 0, 1) })
}

fn tcp() -> TcpSocket {
    TcpSocket::create(IpAddressFamily::Ipv4).unwrap()
}

fn udp() -> UdpSocket {
    UdpSocket::create(IpAddressFamily::Ipv4).unwrap()
}

async fn connections() {
    let l = tcp();
    println!("local, unbound: {:?}", l.get_local_address());
    println!("bind: {:?}", l.bind(loopback(0)));
    println!("bind again: {:?}", l.bind(loopback(0)));
    let mut accepted = l.listen().unwrap();
    println!("listening: {}, again: {:?}", l.get_is_listening(), l.listen().err());
    let at = l.get_local_address().unwrap();
    drop(l); // the stream goes on
    let c = tcp();
    let (sent, closed) = c.receive();
    drop(sent);
    println!("receive, unconnected: {:?}", closed.await);
    let (connected, s) = futures_join(c.connect(at), accepted.next()).await;
    let s = s.unwrap();
    println!("connect: {connected:?}, again: {:?}", c.connect(at).await);
    println!("the peer is who connected: {}", same(s.get_remote_address(), c.get_local_address()));
    let (mut tx, rx) = wit_stream::new();
    let sending = c.send(rx);
    let (mut rx, received) = s.receive();
    let write = async {
        let rest = tx.write_all(vec![7; SIZE]).await;
        drop(tx);
        rest.len()
    };
    let read = async {
        let (mut n, mut buf) = (0, Vec::with_capacity(1 << 16));
        loop {
            let (result, got) = rx.read(buf).await;
            assert!(got.iter().all(|b| *b == 7));
            n += got.len();
            buf = got;
            buf.clear();
            if matches!(result, StreamResult::Dropped) {
                return n;
            }
        }
    };
    let (rest, n) = futures_join(write, read).await;
    println!("{n} bytes came, {rest} were left");
    println!("sent: {:?}, received: {:?}", sending.await, received.await);
    let (_, again) = s.receive();
    println!("receive again: {:?}", again.await);
    let (tx, rx) = wit_stream::new::<u8>();
    println!("send again: {:?}", c.send(rx).await);
    drop(tx);
    drop(accepted);
    println!("nobody listens: {:?}", tcp().connect(at).await);
}

async fn datagrams() {
    let (a, b) = (udp(), udp());
    println!("receive, unbound: {:?}", a.receive().await.map(|_| ()));
    println!("bind: {:?}", a.bind(loopback(0)));
    let at = a.get_local_address().unwrap();
    println!("disconnect: {:?}", b.disconnect());
    println!("send to nobody: {:?}", b.send(vec![1], None).await);
    let (received, sent) = futures_join(a.receive(), b.send(b"hello".to_vec(), Some(at))).await;
    let (data, from) = received.unwrap();
    println!("{sent:?}: {:?}", String::from_utf8_lossy(&data));
    println!("sending has bound: {}", port(from) == port(b.get_local_address().unwrap()));
    println!("connect: {:?}", b.connect(at));
    println!("the peer is known: {}", same(b.get_remote_address(), Ok(at)));
    println!("send to the peer: {:?}", b.send(b"again".to_vec(), None).await);
    println!("{:?}", String::from_utf8_lossy(&a.receive().await.unwrap().0));
    println!("too large: {:?}", b.send(vec![0; 70000], None).await);
    println!("disconnect: {:?}, the peer: {:?}", b.disconnect(), b.get_remote_address().err());
}

fn port(a: IpSocketAddress) -> u16 {
    match a {
        IpSocketAddress::Ipv4(a) => a.port,
        IpSocketAddress::Ipv6(a) => a.port,
    }
}

fn same(a: Result<IpSocketAddress, ErrorCode>, b: Result<IpSocketAddress, ErrorCode>) -> bool {
    format!("{a:?}") == format!("{b:?}")
}

/// Awaits both.
async fn futures_join<A: Future, B: Future>(a: A, b: B) -> (A::Output, B::Output) {
    let (mut a, mut b) = (std::pin::pin!(a), std::pin::pin!(b));
    let (mut x, mut y) = (None, None);
    std::future::poll_fn(|cx| {
        if x.is_none() {
            if let std::task::Poll::Ready(v) = a.as_mut().poll(cx) {
                x = Some(v);
            }
        }
        if y.is_none() {
            if let std::task::Poll::Ready(v) = b.as_mut().poll(cx) {
                y = Some(v);
            }
        }
        if x.is_some() && y.is_some() {
            std::task::Poll::Ready(())
        } else {
            std::task::Poll::Pending
        }
    })
    .await;
    (x.unwrap(), y.unwrap())
}

impl Guest for Program {
    async fn run() -> Result<(), ()> {
        connections().await;
        datagrams().await;
        println!("an address: {:?}", resolve_addresses("127.0.0.1".to_string()).await);
        println!("no name: {:?}", resolve_addresses("a.b<&>".to_string()).await);
        let local = resolve_addresses("localhost".to_string()).await;
        println!("localhost is found: {}", local.is_ok_and(|l| !l.is_empty()));
        Ok(())
    }
}

fn main() {}
