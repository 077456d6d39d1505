//! The real binary with a configuration from a URL.

use std::ffi::OsString;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Command, Output};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use mcp_proxy::cli::invocation::{Invocation, parse};

use crate::outbounds::authority::Authority;
use crate::outbounds::servers::{forward_proxy, read_head, serve, serve_tls};
use crate::processes::{CALLERS_OWN, PATIENCE, marked};

const README: &str = include_str!("../../README.md");

const CONFIG: &str = r#"{ "mcpProxy": { "addr": "127.0.0.1:0" }, "mcpServers": { "far": { "command": "no-such" } } }"#;

/// What a check says of it.
const FOUND: &str = "Config OK: 1 MCP server(s) configured\n";

fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mcp-proxy"));
    for name in CALLERS_OWN {
        command.env_remove(name);
    }
    command
}

/// Status, stdout and stderr.
fn said(command: &mut Command) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } = command.output().unwrap();
    (status.code(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

fn check(url: &str, arguments: &[&str]) -> (Option<i32>, String, String) {
    said(command().args(["-check-config", "-config", url]).args(arguments))
}

#[track_caller]
fn assert_found((status, stdout, stderr): (Option<i32>, String, String)) {
    assert!(status == Some(0) && stdout.starts_with(FOUND), "{status:?} {stdout}{stderr}");
    assert_eq!(stderr, "");
}

#[track_caller]
fn assert_refused(result: (Option<i32>, String, String), status: i32, message: &str) {
    assert_eq!(
        result,
        (Some(status), String::new(), format!("mcp-proxy: cannot read the configuration from {message}\n"))
    );
}

fn ok(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

fn redirect(to: &str) -> String {
    format!("HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n")
}

fn answer(mut stream: impl Read + Write, answer: &str) -> String {
    let head = read_head(&mut stream);
    let _ = stream.write_all(answer.as_bytes()).and_then(|()| stream.flush());
    head
}

/// Answers whatever is asked; what that was comes out of the channel.
fn web(text: String) -> (SocketAddr, Receiver<String>) {
    let (sender, heads) = mpsc::channel();
    (serve(move |stream| drop(sender.send(answer(stream, &text)))), heads)
}

#[test]
fn the_proxy_serves_what_a_url_says() {
    let (web, _) = web(ok(CONFIG));
    let (mut command, _) = marked(env!("CARGO_BIN_EXE_mcp-proxy"));
    let mut proxy = command.args(["-config", &format!("http://{web}/mcp.json")]).spawn().unwrap();
    let mut said = String::new();
    let mut buffer = [0; 4096];
    let mut stdout = proxy.stdout.take().unwrap();
    while !said.contains("/far/mcp\n") {
        let count = stdout.read(&mut buffer).unwrap();
        assert_ne!(count, 0, "{said}");
        said.push_str(std::str::from_utf8(&buffer[..count]).unwrap());
    }
    let addr = said.lines().next().unwrap().rsplit(' ').next().unwrap();
    let mut health = TcpStream::connect(addr).unwrap();
    write!(health, "GET /_healthz HTTP/1.1\r\nHost: {addr}\r\nConnection: close\r\n\r\n").unwrap();
    assert!(read_head(&mut health).starts_with("HTTP/1.1 200 "));
    proxy.kill().unwrap();
    proxy.wait().unwrap();
}

#[test]
fn it_is_fetched_anew_whenever_and_wherever_it_is_read() {
    let mut number = 0;
    let web = serve(move |stream| {
        number += 1;
        answer(stream, &ok(&format!("{{ \"number\": {number} }}")));
    });
    let arguments = ["-config".to_owned(), format!("http://{web}/mcp.json?key=s3cret")];
    let Ok(Invocation::Serve(serve)) = parse(arguments.map(OsString::from).to_vec()) else { panic!("no URL?") };
    let origin = serve.job.origin().unwrap().clone();
    for number in 1..=3 {
        let origin = origin.clone();
        let source = thread::spawn(move || origin.read().unwrap()).join().unwrap();
        assert_eq!(source.text(), format!("{{ \"number\": {number} }}"));
        assert_eq!(source.name(), format!("http://{web}/…"));
    }
}

#[test]
fn the_example_of_the_readme_works() {
    let example = README.lines().find(|line| line.starts_with("mcp-proxy -config https://")).expect("an example");
    let (web, heads) = web(ok(CONFIG));
    let rest = example.strip_prefix("mcp-proxy -config https://config.example.com").expect("the usual host");
    let line = format!("exec \"$0\" -check-config -config http://{web}{rest}");
    let mut shell = Command::new("sh");
    assert_found(said(shell.args(["-c", &line, env!("CARGO_BIN_EXE_mcp-proxy")])));
    let head = heads.recv().unwrap();
    assert!(head.contains("\r\nAuthorization: Bearer TOKEN\r\n"), "{head}");
}

#[test]
fn clients_are_told_about_it_and_mistakes_have_their_place() {
    let (good, _) = web(ok(CONFIG));
    let (status, stdout, _) =
        said(command().args(["-config", &format!("http://{good}/"), "-print-client-config", "cursor"]));
    assert!(status == Some(0) && stdout.contains("/far/mcp"), "{stdout}");
    let (bad, _) = web(ok("{ \"mcpServers\": {\n  \"a\": 7 } }"));
    let (status, _, stderr) = check(&format!("http://{bad}/s3cret/mcp.json?key=s3cret"), &[]);
    assert_eq!(status, Some(2));
    assert!(stderr.starts_with(&format!("http://{bad}/…:2:8: mcpServers.a: ")), "{stderr}");
    assert!(!stderr.contains("s3cret"), "{stderr}");
}

#[test]
fn redirects_are_followed_without_the_headers_where_they_leave_the_origin() {
    let (far, far_heads) = web(ok(CONFIG));
    let (near, near_heads) = web(redirect(&format!("http://{far}/elsewhere?v=2")));
    let headers = ["-http-headers", "Authorization:Bearer s3cret;X-Key:s3cret"];
    assert_found(check(&format!("http://{near}/here"), &headers));
    let (first, second) = (near_heads.recv().unwrap(), far_heads.recv().unwrap());
    assert!(first.starts_with("GET /here HTTP/1.1\r\n") && first.matches("s3cret").count() == 2, "{first}");
    assert!(second.starts_with("GET /elsewhere?v=2 HTTP/1.1\r\n") && !second.contains("s3cret"), "{second}");
    let (round, _) = web(redirect("/again"));
    let message = format!("http://{round}: it redirects more than 5 times");
    assert_refused(check(&format!("http://{round}/"), &[]), 2, &message);
}

#[test]
fn certificates_and_forward_proxies_count_as_for_upstreams() {
    let authority = Authority::new();
    let secure = serve_tls(authority.server(&["localhost", "config.test"]), |stream| drop(answer(stream, &ok(CONFIG))));
    let url = format!("https://localhost:{}/mcp.json", secure.port());
    let with = |variables: &[(&str, &str)], url: &str| {
        said(command().envs(variables.iter().copied()).args(["-check-config", "-config", url]))
    };
    assert_found(with(&[("SSL_CERT_FILE", authority.file())], &url));
    assert_found(check(&url, &["-insecure"]));
    let stranger = Authority::named("Somebody else");
    let (status, _, stderr) = with(&[("SSL_CERT_FILE", stranger.file())], &url);
    assert!(status == Some(1) && stderr.contains("the certificate of localhost is not trusted"), "{stderr}");
    let (status, _, stderr) = with(&[("SSL_CERT_FILE", "/no/such/file.pem")], &url);
    assert!(
        status == Some(1) && stderr.contains("\n    SSL_CERT_FILE: no certificate in /no/such/file.pem"),
        "{stderr}"
    );

    let (forward, asked) = forward_proxy(b"HTTP/1.1 200 OK\r\n\r\n", secure);
    let forward = format!("http://{forward}");
    let variables = [("SSL_CERT_FILE", authority.file()), ("HTTPS_PROXY", &forward)];
    assert_found(with(&variables, "https://config.test/mcp.json"));
    assert!(asked.recv().unwrap().starts_with("CONNECT config.test:443 HTTP/1.1\r\n"));
    assert_found(with(&[variables[0], ("HTTPS_PROXY", "127.0.0.1:1"), ("NO_PROXY", "localhost")], &url));
    let downgrade =
        serve_tls(authority.server(&["localhost"]), |stream| drop(answer(stream, &redirect("http://localhost/"))));
    let url = format!("https://localhost:{}", downgrade.port());
    let reason = "it redirects to http://localhost, where others on the way could change it: that is not followed";
    assert_refused(with(&variables[..1], &url), 2, &format!("{url}: {reason}"));
}

#[test]
fn a_large_answer_in_small_pieces_arrives() {
    let padding = " ".repeat(2_000_000);
    let text = format!("{CONFIG}{padding}");
    let authority = Authority::new();
    let web = serve_tls(authority.server(&["localhost"]), move |mut stream| {
        read_head(&mut stream);
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        for piece in text.as_bytes().chunks(7_919) {
            let _ = write!(stream, "{:x}\r\n", piece.len());
            let _ = stream.write_all(piece).and_then(|()| stream.write_all(b"\r\n"));
        }
        let _ = stream.write_all(b"0\r\n\r\n");
    });
    assert_found(check(&format!("https://localhost:{}", web.port()), &["-insecure"]));
}

#[test]
fn who_says_nothing_is_given_up() {
    let (sender, held) = mpsc::channel();
    let silent = serve(move |stream| sender.send(stream).unwrap());
    let start = Instant::now();
    let message = format!(
        "http://{silent}: there was no answer within 0.2 s\n    -http-timeout gives it longer: -http-timeout 30s"
    );
    assert_refused(check(&format!("http://{silent}/?key=s3cret"), &["-http-timeout", "200ms"]), 1, &message);
    assert!((Duration::from_millis(200)..PATIENCE).contains(&start.elapsed()));
    drop(held);
    // One byte now and then does not make it longer: it is the time for all.
    let dripping = serve(|mut stream| {
        thread::spawn(move || {
            read_head(&mut stream);
            while stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").is_ok() {
                thread::sleep(Duration::from_millis(20));
            }
        });
    });
    let message = format!(
        "http://{dripping}: the answer had not ended after 0.3 s\n    -http-timeout gives it longer: -http-timeout 30s"
    );
    assert_refused(check(&format!("http://{dripping}/"), &["-http-timeout", "300ms"]), 1, &message);
}

#[test]
fn what_may_pass_is_status_1_and_what_will_not_status_2() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let message = format!("http://{nobody}: connection refused by {nobody}");
    assert_refused(check(&format!("http://{nobody}/"), &[]), 1, &message);
    for (answer, status, reason) in [
        ("HTTP/1.1 503 Later\r\nContent-Length: 0\r\n\r\n", 1, "HTTP 503 Service Unavailable"),
        ("HTTP/1.1 410 Never\r\nContent-Length: 0\r\n\r\n", 2, "HTTP 410 Gone"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{", 1, "the connection ended in the middle of the response"),
    ] {
        let (web, _) = web(answer.to_owned());
        assert_refused(check(&format!("http://{web}/"), &[]), status, &format!("http://{web}: {reason}"));
    }
}

#[test]
fn a_way_that_is_not_encrypted_is_said() {
    // This machine, by an address that does not look like it.
    let (web, _) = web(ok(CONFIG));
    let (status, _, stderr) = check(&format!("http://0.0.0.0:{}/?key=s3cret", web.port()), &[]);
    let expected = format!("warning: -config: the way to http://0.0.0.0:{} is not encrypted.\n", web.port());
    assert!(status == Some(0) && stderr.starts_with(&expected) && !stderr.contains("s3cret"), "{stderr}");
}
