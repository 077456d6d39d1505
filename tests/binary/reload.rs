//! The real binary while its configuration changes.

use std::fs::{self, OpenOptions};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{self, Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::thread;

use mcp_proxy::limits;
use rustix::process::{Signal, kill_process};
use serde_json::{Value, json};

use crate::outbounds::servers::{read_head, serve};
use crate::processes::{PATIENCE, is_stopped, marked, pid, survivors, wait_until};

const RELOADS: usize = 1_000;
const CLIENTS: usize = 16;

/// A running proxy, its file, and what it logs. Ends with the value.
pub(crate) struct Proxy {
    process: Child,
    mark: String,
    addr: SocketAddr,
    config: PathBuf,
    log: Receiver<String>,
}

impl Proxy {
    pub(crate) fn start(servers: &Value) -> Proxy {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("mcp-proxy-reload-{}-{}.json", process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let config = std::env::temp_dir().join(name);
        write(&config, servers);
        Proxy::run(config.to_str().unwrap(), config.clone())
    }

    /// With what `-config` names; `config` is the file that goes with the value.
    pub(crate) fn run(origin: &str, config: PathBuf) -> Proxy {
        let (mut command, mark) = marked(env!("CARGO_BIN_EXE_mcp-proxy"));
        let mut process = command.args(["-config", origin]).spawn().unwrap();
        let mut said = BufReader::new(process.stdout.take().unwrap()).lines().map(Result::unwrap);
        let line = said.find(|line| line.contains(" listens on ")).expect("an address");
        let addr = line.rsplit(' ').next().unwrap().parse().unwrap();
        thread::spawn(move || said.for_each(drop));
        let lines = BufReader::new(process.stderr.take().unwrap()).lines().map_while(Result::ok);
        let (heard, log) = mpsc::channel();
        thread::spawn(move || lines.for_each(|line| drop(heard.send(line))));
        Proxy { process, mark, addr, config, log }
    }

    fn hang_up(&self) {
        kill_process(pid(&self.process), Signal::HUP).unwrap();
    }

    /// Does something at a time when the proxy does nothing.
    pub(crate) fn meanwhile(&self, work: impl FnOnce()) {
        let pid = pid(&self.process);
        kill_process(pid, Signal::STOP).unwrap();
        wait_until("the proxy has stopped", || is_stopped(pid));
        work();
        kill_process(pid, Signal::CONT).unwrap();
    }

    /// The next line of the log that has this in it.
    #[track_caller]
    pub(crate) fn wait_for(&self, text: &str) -> String {
        loop {
            let line = self.log.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("nothing was logged of {text:?}"));
            if line.contains(text) {
                return line;
            }
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = fs::remove_file(&self.config);
    }
}

/// Replaces the file as careful editors do, so that nobody reads half of it.
pub(crate) fn write(config: &Path, servers: &Value) {
    let proxy = json!({ "addr": "127.0.0.1:0", "options": { "inheritEnv": true } }); // the mark
    let draft = config.with_extension("draft");
    fs::write(&draft, json!({ "mcpProxy": proxy, "mcpServers": servers }).to_string()).unwrap();
    fs::rename(&draft, config).unwrap();
}

pub(crate) fn demo(arguments: &[&str]) -> Value {
    let arguments: Vec<&str> = ["__demo"].iter().chain(arguments).copied().collect();
    json!({ "command": env!("CARGO_BIN_EXE_mcp-proxy"), "args": arguments })
}

/// A client with a connection and a session.
struct Client {
    stream: BufReader<TcpStream>,
    session: String,
}

impl Client {
    fn begin(addr: SocketAddr) -> Client {
        let mut client = Client { stream: BufReader::new(TcpStream::connect(addr).unwrap()), session: String::new() };
        let who = json!({ "name": "test", "version": "1" });
        let params = json!({ "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": who });
        let (head, _) = client.post(&json!({ "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params }));
        let session = head.lines().find_map(|line| line.strip_prefix("Mcp-Session-Id: ")).expect("a session");
        client.session = session.to_owned();
        client
    }

    /// A message for the server `one`: the head of the answer, and its body.
    fn post(&mut self, message: &Value) -> (String, Value) {
        let body = message.to_string();
        let session = match self.session.as_str() {
            "" => String::new(),
            session => format!("Mcp-Session-Id: {session}\r\n"),
        };
        // In one piece: a second one would wait for the first to be acknowledged.
        let request = format!(
            "POST /one/mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
             Accept: application/json\r\n{session}Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        self.stream.get_mut().write_all(request.as_bytes()).unwrap();
        let head = read_head(&mut self.stream);
        let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: ")).expect("a length");
        let mut body = vec![0; length.parse().unwrap()];
        self.stream.read_exact(&mut body).unwrap();
        let body = serde_json::from_slice(&body).unwrap_or_else(|error| panic!("{error}: {head}"));
        (head, body)
    }

    fn add(&mut self, a: usize, b: usize) {
        let params = json!({ "name": "add", "arguments": { "a": a, "b": b } });
        let (head, answer) = self.post(&json!({ "jsonrpc": "2.0", "id": a, "method": "tools/call", "params": params }));
        assert_eq!(
            (&answer["id"], &answer["result"]["structuredContent"]["sum"]),
            (&json!(a), &json!(a + b)),
            "{head}"
        );
    }
}

#[test]
fn a_url_is_read_again_when_it_is_asked_for() {
    let servers = |names: &[&str]| -> Value {
        let servers = names.iter().map(|name| ((*name).to_owned(), demo(&[])));
        json!({ "mcpProxy": { "addr": "127.0.0.1:0" }, "mcpServers": servers.collect::<serde_json::Map<_, _>>() })
    };
    let mut times = 0;
    let web = serve(move |mut stream| {
        times += 1;
        let body = servers(if times == 1 { &["one"] } else { &["one", "two"] }).to_string();
        read_head(&mut stream);
        let _ = write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    });
    let proxy = Proxy::run(&format!("http://{web}/config.json"), PathBuf::new());
    proxy.wait_for("Ready");
    proxy.hang_up();
    proxy.wait_for("Reloaded the configuration: added two");
}

/// What the file says for the n-th time: `one` is always the same, the others come, change and go.
fn servers(n: usize) -> Value {
    let mut servers = json!({ "one": demo(&[]), "two": demo(&[]) });
    let round = n / 4;
    servers["two"]["args"] = json!(["__demo", format!("{round}")]);
    servers["two"]["options"] = json!({ "requestTimeout": format!("{}s", 10 + n % 2) });
    if n % 4 == 2 {
        servers["three"] = demo(&[]);
    }
    servers
}

/// A connection that is reset, as one is that is closed before everything was read: what came before that counts.
#[test]
fn what_is_said_before_a_reset_is_heard() {
    let proxy = Proxy::start(&json!({ "one": demo(&[]) }));
    let Client { mut stream, session } = Client::begin(proxy.addr);
    let delete = format!("DELETE /one/mcp HTTP/1.1\r\nHost: localhost\r\nMcp-Session-Id: {session}\r\n\r\n");
    stream.get_mut().write_all(b"GET /_healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    stream.get_ref().peek(&mut [0]).unwrap(); // the answer is there, and nobody reads it
    proxy.meanwhile(|| {
        stream.get_mut().write_all(delete.as_bytes()).unwrap();
        drop(stream);
    });
    let mut other = Client { stream: BufReader::new(TcpStream::connect(proxy.addr).unwrap()), session };
    let (head, _) = other.post(&json!({ "jsonrpc": "2.0", "id": 1, "method": "ping" }));
    assert!(head.starts_with("HTTP/1.1 404 "), "{head}");
}

#[test]
fn a_thousand_reloads_lose_no_call_to_a_server_that_does_not_change() {
    let proxy = Proxy::start(&servers(0));
    let is_over = AtomicBool::new(false);
    let calls: usize = thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|_| {
                scope.spawn(|| {
                    let mut client = Client::begin(proxy.addr);
                    let mut count = 0;
                    while !is_over.load(Ordering::Relaxed) {
                        count += 1;
                        client.add(count, 7);
                    }
                    count
                })
            })
            .collect();
        for n in 1..=RELOADS {
            write(&proxy.config, &servers(n));
            proxy.hang_up();
            proxy.wait_for("Reloaded the configuration: ");
        }
        is_over.store(true, Ordering::Relaxed);
        clients.into_iter().map(|client| client.join().unwrap()).sum()
    });
    println!("{calls} calls");
    assert!(calls > RELOADS, "only {calls} calls");
    // Of two servers each a keeper and a process, and the proxy.
    wait_until("what was replaced is gone", || survivors(&proxy.mark).len() == 5);
}

#[test]
fn a_file_that_changes_is_read_without_being_told() {
    let proxy = Proxy::start(&json!({ "one": demo(&[]) }));
    let mut client = Client::begin(proxy.addr);
    write(&proxy.config, &json!({ "one": demo(&[]), "two": demo(&[]) }));
    proxy.wait_for("Reloaded the configuration: added two");
    client.add(1, 2);
}

#[test]
fn so_is_one_that_changes_while_it_is_read_for_the_first_time() {
    let config = std::env::temp_dir().join(format!("mcp-proxy-reload-{}-first.json", process::id()));
    assert!(Command::new("mkfifo").arg(&config).status().unwrap().success());
    let text = |names: &[&str]| {
        let servers: serde_json::Map<_, _> = names.iter().map(|name| ((*name).to_owned(), demo(&[]))).collect();
        json!({ "mcpProxy": { "addr": "127.0.0.1:0" }, "mcpServers": servers }).to_string()
    };
    let (first, second) = (text(&["one"]), text(&["one", "two"]));
    let path = config.clone();
    let writer = thread::spawn(move || {
        let mut pipe = OpenOptions::new().write(true).open(&path).unwrap(); // waits for the proxy
        let draft = path.with_extension("draft");
        fs::write(&draft, second).unwrap();
        fs::rename(&draft, &path).unwrap();
        pipe.write_all(first.as_bytes()).unwrap();
    });
    let proxy = Proxy::run(config.to_str().unwrap(), config.clone());
    writer.join().unwrap();
    proxy.wait_for("Reloaded the configuration: added two");
}

#[test]
fn so_is_one_behind_a_link_after_a_rest() {
    let proxy = Proxy::start(&json!({ "one": demo(&[]) }));
    let other = proxy.config.with_extension("d").join("other.json");
    fs::create_dir(other.parent().unwrap()).unwrap();
    // Nothing has happened for longer than the file is looked at for.
    thread::sleep(3 * limits::CONFIG_LOOK_INTERVAL);
    write(&other, &json!({ "one": demo(&[]), "two": demo(&[]) }));
    fs::remove_file(&proxy.config).unwrap();
    symlink(&other, &proxy.config).unwrap();
    proxy.wait_for("Reloaded the configuration: added two");
    fs::remove_dir_all(other.parent().unwrap()).unwrap();
}

#[test]
fn a_file_that_is_wrong_changes_nothing_and_says_why() {
    let proxy = Proxy::start(&json!({ "one": demo(&[]) }));
    let mut client = Client::begin(proxy.addr);
    write(&proxy.config, &json!({ "one": { "comand": "x" }, "two": { "command": "x", "args": "y" } }));
    proxy.hang_up();
    let wrong = proxy.wait_for("level=ERROR");
    assert!(wrong.contains("mcpServers.one") && wrong.contains("command"), "{wrong}");
    let wrong = proxy.wait_for("level=ERROR");
    assert!(wrong.contains("mcpServers.one.comand") || wrong.contains("mcpServers.two.args"), "{wrong}");
    proxy.wait_for("The configuration was not reloaded, nothing has changed: see above");
    client.add(1, 2);
    fs::remove_file(&proxy.config).unwrap();
    proxy.hang_up();
    assert!(proxy.wait_for("level=ERROR").contains("there is no file"));
    client.add(3, 4);
    write(&proxy.config, &json!({ "one": demo(&[]) }));
    proxy.wait_for("Reloaded the configuration: no server has changed");
    client.add(5, 6);
}

#[test]
fn without_a_configuration_sighup_is_no_reason_to_end() {
    let (mut command, _mark) = marked(env!("CARGO_BIN_EXE_mcp-proxy"));
    let mut process = command.args(["-demo", "-addr", "127.0.0.1:0"]).stdout(Stdio::null()).spawn().unwrap();
    let mut lines = BufReader::new(process.stderr.take().unwrap()).lines().map(Result::unwrap);
    lines.find(|line| line.contains("Ready")).expect("it runs");
    kill_process(pid(&process), Signal::HUP).unwrap();
    lines.find(|line| line.contains("there is no configuration that could be read again")).expect("a warning");
    kill_process(pid(&process), Signal::TERM).unwrap();
    assert!(process.wait().unwrap().success());
}
