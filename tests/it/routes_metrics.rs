//! `/metrics`: what is counted, and how it is told.

use std::time::Duration;

use mcp_proxy::base::url::Url;
use mcp_proxy::config::{Config, Isolation};
use mcp_proxy::proxy::{Exit, Vitals};

use crate::support::playbook::{INTRODUCTION, Playbook};
use crate::support::requests::{Http, config};

fn watched(names: &[&str]) -> Config {
    Config { metrics: true, ..config(names) }
}

/// The page, as lines.
fn page(play: &mut Playbook) -> Vec<String> {
    let answer = play.answer_to(&Http::new("GET", "/metrics"));
    assert_eq!(answer.head.status, 200, "{answer:?}");
    answer.body.lines().map(str::to_owned).collect()
}

/// The samples whose names begin so.
fn samples(play: &mut Playbook, name: &str) -> Vec<String> {
    page(play).into_iter().filter(|line| line.starts_with(name)).collect()
}

#[test]
fn while_off_there_is_no_such_path() {
    let mut play = Playbook::new();
    let (metrics, other) = ["/metrics", "/nothing"].map(|path| play.answer_to(&Http::new("GET", path))).into();
    assert_eq!((metrics.head.status, metrics.body), (404, other.body.replace("nothing", "metrics")));
}

#[test]
fn they_are_at_the_root_and_below_the_base() {
    let mut config = watched(&["demo"]);
    config.base_url = Url::parse("http://localhost:9090/base").expect("a URL");
    config.servers[0].auth_tokens = vec!["secret".to_owned()];
    let mut play = Playbook::with(config);
    for path in ["/metrics", "/base/metrics"] {
        let answer = play.answer_to(&Http::new("GET", path));
        assert_eq!(answer.head.status, 200, "{path}");
        assert_eq!(answer.head.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
        assert_eq!(answer.head.header("cache-control"), Some("no-store"));
        assert!(answer.body.ends_with('\n'));
    }
    for path in ["/other/metrics", "/base/demo/metrics", "/base/base/metrics", "/metrics/"] {
        assert_eq!(play.answer_to(&Http::new("GET", path)).head.status, 404, "{path}");
    }
    assert_eq!(play.answer_to(&Http::new("POST", "/metrics").body("")).head.status, 405);
    let head = play.answer_to(&Http::new("HEAD", "/metrics"));
    assert_eq!((head.head.status, head.body.as_str()), (200, ""));
}

/// A page of an attacker whose name resolves to a loopback address must not read which servers there are.
#[test]
fn foreign_pages_are_not_told() {
    let mut play = Playbook::with(watched(&["demo"]));
    let request = Http::new("GET", "/metrics");
    assert_eq!(play.answer_to(&request.clone().with("Host", "evil.example")).head.status, 403);
    assert_eq!(play.answer_to(&request.with("Origin", "http://evil.example")).head.status, 403);
}

#[test]
fn the_whole_page() {
    let mut play = Playbook::with(watched(&["demo"]));
    play.vitals.set(Vitals { resident_bytes: Some(4_096), open_fds: Some(12), dropped_log_lines: 7 });
    play.ready("demo");
    let s = play.session("a");
    play.post("a", &s, r#"{"id":1,"method":"tools/call","params":{"name":"t"}}"#);
    play.advance(Duration::from_millis(20));
    play.says("demo", r#"{"id":#1,"result":{}}"#);
    play.post("a", &s, r#"{"id":2,"method":"tools/call","params":{"name":"t"}}"#);
    let now = play.now().instant;
    play.proxy.handle_turn(now - Duration::from_millis(2), now);
    let found = page(&mut play).join("\n") + "\n";
    let found = found.replace(env!("CARGO_PKG_VERSION"), "VERSION");
    // What the proxy itself writes into its heads is not the point here.
    let is_sent = |line: &&str| line.starts_with("mcp_proxy_sent_bytes_total ");
    let sent = found.lines().find(is_sent).expect("what was sent").to_owned();
    assert_eq!(found.replace(&sent, "mcp_proxy_sent_bytes_total SENT"), include_str!("golden/metrics.txt"));
}

#[test]
fn every_end_of_a_call_has_its_name() {
    let mut play = Playbook::with(watched(&["demo"]));
    play.ready("demo");
    let s = play.session("a");
    play.post("a", &s, r#"{"id":1,"method":"prompts/get"}"#);
    play.says("demo", r#"{"id":#1,"error":{"code":1,"message":"no"}}"#);
    play.post("a", &s, r#"{"id":2,"method":"x\"} 1\n"}"#);
    play.post("b", &s, r#"{"method":"notifications/cancelled","params":{"requestId":2}}"#);
    play.post("a", &s, r#"{"id":3,"method":"resources/read"}"#);
    play.exits("demo", Exit::Code(1));
    assert_eq!(
        samples(&mut play, "mcp_proxy_calls_total"),
        [
            r#"mcp_proxy_calls_total{server="demo",method="initialize",outcome="ok"} 1"#,
            r#"mcp_proxy_calls_total{server="demo",method="prompts/get",outcome="error"} 1"#,
            r#"mcp_proxy_calls_total{server="demo",method="resources/read",outcome="failed"} 1"#,
            r#"mcp_proxy_calls_total{server="demo",method="other",outcome="cancelled"} 1"#,
        ]
    );
    let count = r#"mcp_proxy_call_duration_seconds_count{server="demo"} 4"#;
    assert_eq!(samples(&mut play, "mcp_proxy_call_duration_seconds_count"), [count]);
}

#[test]
fn what_waits_and_what_is_started_anew() {
    let mut play = Playbook::with(watched(&["demo"]));
    let of_demo = |play: &mut Playbook, name: &str| samples(play, &format!("{name}{{server=\"demo\"}}")).join("");
    play.ready("demo");
    let s = play.session("a");
    assert_eq!(of_demo(&mut play, "mcp_proxy_server_up"), "mcp_proxy_server_up{server=\"demo\"} 1");
    play.exits("demo", Exit::Code(1));
    assert_eq!(of_demo(&mut play, "mcp_proxy_server_up"), "mcp_proxy_server_up{server=\"demo\"} 0");
    play.post("a", &s, r#"{"id":1,"method":"tools/list"}"#);
    let waiting = "mcp_proxy_calls_waiting{server=\"demo\"} 1";
    assert_eq!(of_demo(&mut play, "mcp_proxy_calls_waiting"), waiting);
    let restarts = "mcp_proxy_server_restarts_total{server=\"demo\"} 1";
    assert_eq!(of_demo(&mut play, "mcp_proxy_server_restarts_total"), restarts);
    assert_ne!(of_demo(&mut play, "mcp_proxy_queued_bytes"), "mcp_proxy_queued_bytes{server=\"demo\"} 0");
    assert_eq!(of_demo(&mut play, "mcp_proxy_sessions"), "mcp_proxy_sessions{server=\"demo\"} 1");
}

#[test]
fn private_servers_count_towards_their_entrance() {
    let mut config = watched(&["demo"]);
    config.servers[0].isolation = Isolation::Session;
    let mut play = Playbook::with(config);
    play.http("a", &crate::support::requests::initialize("2025-11-25", "{}"));
    play.spawned("demo");
    play.says("demo", &format!(r#"{{"id":"mcp-proxy:initialize","result":{INTRODUCTION}}}"#));
    let s = play.answer("a").head.header("mcp-session-id").expect("a session").to_owned();
    play.post("a", &s, r#"{"id":1,"method":"tools/call","params":{"name":"t"}}"#);
    assert_eq!(samples(&mut play, "mcp_proxy_calls_in_flight"), [r#"mcp_proxy_calls_in_flight{server="demo"} 1"#]);
    play.exits("demo", Exit::Code(1));
    play.post("a", &s, r#"{"id":2,"method":"tools/call","params":{"name":"t"}}"#);
    assert_eq!(
        [
            samples(&mut play, "mcp_proxy_calls_total"),
            samples(&mut play, "mcp_proxy_server_restarts_total"),
            samples(&mut play, "mcp_proxy_calls_waiting"),
            samples(&mut play, "mcp_proxy_server_up"),
        ]
        .concat(),
        [
            r#"mcp_proxy_calls_total{server="demo",method="tools/call",outcome="failed"} 1"#,
            r#"mcp_proxy_calls_total{server="demo",method="initialize",outcome="ok"} 1"#,
            r#"mcp_proxy_server_restarts_total{server="demo"} 1"#,
            r#"mcp_proxy_calls_waiting{server="demo"} 1"#,
            r#"mcp_proxy_server_up{server="demo"} 1"#,
        ]
    );
}

#[test]
fn what_the_system_does_not_say_is_left_out() {
    let mut play = Playbook::with(watched(&["demo"]));
    let lines = page(&mut play);
    assert!(lines.iter().any(|line| line.starts_with("process_start_time_seconds ")));
    assert!(!lines.iter().any(|line| line.contains("resident") || line.contains("fds")), "{lines:?}");
}

/// A path within a name may be a credential, however short it is.
#[test]
fn no_path_within_a_name_is_told() {
    let mut play = Playbook::with(watched(&["fetch/abc", "fetch/def"]));
    let up = [r#"mcp_proxy_server_up{server="fetch"} 0"#, r#"mcp_proxy_server_up{server="fetch (2)"} 0"#];
    assert_eq!(samples(&mut play, "mcp_proxy_server_up"), up);
    assert!(!page(&mut play).concat().contains("abc"));
}
