//! The status page: for whom it is there, what it shows, and what it must not.

use std::time::Duration;

use mcp_proxy::base::url::Url;
use mcp_proxy::clients::CLIENTS;
use mcp_proxy::config::{
    Config, Isolation, Listener, Remote, RemoteTransport, StatusPage, Target, ToolFilter, ToolFilterMode, Transports,
};
use mcp_proxy::limits::STATUS_TOOLS_MAX;
use mcp_proxy::proxy::Exit;
use serde_json::{Value, json};

use crate::support::playbook::{Answer, INTRODUCTION, Playbook};
use crate::support::requests::{Http, config, loopback};

fn page(path: &str) -> Http {
    Http::new("GET", path).with("Accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8")
}

fn data(play: &mut Playbook) -> Value {
    let answer = play.request("page", &Http::new("GET", "/").with("Accept", "application/json"));
    assert_eq!((answer.head.status, answer.head.header("content-type")), (200, Some("application/json")));
    answer.json()
}

/// Both forms, as they go over the wire.
fn both_forms(play: &mut Playbook) -> [String; 2] {
    [play.request("page", &page("/")).body, data(play).to_string()]
}

/// The data within the page.
fn embedded(html: &str) -> &str {
    let start = html.find(r#"<script type="application/json" id="data">"#).expect("the data");
    let rest = &html[start..];
    let inner = &rest[rest.find('>').expect("the tag's end") + 1..];
    &inner[..inner.find("</script").expect("the element's end")]
}

fn listening_on(ip: [u8; 4]) -> Listener {
    Listener { local: (ip, 9090).into() }
}

fn with_base(base_url: &str) -> Config {
    Config { base_url: Url::parse_base(base_url).expect("a URL"), ..config(&["demo"]) }
}

/// The status of a request for the page.
fn status(config: &Config, listener: Listener, request: &Http) -> u16 {
    let mut play = Playbook::build(config.clone(), listener, false);
    let answer = play.request("a", request);
    if answer.head.status == 404 {
        let unknown = play.request("b", &page("/nowhere"));
        assert_eq!(answer.body.replace(" at /", " at /nowhere"), unknown.body, "like any unknown path");
    }
    answer.head.status
}

#[test]
fn by_default_the_page_is_for_this_machine() {
    let here = || page("/");
    assert_eq!(status(&config(&["demo"]), loopback(), &here()), 200);
    assert_eq!(status(&with_base("http://localhost:9090"), loopback(), &here()), 200);
    assert_eq!(status(&config(&["demo"]), listening_on([0, 0, 0, 0]), &here()), 404);
    assert_eq!(status(&config(&["demo"]), listening_on([192, 168, 0, 1]), &here()), 404);
    assert_eq!(status(&with_base("https://mcp.example.com"), loopback(), &here()), 404);
    for (name, value) in [
        ("X-Forwarded-For", "203.0.113.7"),
        ("x-forwarded-host", "mcp.example.com"),
        ("X-Forwarded-Proto", "https"),
        ("X-Real-IP", "203.0.113.7"),
        ("Forwarded", "for=203.0.113.7"),
        ("Via", "1.1 proxy"),
        ("Via", ""),
    ] {
        assert_eq!(status(&config(&["demo"]), loopback(), &here().with(name, value)), 404, "{name}: {value}");
    }
    assert_eq!(
        status(&config(&["demo"]), loopback(), &here().http10()),
        404,
        "what nginx speaks unless told otherwise"
    );
    let mut named = config(&["demo"]);
    named.allowed_hosts = vec!["gateway.lan".to_owned()];
    assert_eq!(status(&named, loopback(), &here().with("Host", "gateway.lan")), 404);
    assert_eq!(status(&named, loopback(), &here().with("Host", "localhost:9090")), 200);
}

#[test]
fn the_page_can_be_had_everywhere_and_nowhere() {
    let with = |status_page| Config { status_page, ..with_base("https://mcp.example.com") };
    let (always, never) = (with(StatusPage::Everywhere), with(StatusPage::Nowhere));
    for listener in [loopback(), listening_on([0, 0, 0, 0])] {
        let request = page("/").with("Host", "mcp.example.com").with("X-Forwarded-For", "203.0.113.7");
        assert_eq!(status(&always, listener, &request), 200);
        assert_eq!(status(&never, listener, &request), 404);
    }
    let never = Config { status_page: StatusPage::Nowhere, ..config(&["demo"]) };
    assert_eq!(status(&never, loopback(), &page("/")), 404);
}

#[test]
fn it_is_at_the_root_and_at_the_path_of_the_base() {
    let based = with_base("http://localhost:9090/tools/");
    for (path, expected) in
        [("/", 200), ("/tools", 200), ("/tools/", 200), ("/tools//", 404), ("/toolsx", 404), ("/other/", 404)]
    {
        let mut play = Playbook::with(based.clone());
        assert_eq!(play.request("a", &page(path)).head.status, expected, "{path}");
    }
    assert_eq!(Playbook::new().request("a", &page("/?x=1")).head.status, 200);
}

#[test]
fn origin_and_host_are_checked_as_everywhere() {
    let mut play = Playbook::new();
    for (name, value) in [("Origin", "https://evil.example"), ("Host", "evil.example"), ("Origin", "null")] {
        assert_eq!(play.request("a", &page("/").with(name, value)).head.status, 403, "{name}: {value}");
    }
    let answer = play.request("a", &page("/").with("Origin", "http://localhost:3000"));
    assert_eq!(answer.head.status, 200);
    assert_eq!(answer.head.header("access-control-allow-origin"), None, "that page may call, but need not read this");
}

#[test]
fn methods() {
    let mut play = Playbook::new();
    play.http("a", &Http::new("HEAD", "/").with("Accept", "text/html"));
    let head = play.answer("a");
    assert_eq!((head.head.status, head.body.as_str()), (200, ""));
    let get = play.request("a", &page("/"));
    assert_eq!(head.head.header("content-length"), get.head.header("content-length"));
    for method in ["POST", "PUT", "DELETE"] {
        let answer = play.request("a", &Http::new(method, "/").body(""));
        assert_eq!((answer.head.status, answer.head.header("allow")), (405, Some("GET, HEAD, OPTIONS")), "{method}");
    }
    let answer = play.request("a", &Http::new("OPTIONS", "/"));
    assert_eq!((answer.head.status, answer.head.header("allow")), (204, Some("GET, HEAD, OPTIONS")));
}

#[test]
fn who_asks_for_json_gets_json() {
    let mut play = Playbook::new();
    for (accept, content_type) in [
        ("application/json", "application/json"),
        ("Application/JSON; q=0.9, */*", "application/json"),
        ("text/html, application/json", "text/html; charset=utf-8"),
        ("*/*", "text/html; charset=utf-8"),
        ("application/jsonp", "text/html; charset=utf-8"),
    ] {
        let answer = play.request("a", &Http::new("GET", "/").with("Accept", accept));
        assert_eq!(answer.head.header("content-type"), Some(content_type), "{accept}");
    }
    let answer = play.request("a", &Http::new("GET", "/"));
    assert_eq!(answer.head.header("content-type"), Some("text/html; charset=utf-8"), "no Accept at all");
}

#[test]
fn nothing_is_kept_framed_or_loaded() {
    let mut play = Playbook::new();
    for accept in ["text/html", "application/json"] {
        let answer = play.request("a", &Http::new("GET", "/").with("Accept", accept));
        for (name, value) in [
            ("cache-control", "no-store"),
            ("vary", "Accept"),
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("cross-origin-resource-policy", "same-origin"),
        ] {
            assert_eq!(answer.head.header(name), Some(value), "{accept}");
        }
    }
    let policy = |answer: &Answer| answer.head.header("content-security-policy").expect("a policy").to_owned();
    let (first, second) = (play.request("a", &page("/")), play.request("a", &page("/")));
    let words = policy(&first);
    for directive in [
        "default-src 'none'",
        "connect-src 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "form-action 'none'",
        "require-trusted-types-for 'script'",
    ] {
        assert!(words.split("; ").any(|other| other == directive), "{directive}: {words}");
    }
    assert!(!words.contains("unsafe"), "{words}");
    assert_ne!(words, policy(&second), "a nonce is for one answer");
    let nonce = words.split("script-src 'nonce-").nth(1).and_then(|rest| rest.split('\'').next()).expect("a nonce");
    assert_eq!(nonce.len(), 32);
    let html = &first.body;
    assert_eq!(html.matches("<script").count(), html.matches(&format!("<script nonce=\"{nonce}\"")).count() + 1);
    assert_eq!(html.matches("<style").count(), html.matches(&format!("<style nonce=\"{nonce}\"")).count());
    assert!(!html.contains("@@") && !html.contains(" style=\"") && !html.contains(" onclick"));
}

/// Three servers: open, behind a token, behind a path; each says and is configured with secrets.
fn secretive() -> Config {
    let mut config = config(&["open", "closed", "fetch/s3cret", "fetch/s3cret-other-0123", "remote"]);
    for server in &mut config.servers {
        let Target::Command(command) = &mut server.target else { continue };
        command.args = vec!["--key=s3cret".to_owned()];
        command.env = vec![("KEY".to_owned(), "s3cret".to_owned())];
    }
    config.servers[1].auth_tokens = vec!["s3cret".to_owned()];
    config.servers[3].label = "fetch/…".to_owned();
    for (at, program) in [(2, "run-path"), (3, "run-other")] {
        let Target::Command(command) = &mut config.servers[at].target else { continue };
        command.program = program.to_owned();
    }
    config.servers[4].target = Target::Remote(Remote {
        url: Url::parse("https://mcp.example.com/s3cret/mcp?key=s3cret").expect("a URL"),
        transport: RemoteTransport::Streamable,
        headers: vec![("X-Key".to_owned(), "s3cret".to_owned())],
    });
    config.servers[4].auth_tokens = vec!["s3cret-too".to_owned()];
    config
}

#[test]
fn no_secret_is_told() {
    let mut play = Playbook::with(secretive());
    for name in ["closed", "path"] {
        play.ready(name);
        play.complains(name, "my key is s3cret\n");
        play.exits(name, Exit::Code(1));
    }
    let remote = play.newest_outbound();
    play.responds(&remote, "401 Unauthorized", r#"{"error":"s3cret is no key"}"#);
    play.spawn_fails("open", "no such program");
    for words in ["closed: my key is s3cret", "s3cret is no key"] {
        assert!(play.logs.iter().any(|line| line.contains(words)), "there is something to tell: {:?}", play.logs);
    }
    for form in both_forms(&mut play) {
        assert!(!form.contains("s3cret"), "{form}");
    }
    let servers = data(&mut play)["servers"].clone();
    let names: Vec<&str> = servers.as_array().unwrap().iter().map(|server| server["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["open", "closed", "fetch/…", "fetch/… (2)", "remote"]);
    assert_eq!(servers[0]["lastFailure"]["cause"], "no such program");
    assert_eq!((&servers[1]["needsToken"], &servers[1]["needsPath"]), (&json!(true), &json!(false)));
    assert_eq!((&servers[2]["needsToken"], &servers[2]["needsPath"]), (&json!(false), &json!(true)));
    assert_eq!(servers[1]["lastFailure"]["cause"], "exit status 1");
    assert_eq!(servers[1]["lastFailure"]["lastWords"], Value::Null, "for those who have a token");
    assert_eq!(servers[2]["endpoints"][0]["url"], "http://127.0.0.1:9090/fetch/…/mcp");
    assert_eq!((&servers[4]["kind"], &servers[4]["target"]), (&json!("remote"), &json!("https://mcp.example.com")));
    let failure = &servers[4]["lastFailure"];
    assert_eq!((&failure["what"], &failure["cause"]), (&json!("Could not be reached"), &Value::Null));
}

#[test]
fn the_words_of_an_open_server_are_told_to_all_as_its_callers_are() {
    let mut play = Playbook::new();
    play.ready("demo");
    play.complains("demo", "out of \u{1b}[31mpaper\n");
    play.exits("demo", Exit::Signal(9));
    play.advance(Duration::from_millis(100));
    let demo = data(&mut play)["servers"][0].clone();
    assert_eq!((&demo["state"], &demo["isFine"], &demo["retrySeconds"]), (&json!("down"), &json!(false), &json!(1)));
    let failure = json!({
        "what": "Crashed", "cause": "killed by signal 9", "lastWords": "out of  [31mpaper", "secondsAgo": 0,
    });
    assert_eq!(demo["lastFailure"], failure);
    play.advance(Duration::from_secs(61));
    play.ready("demo");
    play.advance(Duration::from_secs(3));
    let demo = data(&mut play)["servers"][0].clone();
    assert_eq!((&demo["state"], &demo["readySeconds"], &demo["restarts"]), (&json!("ready"), &json!(3), &json!(1)));
    assert_eq!(demo["lastFailure"]["secondsAgo"], 64, "it is remembered");
}

#[test]
fn tools_are_those_that_are_offered() {
    let mut filtered = config(&["demo"]);
    let names = vec!["hidden_*".to_owned()];
    filtered.servers[0].tool_filter = Some(ToolFilter { mode: ToolFilterMode::Block, names });
    let mut play = Playbook::with(filtered);
    assert_eq!(data(&mut play)["servers"][0]["tools"], Value::Null, "not known yet");
    play.spawned("demo");
    play.says("demo", &format!(r#"{{"id":"mcp-proxy:initialize","result":{INTRODUCTION}}}"#));
    let many: Vec<Value> = (0..STATUS_TOOLS_MAX + 2).map(|number| json!({ "name": format!("t{number}") })).collect();
    let tools = [vec![json!({ "name": "hidden_x" }), json!({ "name": "long".repeat(100) })], many].concat();
    play.says("demo", &json!({ "id": "mcp-proxy:tools/list", "result": { "tools": tools } }).to_string());
    let demo = data(&mut play)["servers"][0].clone();
    let shown = demo["tools"].as_array().unwrap();
    assert_eq!((shown.len(), &demo["furtherTools"]), (STATUS_TOOLS_MAX, &json!(3)));
    assert!(shown[0].as_str().unwrap().ends_with("long…") && shown[1] == "t0");
}

#[test]
fn a_server_may_have_no_tools() {
    let mut play = Playbook::new();
    play.spawned("demo");
    play.says("demo", &format!(r#"{{"id":"mcp-proxy:initialize","result":{}}}"#, INTRODUCTION.replace("tools", "x")));
    let demo = data(&mut play)["servers"][0].clone();
    assert_eq!((&demo["state"], &demo["tools"]), (&json!("ready"), &json!([])));
}

#[test]
fn markup_is_text_wherever_it_comes_from() {
    let evil = "</script><script>alert(1)</script><!--\u{2028}&amp;'\"@@nonce@@";
    let mut marked = config(&["demo"]);
    marked.name = evil.to_owned();
    marked.servers[0].name = evil.to_owned();
    marked.servers[0].label = evil.replace('/', "|");
    let mut play = Playbook::with(marked);
    play.ready("demo");
    let list = json!({ "id": "mcp-proxy:tools/list", "result": { "tools": [{ "name": evil }] } });
    play.says("demo", r#"{"method":"notifications/tools/list_changed"}"#);
    play.says("demo", &list.to_string());
    play.complains("demo", evil);
    let html = play.request("a", &page("/")).body;
    assert!(!html.contains("<script>alert") && !html.contains("alert(1)</script>"), "{html}");
    let inner = embedded(&html);
    assert!(!inner.contains(['<', '>', '&', '\u{2028}']), "{inner}");
    let read: Value = serde_json::from_str(inner).expect("JSON");
    assert_eq!((&read["name"], &read["servers"][0]["tools"]), (&json!(evil), &json!([evil])));
    assert_eq!(read, data(&mut play));
}

#[test]
fn every_client_has_its_snippet() {
    let mut two = config(&["demo", "a.b"]);
    two.servers[0].auth_tokens = vec!["s3cret".to_owned()];
    let mut play = Playbook::with(two);
    let status = data(&mut play);
    let titles: Vec<&str> =
        status["clients"].as_array().unwrap().iter().map(|c| c["title"].as_str().unwrap()).collect();
    assert_eq!((titles.len(), titles[0], titles[3]), (CLIENTS.len(), "Claude Code", "VS Code"));
    assert!(status["clients"][2]["place"].as_str().unwrap().contains(".cursor/mcp.json"));
    for (server, url) in [(0, "http://127.0.0.1:9090/demo/mcp"), (1, "http://127.0.0.1:9090/a.b/mcp")] {
        let snippets = status["servers"][server]["snippets"].as_array().unwrap();
        assert_eq!(snippets.len(), CLIENTS.len());
        for snippet in snippets {
            let snippet = snippet.as_str().expect("both transports are offered");
            assert!(snippet.contains(url) && snippet.contains("<token>") == (server == 0), "{snippet}");
            assert_eq!(snippet.trim(), snippet, "pasted into a shell, a line end would run it");
        }
    }
    let mut sse = config(&["demo"]);
    sse.transports = Transports::Sse;
    let status = data(&mut Playbook::with(sse));
    let snippets = status["servers"][0]["snippets"].as_array().unwrap();
    assert_eq!(snippets.iter().filter(|snippet| snippet.is_null()).count(), 3, "these know streamable HTTP only");
    assert_eq!(status["servers"][0]["endpoints"].as_array().unwrap().len(), 1);
}

#[test]
fn a_port_that_the_system_chose_is_shown() {
    let free = Config { base_url: Url::http("localhost", 0), ..config(&["demo"]) };
    let mut play = Playbook::with(free);
    assert_eq!(data(&mut play)["servers"][0]["endpoints"][0]["url"], "http://localhost:9090/demo/mcp");
}

#[test]
fn sessions_are_counted_and_not_named() {
    let (mut play, session) = Playbook::ready_with_session();
    let status = data(&mut play);
    assert_eq!((&status["sessions"], &status["servers"][0]["sessions"]), (&json!(1), &json!(1)));
    for form in both_forms(&mut play) {
        assert!(!form.contains(&session));
    }
}

#[test]
fn servers_of_sessions_are_one_on_the_page() {
    let mut isolated = config(&["demo"]);
    isolated.servers[0].isolation = Isolation::Session;
    let mut play = Playbook::with(isolated);
    play.http("a", &crate::support::requests::initialize("2025-11-25", "{}"));
    play.spawned("demo");
    play.complains("demo", "no luck\n");
    play.exits("demo", Exit::Code(7));
    let servers = data(&mut play)["servers"].clone();
    assert_eq!(servers.as_array().unwrap().len(), 1);
    assert_eq!((&servers[0]["state"], &servers[0]["restarts"]), (&json!("on demand"), &Value::Null));
    let failure = &servers[0]["lastFailure"];
    assert_eq!((&failure["what"], &failure["lastWords"]), (&json!("Could not be started"), &json!("no luck")));
}
