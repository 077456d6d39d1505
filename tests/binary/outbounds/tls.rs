//! https: whom we trust, what we say, and how a connection ends.

use std::fs;
use std::io::{Read, Write};
use std::path::PathBuf;
use std::sync::mpsc;

use mcp_proxy::io::outbounds::Trust;
use mcp_proxy::limits::CONNECT_TIME_MAX;

use super::authority::Authority;
use super::driver::Driver;
use super::servers::{echo, serve, serve_tls};

#[test]
fn bytes_pass_both_ways_and_the_server_knows_what_for() {
    let authority = Authority::new();
    let (sender, receiver) = mpsc::channel();
    let addr = serve_tls(authority.server(&["mcp.test", "127.0.0.1", "::1"]), move |mut stream| {
        stream.read_exact(&mut [0; 4]).unwrap();
        let protocol = stream.conn.alpn_protocol().map(<[u8]>::to_vec);
        sender.send((stream.conn.server_name().map(str::to_owned), protocol)).unwrap();
        echo(stream);
    });
    let mut driver = Driver::with(authority.trust(), &[]);
    let bytes: Vec<u8> = (0..3_000_000_u32).map(|n| (n % 251) as u8).collect();
    for (host, name) in [("mcp.test", Some("mcp.test")), ("mcp.test.", Some("mcp.test")), ("127.0.0.1", None)] {
        let id = driver.connected(&format!("https://{host}:{}/mcp", addr.port()));
        driver.send(id, b"ping");
        driver.send(id, &bytes);
        driver.wait_for_bytes(id, bytes.len());
        assert!(driver.heard(id).received == bytes, "the bytes came changed");
        assert_eq!(receiver.recv().unwrap(), (name.map(str::to_owned), Some(b"http/1.1".to_vec())));
        driver.close(id);
    }
    assert_eq!(driver.warning(), None);
}

#[test]
fn certificates_that_prove_nothing_are_refused_with_the_reason() {
    let (authority, stranger) = (Authority::new(), Authority::named("Somebody else"));
    let successor = Authority::new();
    for (config, reason) in [
        (
            stranger.server(&["mcp.test"]),
            "no authority known here has issued it; SSL_CERT_FILE can name a file with the one that has",
        ),
        (successor.server(&["mcp.test"]), "it was not issued by the authority of that name known here"),
        (authority.server(&["other.test", "127.0.0.9"]), "it is for other.test, 127.0.0.9"),
        (authority.server_until(&["mcp.test"], 2001), "it has expired"),
    ] {
        let addr = serve_tls(config, echo);
        let url = format!("https://mcp.test:{}", addr.port());
        let expected =
            format!("failed: the certificate of mcp.test is not trusted ({reason}); -insecure skips the check");
        assert_eq!(Driver::with(authority.trust(), &[]).attempt(&url).1, expected);

        let mut insecure = Driver::with(Trust::Everybody, &[]);
        let id = insecure.connected(&url);
        insecure.send(id, b"ping");
        insecure.wait_for_bytes(id, 4);
    }
}

#[test]
fn without_a_usable_file_the_built_in_authorities_are_trusted_and_the_operator_hears_of_it() {
    let authority = Authority::new();
    let addr = serve_tls(authority.server(&["mcp.test"]), echo);
    let mut driver = Driver::with(Trust::File(PathBuf::from("/no/such/file.pem")), &[]);
    let (_, event) = driver.attempt(&format!("https://mcp.test:{}", addr.port()));
    assert!(event.contains("no authority known here has issued it"), "{event}");
    let warning = driver.warning().expect("a warning");
    assert!(warning.starts_with("SSL_CERT_FILE: no certificate in /no/such/file.pem ("), "{warning}");
    assert!(warning.ends_with("; the built-in authorities are trusted instead"), "{warning}");
    assert_eq!(driver.warning(), None, "once");

    let empty = std::env::temp_dir().join(format!("mcp-proxy-empty-{}.pem", std::process::id()));
    fs::write(&empty, "").unwrap();
    let mut driver = Driver::with(Trust::File(empty.clone()), &[]);
    driver.attempt(&format!("https://mcp.test:{}", addr.port()));
    assert!(driver.warning().is_some());
    fs::remove_file(empty).unwrap();
}

#[test]
fn an_end_in_order_is_told_from_one_that_anybody_can_cause() {
    let authority = Authority::new();
    let config = authority.server(&["mcp.test"]);
    let ordered = serve_tls(config.clone(), |mut stream| {
        stream.write_all(b"bye").unwrap();
        stream.conn.send_close_notify();
        stream.flush().unwrap();
    });
    let cut = serve_tls(config, |mut stream| {
        stream.write_all(b"by").unwrap();
        stream.flush().unwrap();
    });
    let mut driver = Driver::with(authority.trust(), &[]);
    let id = driver.connected(&format!("https://mcp.test:{}", ordered.port()));
    assert_eq!(driver.wait_for_event(id, 1), "finished");
    assert_eq!(driver.heard(id).received, b"bye");

    let id = driver.connected(&format!("https://mcp.test:{}", cut.port()));
    let event = driver.wait_for_event(id, 1);
    assert_eq!(event, "broken: the TLS connection with mcp.test was cut off (no close_notify)");
    assert_eq!(driver.heard(id).received, b"by");
}

#[test]
fn our_own_end_is_in_order() {
    let authority = Authority::new();
    let (sender, receiver) = mpsc::channel();
    let addr = serve_tls(authority.server(&["mcp.test"]), move |mut stream| {
        let mut rest = String::new();
        sender.send(stream.read_to_string(&mut rest).map(|_| rest).map_err(|error| error.kind())).unwrap();
    });
    let mut driver = Driver::with(authority.trust(), &[]);
    let id = driver.connected(&format!("https://mcp.test:{}", addr.port()));
    driver.send(id, b"that was all");
    driver.close(id);
    assert_eq!(receiver.recv().unwrap(), Ok("that was all".to_owned()));
}

#[test]
fn whoever_does_not_speak_tls_is_told_apart() {
    const HANDSHAKE_FAILURE: &[u8] = &[21, 3, 3, 0, 2, 2, 40];
    for (answer, expected) in [
        (&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..], "mcp.test does not speak TLS ("),
        (HANDSHAKE_FAILURE, "mcp.test ended the TLS connection with the alert HandshakeFailure"),
        (b"", "mcp.test closed the connection during the TLS handshake"),
    ] {
        let addr = serve(move |mut stream| {
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(answer);
        });
        let (_, event) = Driver::with(Trust::Everybody, &[]).attempt(&format!("https://mcp.test:{}", addr.port()));
        assert!(event.starts_with(&format!("failed: {expected}")), "{event}");
    }
}

#[test]
fn a_handshake_that_hangs_is_given_up() {
    let (sender, receiver) = mpsc::channel();
    let addr = serve(move |stream| sender.send(stream).unwrap());
    let mut driver = Driver::with(Trust::Everybody, &[]);
    let id = driver.connect(&format!("https://mcp.test:{}", addr.port()));
    let mut held = None;
    driver.wait_until(|_| {
        held = receiver.try_recv().ok();
        held.is_some()
    });
    driver.turn();
    driver.pass(CONNECT_TIME_MAX);
    let event = driver.wait_for_event(id, 0);
    assert_eq!(event, "failed: mcp.test did not finish the TLS handshake within 10 s");
}
