//! Probes: alive, and ready.

use mcp_proxy::config::Isolation;
use mcp_proxy::proxy::Exit;
use serde_json::json;

use crate::support::playbook::Playbook;
use crate::support::requests::{Http, config};

#[test]
fn health_is_told_to_everybody() {
    let mut with_token = config(&["demo"]);
    with_token.servers[0].auth_tokens = vec!["secret".to_owned()];
    let mut play = Playbook::with(with_token);
    for host in ["localhost", "proxy.internal"] {
        let answer = play.request("a", &Http::new("GET", "/_healthz").with("Host", host));
        assert_eq!((answer.head.status, answer.json()), (200, json!({"status": "ok"})));
        assert_eq!(answer.head.header("cache-control"), Some("no-store"));
    }
    assert_eq!(play.request("a", &Http::new("POST", "/_healthz")).head.status, 405);
    assert_eq!(play.request("a", &Http::new("GET", "/_health")).head.status, 404);
    play.http("a", &Http::new("HEAD", "/_healthz"));
    assert_eq!(play.answer("a").body, "");
}

#[test]
fn a_server_that_must_be_there_decides_about_readiness() {
    let mut two = config(&["demo", "other"]);
    two.servers[0].panic_if_invalid = true;
    let mut play = Playbook::with(two);
    let state = |play: &mut Playbook| {
        let answer = play.request("a", &Http::new("GET", "/_readyz"));
        (answer.head.status, answer.json())
    };
    let said = |status: &str, demo: &str, other: &str| {
        let servers = json!({"demo": {"state": demo}, "other": {"state": other}});
        json!({"status": status, "servers": servers})
    };
    assert_eq!(state(&mut play), (503, said("not ready", "starting", "starting")));
    play.ready("demo");
    assert_eq!(state(&mut play), (200, said("ready", "ready", "starting")));
    play.spawned("other");
    play.exits("other", Exit::Code(1));
    assert_eq!(state(&mut play), (200, said("ready", "ready", "down")));
    play.exits("demo", Exit::Code(1));
    assert_eq!(state(&mut play).0, 503);
}

#[test]
fn probes_are_at_the_root_and_below_the_base() {
    let mut based = config(&["a/token", "a/other"]);
    based.servers[1].isolation = Isolation::Session;
    based.base_url = mcp_proxy::base::url::Url::parse("http://localhost:9090/base").expect("a URL");
    based.servers[0].isolation = Isolation::Session;
    let mut play = Playbook::with(based);
    for path in ["/_readyz", "/base/_readyz"] {
        let answer = play.request("a", &Http::new("GET", path));
        assert_eq!(
            answer.json(),
            json!({"status": "ready", "servers": {"a": {"state": "on demand"}, "a (2)": {"state": "on demand"}}})
        );
    }
    assert_eq!(play.request("a", &Http::new("GET", "/x/_readyz")).head.status, 404);
}
