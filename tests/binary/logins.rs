//! `-oauth-list` and `-oauth-revoke`, beside a proxy that runs and without one.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{self, Child, Command};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use mcp_proxy::codec::form;
use serde_json::{Value, json};

use crate::outbounds::servers::read_head;
use crate::processes::{marked, wait_until};
use crate::reload;

const CALLBACK: &str = "http://localhost:1/callback";
/// RFC 7636, appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// A folder with a configuration, and what the proxy keeps. Goes with the value.
struct Home(PathBuf);

impl Home {
    fn new() -> Home {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("mcp-proxy-logins-{}-{}", process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let folder = std::env::temp_dir().join(name);
        fs::create_dir(&folder).unwrap();
        let oauth2 = json!({
            "enabled": true,
            "users": { "ada": "lovelace", "bob": "builder" },
            "persistenceDir": folder.join("state"),
            "redirectURIs": ["loopback"],
        });
        let proxy = json!({ "addr": "127.0.0.1:0", "options": { "oauth2": oauth2 } });
        let demo = json!({ "command": env!("CARGO_BIN_EXE_mcp-proxy"), "args": ["__demo"] });
        let config = json!({ "mcpProxy": proxy, "mcpServers": { "demo": demo } });
        fs::write(folder.join("config.json"), config.to_string()).unwrap();
        Home(folder)
    }

    fn config(&self) -> PathBuf {
        self.0.join("config.json")
    }

    /// What the operator is told: status, stdout, stderr without warnings.
    fn ask(&self, arguments: &[&str]) -> (Option<i32>, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mcp-proxy"));
        let output = command.arg("-config").arg(self.config()).args(arguments).output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}

/// A running proxy. Ends with the value.
struct Proxy {
    process: Child,
    addr: SocketAddr,
}

impl Proxy {
    fn start(config: &Path) -> Proxy {
        let (mut command, _) = marked(env!("CARGO_BIN_EXE_mcp-proxy"));
        let mut process = command.arg("-config").arg(config).stderr(process::Stdio::null()).spawn().unwrap();
        let mut said = BufReader::new(process.stdout.take().unwrap()).lines().map(Result::unwrap);
        let line = said.find(|line| line.contains(" listens on ")).expect("an address");
        let addr = line.rsplit(' ').next().unwrap().parse().unwrap();
        thread::spawn(move || said.for_each(drop));
        Proxy { process, addr }
    }

    /// One request: the head and the body of the answer.
    fn request(&self, method: &str, path: &str, headers: &str, body: &str) -> (String, String) {
        let mut stream = TcpStream::connect(self.addr).unwrap();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Length: {}\r\n{headers}\r\n{body}",
            self.addr,
            body.len()
        );
        stream.write_all(request.as_bytes()).unwrap();
        let head = read_head(&mut stream);
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        (head, text)
    }

    /// The whole way to an access token.
    fn log_in(&self, user: &str, password: &str) -> String {
        let metadata =
            json!({ "redirect_uris": [CALLBACK], "token_endpoint_auth_method": "none", "client_name": "Test" });
        let registered = self.request("POST", "/oauth/register", "", &metadata.to_string()).1;
        let registered: Value = serde_json::from_str(&registered).unwrap();
        let client = registered["client_id"].as_str().unwrap();
        let query = form::write([
            ("response_type", "code"),
            ("client_id", client),
            ("redirect_uri", CALLBACK),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
        ]);
        let (head, page) = self.request("GET", &format!("/oauth/authorize?{query}"), "", "");
        let txn = between(&page, "name=\"txn\" value=\"", "\"");
        let cookie = between(&head, "Set-Cookie: ", ";");
        let body = form::write([("txn", txn), ("username", user), ("password", password)]);
        let page = self.request("POST", "/oauth/authorize", &format!("Cookie: {cookie}\r\n"), &body).1;
        let body = form::write([
            ("grant_type", "authorization_code"),
            ("code", between(&page, "?code=", "&amp;")),
            ("redirect_uri", CALLBACK),
            ("code_verifier", VERIFIER),
            ("client_id", client),
        ]);
        let tokens: Value = serde_json::from_str(&self.request("POST", "/oauth/token", "", &body).1).unwrap();
        tokens["access_token"].as_str().unwrap_or_else(|| panic!("{tokens}")).to_owned()
    }

    /// Whether a token opens the server.
    fn is_open(&self, token: &str) -> bool {
        let headers =
            format!("Authorization: Bearer {token}\r\nContent-Type: application/json\r\nAccept: application/json\r\n");
        let client = json!({ "name": "test", "version": "1" });
        let params = json!({ "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": client });
        let message = json!({ "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params });
        let (head, _) = self.request("POST", "/demo/mcp", &headers, &message.to_string());
        assert!(head.contains(" 200 ") || head.contains(" 401 "), "{head}");
        head.contains(" 200 ")
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn between<'a>(text: &'a str, start: &str, end: &str) -> &'a str {
    let rest = &text[text.find(start).unwrap_or_else(|| panic!("no {start} in {text}")) + start.len()..];
    &rest[..rest.find(end).expect("an end")]
}

/// The first cell of the line of a user.
fn id_of(list: &str, user: &str) -> String {
    let line = list.lines().find(|line| line.split_whitespace().nth(1) == Some(user));
    line.unwrap_or_else(|| panic!("no {user} in {list}")).split_whitespace().next().unwrap().to_owned()
}

#[test]
fn a_proxy_that_runs_is_told_and_one_that_does_not_is_not_needed() {
    let home = Home::new();
    assert_eq!(home.ask(&["-oauth-list"]), (Some(0), "Nobody is logged in\n".to_owned()));
    let proxy = Proxy::start(&home.config());
    let tokens =
        ["ada", "ada", "bob"].map(|user| proxy.log_in(user, if user == "ada" { "lovelace" } else { "builder" }));
    assert!(tokens.iter().all(|token| proxy.is_open(token)));
    let (status, list) = home.ask(&["-oauth-list"]);
    assert_eq!((status, list.lines().count()), (Some(0), 4), "{list}");
    assert!(list.lines().nth(1).unwrap().ends_with("  (all)   Test"), "{list}");
    assert!(tokens.iter().all(|token| !list.contains(token)));
    assert_eq!(home.ask(&["-oauth-revoke", "eve"]), (Some(1), String::new()));
    assert_eq!(home.ask(&["-oauth-revoke", &id_of(&list, "bob")]), (Some(0), "1 login was ended\n".to_owned()));
    assert!(proxy.is_open(&tokens[0]) && !proxy.is_open(&tokens[2]));
    drop(proxy);
    assert_eq!(home.ask(&["-oauth-revoke", "ada"]), (Some(0), "2 logins were ended\n".to_owned()));
    assert_eq!(home.ask(&["-oauth-list"]).1, "Nobody is logged in\n");
    let proxy = Proxy::start(&home.config());
    assert!(tokens.iter().all(|token| !proxy.is_open(token)));
}

#[test]
fn where_nobody_logs_in_there_is_nobody_to_list() {
    let home = Home::new();
    fs::write(home.config(), r#"{ "mcpServers": { "a": { "command": "x" } } }"#).unwrap();
    assert_eq!(home.ask(&["-oauth-list"]), (Some(2), String::new()));
    assert_eq!(home.ask(&["-oauth-revoke", "ada"]), (Some(2), String::new()));
}

#[test]
fn only_the_proxy_itself_goes_on_without_what_it_kept() {
    let home = Home::new();
    let (state, file) = (home.0.join("state"), home.0.join("state/oauth_clients.json"));
    fs::create_dir(&state).unwrap();
    fs::write(&file, "half of someth").unwrap();
    for asked in [&["-oauth-list"][..], &["-oauth-revoke", "ada"]] {
        assert_eq!(home.ask(asked), (Some(1), String::new()), "{asked:?}");
        assert_eq!(fs::read_to_string(&file).unwrap(), "half of someth", "{asked:?}");
    }
    let proxy = reload::Proxy::run(home.config().to_str().unwrap(), home.config());
    assert!(proxy.wait_for("is of no use").contains("level=ERROR"));
}

#[test]
fn an_order_can_be_read_by_another_user_and_one_that_cannot_is_told_of() {
    let home = Home::new();
    let proxy = reload::Proxy::run(home.config().to_str().unwrap(), home.config());
    let bad = home.0.join("state/oauth_clients.json.revoke-0");
    fs::write(&bad, b"\xff").unwrap();
    assert!(proxy.wait_for("oauth_clients.json.revoke-0 cannot be read").contains("level=ERROR"));
    let mut operator = Command::new("sh");
    operator.args(["-c", "umask 077; exec \"$0\" -config \"$1\" -oauth-revoke ada", env!("CARGO_BIN_EXE_mcp-proxy")]);
    operator.arg(home.config()).stderr(process::Stdio::null());
    let mut running = None;
    proxy.meanwhile(|| {
        let child = running.insert(operator.spawn().unwrap());
        let order = home.0.join(format!("state/oauth_clients.json.revoke-{}", child.id()));
        wait_until("the order is there", || order.exists());
        assert_eq!(fs::metadata(order).unwrap().permissions().mode() & 0o777, 0o644);
    });
    assert_eq!(running.unwrap().wait().unwrap().code(), Some(1), "nobody is logged in");
}
