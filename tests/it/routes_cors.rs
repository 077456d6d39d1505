//! Pages in browsers: preflights, and what they may read of every answer.

use mcp_proxy::config::Config;

use crate::support::answers::Head;
use crate::support::playbook::Playbook;
use crate::support::requests::{Http, config, initialize};

const PAGE: &str = "https://app.example.org";

/// A ready server, protected by a token, that pages of [`PAGE`] may call.
fn protected() -> Playbook {
    let mut config = config(&["demo"]);
    config.allowed_origins = vec![PAGE.to_owned()];
    config.servers[0].auth_tokens = vec!["s3cret".to_owned()];
    let mut play = Playbook::with(config);
    play.ready("demo");
    play
}

fn preflight(path: &str, origin: &str) -> Http {
    Http::new("OPTIONS", path)
        .with("Origin", origin)
        .with("Access-Control-Request-Method", "POST")
        .with("Access-Control-Request-Headers", "authorization,content-type,mcp-protocol-version")
}

/// What every answer to a page carries.
#[track_caller]
fn assert_readable(head: &Head, origin: &str) {
    assert_eq!(head.header("access-control-allow-origin"), Some(origin), "{head:?}");
    assert_eq!(head.header("vary"), Some("Origin"), "{head:?}");
    let exposed = head.header("access-control-expose-headers").expect("exposed headers");
    assert_eq!(exposed, "Mcp-Session-Id, MCP-Protocol-Version, WWW-Authenticate");
}

#[track_caller]
fn assert_silent(head: &Head) {
    let is_cors = |name: &str| name.to_lowercase().starts_with("access-control-") || name.eq_ignore_ascii_case("vary");
    assert!(head.headers.iter().all(|(name, _)| !is_cors(name)), "{head:?}");
}

#[test]
fn a_preflight_needs_no_token() {
    let mut play = protected();
    for path in ["/demo/mcp", "/demo/mcp/", "/nowhere"] {
        let answer = play.request("a", &preflight(path, PAGE));
        assert_eq!((answer.head.status, answer.body.as_str()), (204, ""), "{path}");
        assert_readable(&answer.head, PAGE);
        let allowed = |name: &str| {
            let value = answer.head.header(name).expect("a list").to_lowercase();
            value.split(", ").map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(allowed("access-control-allow-methods"), ["get", "post", "delete"]);
        for header in [
            "authorization",
            "content-type",
            "accept",
            "mcp-session-id",
            "mcp-protocol-version",
            "last-event-id",
            "mcp-method",
            "mcp-name",
        ] {
            assert!(allowed("access-control-allow-headers").contains(&header.to_owned()), "{header}");
        }
        assert_eq!(answer.head.header("access-control-max-age"), Some("7200"));
        assert_eq!(answer.head.header("access-control-allow-credentials"), None, "no cookies are wanted");
    }
}

#[test]
fn a_preflight_of_a_foreign_origin_is_refused() {
    let mut play = protected();
    for origin in ["https://evil.example", "null"] {
        let answer = play.request("a", &preflight("/demo/mcp", origin));
        assert_eq!(answer.head.status, 403);
        assert_silent(&answer.head);
    }
    let foreign_host = preflight("/demo/mcp", PAGE).with("Host", "evil.example");
    assert_eq!(play.request("a", &foreign_host).head.status, 403);
}

#[test]
fn options_without_a_question_say_what_the_path_allows() {
    let mut play = protected();
    let answer = play.request("a", &Http::new("OPTIONS", "/demo/mcp").with("Origin", PAGE));
    assert_eq!((answer.head.status, answer.head.header("allow")), (204, Some("GET, POST, DELETE, OPTIONS")));
    assert_readable(&answer.head, PAGE);
    assert_eq!(answer.head.header("access-control-allow-methods"), None);
    let no_page = Http::new("OPTIONS", "/demo/mcp").with("Access-Control-Request-Method", "POST");
    let answer = play.request("a", &no_page);
    assert_eq!((answer.head.status, answer.head.header("allow")), (204, Some("GET, POST, DELETE, OPTIONS")));
    assert_silent(&answer.head);
}

#[test]
fn a_page_may_read_every_answer() {
    let mut play = protected();
    let of_page = |http: Http| http.with("Origin", PAGE).with("Authorization", "Bearer s3cret");
    let hello = of_page(initialize("2025-11-25", "{}"));
    let unauthorized = play.request("a", &hello.clone().without("Authorization"));
    assert_eq!(unauthorized.head.status, 401);
    assert_readable(&unauthorized.head, PAGE);
    let answer = play.request("a", &hello);
    assert_eq!(answer.head.status, 200);
    assert_readable(&answer.head, PAGE);
    let session = answer.head.header("mcp-session-id").expect("a session").to_owned();
    let post = |body: &str| of_page(Http::post("/demo/mcp", body)).session(&session);
    let of_any = |http: &Http, status: u16, play: &mut Playbook| {
        let answer = play.request("a", http);
        assert_eq!(answer.head.status, status, "{answer:?}");
        assert_readable(&answer.head, PAGE);
    };
    of_any(&post(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#), 202, &mut play);
    of_any(&post("nonsense"), 400, &mut play);
    of_any(&post("{}").session("unknown"), 400, &mut play);
    of_any(&post("{}").with("Content-Type", "text/plain"), 415, &mut play);
    of_any(&of_page(Http::get("/nowhere")), 404, &mut play);
    of_any(&of_page(Http::get("/demo/mcp")), 405, &mut play);
    of_any(&of_page(Http::new("DELETE", "/demo/mcp")).session(&session), 204, &mut play);
}

#[test]
fn a_page_may_read_streams() {
    let mut play = protected();
    let of_page = |http: Http| http.with("Origin", PAGE).with("Authorization", "Bearer s3cret");
    let answer = play.request("a", &of_page(initialize("2025-11-25", "{}")));
    let session = answer.head.header("mcp-session-id").expect("a session").to_owned();
    play.forget();
    play.http("g", &of_page(Http::get("/demo/mcp")).session(&session));
    let call = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#;
    let post = of_page(Http::post("/demo/mcp", call).with("Accept", "text/event-stream")).session(&session);
    play.http("a", &post);
    let heads: Vec<String> = play.take().into_iter().filter(|line| line.contains("stream")).collect();
    assert_eq!(heads.len(), 2, "{heads:?}");
    for head in heads {
        assert!(head.contains(PAGE) && head.to_lowercase().contains("vary: origin"), "{head}");
    }
}

#[test]
fn one_request_of_a_page_says_nothing_about_the_next_on_its_connection() {
    let mut play = protected();
    assert_eq!(play.request("a", &preflight("/demo/mcp", PAGE)).head.status, 204);
    assert_silent(&play.request("a", &Http::get("/demo/mcp")).head);
    assert_eq!(play.request("a", &preflight("/demo/mcp", PAGE)).head.status, 204);
    play.send("a", b"GET  / HTTP/1.1\r\n\r\n");
    let answer = play.answer("a");
    assert_eq!(answer.head.status, 400);
    assert_silent(&answer.head);
}

#[test]
fn any_origin_is_named_where_all_are_allowed() {
    let mut play = Playbook::with(Config { allowed_origins: vec!["*".to_owned()], ..config(&["demo"]) });
    play.forget();
    for origin in ["https://any.example", "null"] {
        let answer = play.request("a", &preflight("/demo/mcp", origin));
        assert_eq!(answer.head.status, 204);
        assert_readable(&answer.head, origin);
    }
    let local = play.request("a", &preflight("/demo/mcp", "http://localhost:6274"));
    assert_readable(&local.head, "http://localhost:6274");
}

#[test]
fn a_page_may_send_what_tools_want_in_headers() {
    let mut play = protected();
    let asked = "content-type,mcp-param-region,x-other,mcp-param-y, mcp-param-x";
    let answer = play.request("a", &preflight("/demo/mcp", PAGE).with("Access-Control-Request-Headers", asked));
    let allowed = answer.head.header("access-control-allow-headers").expect("a list");
    assert!(allowed.ends_with("Mcp-Name, mcp-param-region, mcp-param-y, mcp-param-x"), "{allowed}");
}
