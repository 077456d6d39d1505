//! Names, addresses, plain connections, and how they end.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::sync::atomic::Ordering;
use std::sync::mpsc;
use std::time::Duration;

use mcp_proxy::io::outbounds::resolve;
use mcp_proxy::limits::{CONNECT_HEAD_START, CONNECT_TIME_MAX, HELPER_THREADS_MAX};
use rustix::net::{AddressFamily, SocketType, sockopt};

use super::driver::{COUNTED, Driver};
use super::servers::{echo, serve, serve_on};

/// A port of an address whose host drops what comes: its queue of connections is full.
struct BlackHole {
    addr: SocketAddr,
    _listener: OwnedFd,
    _queue: Vec<TcpStream>,
}

impl BlackHole {
    fn dig(addr: &str) -> BlackHole {
        let listener = rustix::net::socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
        rustix::net::bind(&listener, &addr.parse::<SocketAddr>().unwrap()).unwrap();
        rustix::net::listen(&listener, 0).unwrap();
        let listener = TcpListener::from(listener);
        let addr = listener.local_addr().unwrap();
        let mut queue = Vec::new();
        while let Ok(stream) = TcpStream::connect_timeout(&addr, Duration::from_millis(300)) {
            queue.push(stream);
        }
        BlackHole { addr, _listener: listener.into(), _queue: queue }
    }
}

/// A port on which nobody listens.
fn closed_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[test]
fn bytes_pass_both_ways_whatever_the_host_is_written_as() {
    let four = serve(echo);
    let six = serve_on("[::1]:0", echo);
    let mut driver = Driver::new();
    for url in [
        format!("http://127.0.0.1:{}/mcp", four.port()),
        format!("http://[::1]:{}/mcp", six.port()),
        format!("http://mcp.test:{}", four.port()),
        format!("http://localhost:{}", four.port()),
        format!("http://localhost.:{}", six.port()),
        format!("http://six.test:{}", four.port()),
        format!("http://six.test:{}", six.port()),
    ] {
        let id = driver.connected(&url);
        driver.send(id, b"ping");
        driver.wait_for_bytes(id, 4);
        assert_eq!(driver.heard(id).received, b"ping", "{url}");
        assert_eq!(driver.heard(id).sent, 4, "{url}");
        driver.close(id);
    }
}

#[test]
fn the_system_resolves_what_needs_no_network() {
    assert_eq!(resolve("127.0.0.1", 80).unwrap(), ["127.0.0.1:80".parse::<SocketAddr>().unwrap()]);
    assert!(resolve("not a name", 80).is_err());
}

#[test]
fn megabytes_pass_while_others_have_their_turn() {
    let addr = serve(|stream| {
        std::thread::spawn(move || echo(stream));
    });
    let mut driver = Driver::new();
    let url = format!("http://{addr}");
    let (large, small) = (driver.connected(&url), driver.connected(&url));
    let bytes: Vec<u8> = (0..20_000_000_u32).map(|n| (n % 251) as u8).collect();
    driver.send(large, &bytes);
    driver.send(small, b"small");
    driver.wait_for_bytes(small, 5);
    driver.wait_for_bytes(large, bytes.len());
    assert!(driver.heard(large).received == bytes, "the bytes came changed");
    assert_eq!(driver.heard(large).sent, bytes.len());
}

#[test]
fn a_peer_that_ends_in_order_may_still_be_written_to() {
    let (sender, receiver) = mpsc::channel();
    let addr = serve(move |mut stream| {
        stream.write_all(b"bye").unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        let mut rest = String::new();
        stream.read_to_string(&mut rest).unwrap();
        sender.send(rest).unwrap();
    });
    let mut driver = Driver::new();
    let id = driver.connected(&format!("http://{addr}"));
    assert_eq!(driver.wait_for_event(id, 1), "finished");
    assert_eq!(driver.heard(id).received, b"bye");
    driver.send(id, b"still here");
    driver.wait_until(|driver| driver.heard(id).sent == 10);
    driver.close(id);
    assert_eq!(receiver.recv().unwrap(), "still here");
    assert_eq!(driver.heard(id).events.len(), 2);
}

#[test]
fn a_reset_is_told_from_an_end() {
    let addr = serve(|mut stream| {
        stream.read_exact(&mut [0; 4]).unwrap();
        sockopt::set_socket_linger(&stream, Some(Duration::ZERO)).unwrap();
    });
    let mut driver = Driver::new();
    let id = driver.connected(&format!("http://{addr}"));
    driver.send(id, b"ping");
    assert_eq!(driver.wait_for_event(id, 1), "broken: 127.0.0.1 reset the connection");
}

#[test]
fn an_answer_that_came_before_the_request_had_left_is_read() {
    let addr = serve(|mut stream| {
        stream.read_exact(&mut [0; 100]).unwrap();
        stream.write_all(b"too large").unwrap();
        // Closed with bytes unread: the kernel resets the connection.
    });
    let mut driver = Driver::new();
    let id = driver.connected(&format!("http://{addr}"));
    driver.send(id, &vec![b'x'; 30_000_000]);
    let event = driver.wait_for_event(id, 1);
    assert_eq!(driver.heard(id).received, b"too large");
    assert_eq!(event, "broken: 127.0.0.1 reset the connection");
}

#[test]
fn failures_say_what_to_look_at() {
    let port = closed_port();
    let mut driver = Driver::new();
    for (url, expected) in [
        (format!("http://127.0.0.1:{port}"), format!("failed: connection refused by 127.0.0.1:{port}")),
        (
            format!("http://six.test:{port}"),
            format!("failed: connection refused by [::1]:{port}; connection refused by 127.0.0.1:{port}"),
        ),
        (
            "http://nobody.test".to_owned(),
            "failed: no address found for \"nobody.test\" (Name or service not known)".to_owned(),
        ),
        (
            "http://empty.test".to_owned(),
            "failed: no address found for \"empty.test\" (the resolver knows the name, but no address)".to_owned(),
        ),
    ] {
        assert_eq!(driver.attempt(&url).1, expected, "{url}");
    }
}

#[test]
fn a_silent_address_costs_no_more_than_the_head_start_of_the_next() {
    let hole = BlackHole::dig("127.0.0.2:0");
    serve_on(&format!("127.0.0.1:{}", hole.addr.port()), echo);
    let mut driver = Driver::new();
    let url = format!("http://second.test:{}", hole.addr.port());
    let id = driver.connect(&url);
    for _ in 0..5 {
        driver.turn();
    }
    assert!(driver.heard(id).events.is_empty(), "the second address has no business yet");
    driver.pass(CONNECT_HEAD_START);
    assert_eq!(driver.wait_for_event(id, 0), "connected");
    driver.send(id, b"ping");
    driver.wait_for_bytes(id, 4);
}

#[test]
fn whoever_never_answers_is_named_when_the_time_is_over() {
    let hole = BlackHole::dig("127.0.0.1:0");
    let mut driver = Driver::new();
    let silent = driver.connect(&format!("http://{}", hole.addr));
    let unknown: Vec<_> =
        (1..=HELPER_THREADS_MAX).map(|number| driver.connect(&format!("http://{number}.hanging.test"))).collect();
    let behind = driver.connect("http://mcp.test"); // a resolver hangs in front of it
    let addr = serve(echo);
    let id = driver.connected(&format!("http://{addr}"));
    driver.send(id, b"ping");
    driver.wait_for_bytes(id, 4); // the loop does not hang with it
    assert!(driver.heard(silent).events.is_empty());
    driver.pass(CONNECT_TIME_MAX);
    let expected = format!("failed: no answer from {} within 10 s", hole.addr);
    assert_eq!(driver.wait_for_event(silent, 0), expected);
    for (id, number) in unknown.into_iter().zip(1..) {
        let expected = format!("failed: no address found for \"{number}.hanging.test\" within 10 s");
        assert_eq!(driver.wait_for_event(id, 0), expected);
    }
    assert_eq!(driver.wait_for_event(behind, 0), "failed: no address found for \"mcp.test\" within 10 s");
    driver.pass(CONNECT_TIME_MAX);
    driver.turn();
    assert_eq!(driver.heard(id).events, ["connected"], "an open connection has all the time in the world");
}

#[test]
fn a_name_that_nobody_answers_for_holds_up_no_other() {
    let addr = serve(echo);
    let mut driver = Driver::new();
    let unknown: Vec<_> =
        (1..HELPER_THREADS_MAX).map(|number| driver.connect(&format!("http://{number}.hanging.test"))).collect();
    driver.connected(&format!("http://mcp.test:{}", addr.port()));
    assert!(unknown.iter().all(|id| driver.heard(*id).events.is_empty()));
}

#[test]
fn one_lookup_serves_all_who_ask_meanwhile_and_nobody_who_has_left() {
    let addr = serve(|stream| {
        std::thread::spawn(move || echo(stream));
    });
    let url = format!("http://counted.test:{}", addr.port());
    let mut driver = Driver::new();
    let ids = [(); 3].map(|()| driver.connect(&url));
    driver.close(ids[1]);
    assert_eq!(driver.wait_for_event(ids[0], 0), "connected");
    assert_eq!(driver.wait_for_event(ids[2], 0), "connected");
    assert!(driver.heard(ids[1]).events.is_empty());
    assert_eq!(COUNTED.load(Ordering::SeqCst), 1);
    driver.connected(&url);
    assert_eq!(COUNTED.load(Ordering::SeqCst), 2, "names move: what was found before is not kept");
}
