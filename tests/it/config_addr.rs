//! Listening addresses.

use mcp_proxy::config::addr::{Addr, AddrError};

#[test]
fn the_forms_people_write() {
    for (text, host, port) in [
        (":9090", None, 9090),
        ("localhost:0", Some("localhost"), 0),
        ("127.0.0.1:9090", Some("127.0.0.1"), 9090),
        ("0.0.0.0:80", Some("0.0.0.0"), 80),
        ("[::1]:9090", Some("::1"), 9090),
        ("[::]:65535", Some("::"), 65535),
        ("mcp.internal:9090", Some("mcp.internal"), 9090),
    ] {
        let addr = Addr::parse(text).expect(text);
        assert_eq!(addr, Addr { host: host.map(str::to_owned), port }, "{text}");
        assert_eq!(addr.to_string(), text);
    }
}

#[test]
fn what_is_none_says_why() {
    for (text, error) in [
        ("", AddrError::MissingPort),
        ("9090", AddrError::MissingPort),
        ("localhost", AddrError::MissingPort),
        ("localhost:", AddrError::MissingPort),
        ("[::1]", AddrError::MissingPort),
        (":http", AddrError::Port),
        (":65536", AddrError::Port),
        (":-1", AddrError::Port),
        (": 80", AddrError::Port),
        ("::1", AddrError::Brackets),
        ("::1:9090", AddrError::Brackets),
        ("http://localhost:9090", AddrError::Brackets),
        ("*:9090", AddrError::Host),
        ("a b:9090", AddrError::Host),
        ("[::1:9090", AddrError::Host),
        ("user@localhost:9090", AddrError::Host),
    ] {
        assert_eq!(Addr::parse(text), Err(error), "{text}");
    }
}
