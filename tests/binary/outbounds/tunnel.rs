//! https through the forward proxy of `HTTPS_PROXY`.

use std::net::SocketAddr;

use mcp_proxy::io::outbounds::Trust;

use super::authority::Authority;
use super::driver::Driver;
use super::servers::{echo, forward_proxy, serve, serve_tls};

/// Where nothing listens and nothing should be asked.
const NOWHERE: &str = "127.0.0.1:1";

fn nowhere() -> SocketAddr {
    NOWHERE.parse().unwrap()
}

#[test]
fn tls_goes_through_the_tunnel_to_the_upstream_itself() {
    let authority = Authority::new();
    let upstream = serve_tls(authority.server(&["mcp.test"]), echo);
    let (proxy, asked) =
        forward_proxy(b"HTTP/1.1 102 Wait\r\n\r\nHTTP/1.1 200 Go\r\nContent-Length: 9\r\n\r\n", upstream);
    let setting = format!("http://user:p%40ss@proxy.test:{}/", proxy.port());
    let mut driver = Driver::with(authority.trust(), &[("HTTPS_PROXY", &setting)]);
    // The name is the proxy's to look up: nobody here knows it.
    let id = driver.connected("https://mcp.test:8443/mcp");
    driver.send(id, b"ping");
    driver.wait_for_bytes(id, 4);
    assert_eq!(driver.heard(id).received, b"ping");
    let expected = "CONNECT mcp.test:8443 HTTP/1.1\r\nHost: mcp.test:8443\r\n\
                    Proxy-Authorization: Basic dXNlcjpwQHNz\r\n\r\n";
    assert_eq!(asked.recv().unwrap(), expected);
}

#[test]
fn refusals_name_the_proxy_but_not_its_password() {
    for (answer, reason) in [
        (
            &b"HTTP/1.1 407 Who are you?\r\nContent-Length: 0\r\n\r\n"[..],
            "it wants a user name and password, or other ones (status 407)",
        ),
        (b"HTTP/1.1 403 No\r\n\r\n", "it refused with status 403"),
        (b"SSH-2.0-OpenSSH_9.9\r\n", "the response does not begin with an HTTP version"),
        (b"", "it closed the connection without an answer"),
    ] {
        let (proxy, _asked) = forward_proxy(answer, nowhere());
        let setting = format!("me:secret@{proxy}");
        let mut driver = Driver::with(Trust::Everybody, &[("https_proxy", &setting)]);
        let (_, event) = driver.attempt("https://mcp.example.com/mcp");
        let expected = format!("failed: the proxy {proxy} for mcp.example.com:443 cannot be used: {reason}");
        assert_eq!(event, expected);
    }
    let mut driver = Driver::with(Trust::Everybody, &[("HTTPS_PROXY", NOWHERE)]);
    let event = driver.attempt("https://mcp.example.com/mcp").1;
    let expected = "failed: the proxy 127.0.0.1:1 for mcp.example.com:443 cannot be used: \
                    connection refused by 127.0.0.1:1";
    assert_eq!(event, expected);
    let mut driver = Driver::with(Trust::Everybody, &[("HTTPS_PROXY", "socks5://me:secret@localhost")]);
    let event = driver.attempt("https://mcp.example.com/mcp").1;
    let expected = "failed: the proxy in HTTPS_PROXY cannot be used: it must be an HTTP proxy, http://HOST:PORT";
    assert_eq!(event, expected);
}

#[test]
fn http_and_exceptions_are_connected_directly() {
    let authority = Authority::new();
    let plain = serve(echo);
    let secure = serve_tls(authority.server(&["mcp.test"]), echo);
    let variables = [("HTTPS_PROXY", NOWHERE), ("NO_PROXY", "example.com,.test")];
    let mut driver = Driver::with(authority.trust(), &variables);
    driver.connected(&format!("http://{plain}"));
    driver.connected(&format!("https://mcp.test:{}", secure.port()));
}
