//! The real binary before a remote server that is itself behind TLS, and behind a forward proxy.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::thread;

use rustls::{ServerConfig, StreamOwned};
use serde_json::{Value, json};

use crate::outbounds::authority::Authority;
use crate::outbounds::servers::{TlsStream, forward_proxy, read_head, serve};
use crate::processes::marked;

/// A running proxy. Ends with the value.
struct Proxy {
    process: Child,
    addr: SocketAddr,
    config: PathBuf,
}

impl Proxy {
    fn start(servers: &Value, arguments: &[&str], variables: &[(&str, &str)]) -> Proxy {
        let (mut command, mark) = marked(env!("CARGO_BIN_EXE_mcp-proxy"));
        let config = std::env::temp_dir().join(format!("mcp-proxy-{}.json", mark.replace('=', "-")));
        let proxy = json!({ "addr": "127.0.0.1:0", "allowedHosts": ["mcp.test"] });
        let content = json!({ "mcpProxy": proxy, "mcpServers": servers });
        fs::write(&config, content.to_string()).unwrap();
        command.arg("-config").arg(&config).args(arguments).envs(variables.iter().copied());
        let mut process = command.stderr(Stdio::null()).spawn().unwrap();
        let mut said = BufReader::new(process.stdout.take().unwrap()).lines().map(Result::unwrap);
        let line = said.find(|line| line.contains(" listens on ")).expect("an address");
        let addr = line.rsplit(' ').next().unwrap().parse().unwrap();
        thread::spawn(move || said.for_each(drop)); // a full pipe would stop it
        Proxy { process, addr, config }
    }

    /// One POST to the server `one`: the session that it names, and its body.
    fn post(&self, session: &str, message: &Value) -> (String, Value) {
        let body = message.to_string();
        let mut stream = TcpStream::connect(self.addr).unwrap();
        let session_header = if session.is_empty() { String::new() } else { format!("Mcp-Session-Id: {session}\r\n") };
        write!(
            stream,
            "POST /one/mcp HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Type: application/json\r\n\
             Accept: application/json\r\n{session_header}Content-Length: {}\r\n\r\n{body}",
            self.addr,
            body.len()
        )
        .unwrap();
        let head = read_head(&mut stream);
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        let session = head.lines().find_map(|line| line.strip_prefix("Mcp-Session-Id: ")).unwrap_or_default();
        (session.to_owned(), serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {head}{text}")))
    }

    /// What the server `one` answers to `initialize` and then, if there is a session, to a call.
    fn add(&self) -> Value {
        let client = json!({ "name": "test", "version": "1" });
        let params = json!({ "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": client });
        let initialize = json!({ "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params });
        let (session, introduction) = self.post("", &initialize);
        if session.is_empty() {
            return introduction;
        }
        let params = json!({ "name": "add", "arguments": { "a": 2, "b": 3 } });
        self.post(&session, &json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params })).1
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = fs::remove_file(&self.config);
    }
}

/// A proxy with the demo server: what the other one reaches from afar.
fn far() -> Proxy {
    Proxy::start(&json!({ "one": { "command": env!("CARGO_BIN_EXE_mcp-proxy"), "args": ["__demo"] } }), &[], &[])
}

/// TLS in front of a proxy. It has no streams to offer.
fn with_tls(config: Arc<ServerConfig>, to: SocketAddr) -> SocketAddr {
    serve(move |stream| {
        let connection = rustls::ServerConnection::new(Arc::clone(&config)).unwrap();
        let stream = StreamOwned::new(connection, stream);
        thread::spawn(move || relay(stream, to));
    })
}

/// Request by request, as long as they come.
fn relay(mut downstream: TlsStream, to: SocketAddr) {
    loop {
        let mut byte = [0];
        if downstream.read(&mut byte).unwrap_or(0) == 0 {
            return;
        }
        let head = format!("{}{}", char::from(byte[0]), read_head(&mut downstream));
        if head.starts_with("GET ") {
            let _ = downstream.write_all(b"HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\n\r\n");
            continue;
        }
        let mut body = vec![0; length_in(&head)];
        downstream.read_exact(&mut body).unwrap();
        let mut upstream = TcpStream::connect(to).unwrap();
        upstream.write_all(&[head.as_bytes(), &body].concat()).unwrap();
        let head = read_head(&mut upstream);
        let mut body = vec![0; length_in(&head)];
        upstream.read_exact(&mut body).unwrap();
        let _ = downstream.write_all(&[head.as_bytes(), &body].concat());
    }
}

fn length_in(head: &str) -> usize {
    head.lines().find_map(|line| line.strip_prefix("Content-Length: ")).map_or(0, |length| length.parse().unwrap())
}

fn remote(url: &str) -> Value {
    json!({ "one": { "url": url, "transportType": "streamable-http", "headers": { "Host-Of-Honour": "you" } } })
}

#[track_caller]
fn assert_five(answer: &Value) {
    assert_eq!(answer["result"]["structuredContent"]["sum"], 5, "{answer}");
}

#[test]
fn a_server_with_a_certificate_of_ones_own() {
    let (far, authority) = (far(), Authority::new());
    let tls = with_tls(authority.server(&["localhost"]), far.addr);
    let url = format!("https://localhost:{}/one/mcp", tls.port());
    let trusting = [("SSL_CERT_FILE", authority.file())];
    assert_five(&Proxy::start(&remote(&url), &[], &trusting).add());
    assert_five(&Proxy::start(&remote(&url), &["-insecure"], &[]).add());
    let stranger = Authority::named("Somebody else");
    let answer = Proxy::start(&remote(&url), &[], &[("SSL_CERT_FILE", stranger.file())]).add();
    let message = answer["error"]["message"].as_str().unwrap();
    assert!(message.contains("could not be reached") && message.contains("certificate"), "{message}");
}

#[test]
fn a_forward_proxy_opens_the_tunnel() {
    let (far, authority) = (far(), Authority::new());
    let tls = with_tls(authority.server(&["mcp.test"]), far.addr);
    let (forward, asked) = forward_proxy(b"HTTP/1.1 200 OK\r\n\r\n", tls);
    let forward = format!("http://{forward}");
    let variables = [("SSL_CERT_FILE", authority.file()), ("HTTPS_PROXY", &*forward)];
    assert_five(&Proxy::start(&remote("https://mcp.test/one/mcp"), &[], &variables).add());
    assert!(asked.recv().unwrap().starts_with("CONNECT mcp.test:443 HTTP/1.1\r\n"));
}
