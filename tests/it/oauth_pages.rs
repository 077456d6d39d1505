//! The pages of the login: what they say, what cannot be put into them, and templates that people have made themselves.

use mcp_proxy::config::redirect_uri::RedirectUri;
use mcp_proxy::limits::TEMPLATE_BYTES_MAX;
use mcp_proxy::oauth::answer::{Answer, LoginPage, Page as Shown, SuccessPage};
use mcp_proxy::oauth::pages::{Page, Pages, Rendered};

/// In the shape of the reference's templates, as its users have customised them.
const CUSTOM: &str = include_str!("golden/oauth/authorize.html");
const CUSTOM_SUCCESS: &str = include_str!("golden/oauth/success.html");

const NONCE: &str = "n0nce-_n0nce";
const TRANSACTION: &str = "tr4nsaction";

fn uri(text: &str) -> RedirectUri {
    RedirectUri::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn usual_login() -> LoginPage {
    LoginPage {
        client_name: "Claude".into(),
        resource_name: "files".into(),
        client_id: "c1".into(),
        redirect_uri: uri("https://claude.ai/api/mcp/auth_callback"),
        response_type: "code".into(),
        scope: "mcp".into(),
        state: "s1".into(),
        code_challenge: "cc1".into(),
        resource: "https://mcp.example.com/files/mcp".into(),
        error_message: String::new(),
        username: String::new(),
        txn: TRANSACTION.into(),
    }
}

fn usual_success() -> SuccessPage {
    SuccessPage {
        username: "ada".into(),
        client_name: "Claude".into(),
        redirect_uri: uri("https://claude.ai/cb"),
        parameters: "code=c0de&state=s1".into(),
    }
}

fn built_in() -> Pages {
    Pages::new().unwrap()
}

fn custom() -> Pages {
    let mut pages = built_in();
    pages.handle_file(Page::Authorize, Some(CUSTOM)).unwrap();
    pages.handle_file(Page::Success, Some(CUSTOM_SUCCESS)).unwrap();
    pages
}

#[track_caller]
fn login(pages: &Pages, page: &LoginPage) -> Rendered {
    let rendered = pages.render(&Shown::Login(Box::new(page.clone())), NONCE).unwrap();
    assert_eq!(rendered.fault, None);
    rendered
}

#[track_caller]
fn success(pages: &Pages, page: &SuccessPage) -> Rendered {
    let rendered = pages.render(&Shown::Success(Box::new(page.clone())), NONCE).unwrap();
    assert_eq!(rendered.fault, None);
    rendered
}

#[track_caller]
fn offset(html: &str, part: &str) -> usize {
    html.find(part).unwrap_or_else(|| panic!("no {part} in {html}"))
}

#[test]
fn who_asks_and_where_it_leads_is_said_before_the_password() {
    let html = login(&built_in(), &usual_login()).html;
    let password = offset(&html, "type=\"password\"");
    for said in ["<bdi>Claude</bdi></strong> asks", "<bdi>files</bdi>", "<bdi>claude.ai</bdi></dd>"] {
        assert!(offset(&html, said) < password, "{said}");
    }
    for (name, value) in [
        ("client_id", "c1"),
        ("redirect_uri", "https://claude.ai/api/mcp/auth_callback"),
        ("response_type", "code"),
        ("scope", "mcp"),
        ("state", "s1"),
        ("code_challenge", "cc1"),
        ("code_challenge_method", "S256"),
        ("resource", "https://mcp.example.com/files/mcp"),
        ("txn", TRANSACTION),
    ] {
        offset(&html, &format!("<input type=\"hidden\" name=\"{name}\" value=\"{value}\">"));
    }
    assert!(!html.contains("class=\"error\"") && !html.contains("class=\"caution\""), "{html}");
    assert!(html.starts_with("<!DOCTYPE html>") && !html.contains("mcp-proxy-") && !html.contains("{{"), "{html}");
}

#[test]
fn what_is_wrong_is_said_at_the_field() {
    let html = login(
        &built_in(),
        &LoginPage { error_message: "Wrong, try again.".into(), username: "ada".into(), ..usual_login() },
    )
    .html;
    let error = offset(&html, "<p class=\"error\" id=\"error\" role=\"alert\">Wrong, try again.</p>");
    assert!(offset(&html, "for=\"password\"") < error && error < offset(&html, "id=\"password\""));
    assert_eq!(
        (html.matches("aria-invalid=\"true\"").count(), html.matches("aria-describedby=\"error\"").count()),
        (2, 1)
    );
    offset(&html, "name=\"username\" value=\"ada\"");
    assert_eq!(html.matches("autofocus").count(), 1);
}

#[test]
fn whoever_is_sent_to_a_program_is_warned() {
    let host = |redirect_uri| {
        let html = login(&built_in(), &LoginPage { redirect_uri: uri(redirect_uri), ..usual_login() }).html;
        let shown = html.split_once("<dd>").and_then(|(_, rest)| rest.split_once("</dd>")).unwrap().0;
        (shown.replace("<bdi>", "").replace("</bdi>", ""), html.contains("class=\"caution\""))
    };
    let app = "an application on this device, by a link that begins with ";
    for (uri, shown, is_warned) in [
        ("https://claude.ai/cb", "claude.ai".to_owned(), false),
        ("https://claude.ai:8443/cb", "claude.ai:8443".to_owned(), false),
        ("http://claude.ai/cb", "http://claude.ai".to_owned(), false),
        ("http://localhost:6274/oauth/callback", "localhost:6274".to_owned(), true),
        ("http://127.0.0.1:1/callback", "127.0.0.1:1".to_owned(), true),
        ("http://[::1]:1/callback", "[::1]:1".to_owned(), true),
        ("cursor://anysphere.cursor-mcp/oauth/callback", format!("{app}cursor:"), true),
    ] {
        assert_eq!(host(uri), (shown, is_warned), "{uri}");
    }
}

#[test]
fn behind_the_login_the_way_leads_on_without_a_script() {
    let html = success(&built_in(), &usual_success()).html;
    let url = "https://claude.ai/cb?code=c0de&amp;state=s1";
    offset(&html, &format!("<meta http-equiv=\"refresh\" content=\"0;url={url}\">"));
    offset(&html, &format!("<a href=\"{url}\" autofocus>Continue to <bdi>claude.ai</bdi></a>"));
    offset(&html, "<bdi>ada</bdi>");
    let cursor = SuccessPage {
        redirect_uri: uri("cursor://anysphere/cb"),
        parameters: "code=c&state='".into(),
        ..usual_success()
    };
    let app = success(&built_in(), &cursor).html;
    offset(&app, "content=\"0;url=cursor://anysphere/cb?code=c&amp;state=");
    offset(&app, "<a href=\"cursor://anysphere/cb?code=c&amp;state=");
}

/// What attackers call themselves.
const HOSTILE: [&str; 14] = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "' onmouseover='alert(1)",
    "';alert(1);//",
    "\\';alert(1);//",
    "</script><script>alert(1)</script>",
    "</title></style></textarea><b>",
    "<!--",
    "-->",
    "`${alert(1)}`",
    "{{.State}} {{template \"x\"}} {{",
    "nonce=\"mcp-proxy-nonce\" name=\"txn\" value=\"mcp-proxy-txn\"",
    "a\u{2028}b\u{2029}c\nd\re\0f",
    "&lt;script&gt;&quot;",
];

/// How often each character occurs that could end something and begin something else. Left out is the line of a script
/// in which a value has its own quotes.
fn skeleton(html: &str) -> [usize; 4] {
    let is_counted = |line: &&str| !line.trim_start().starts_with("var client = ");
    let html: String = html.lines().filter(is_counted).collect();
    ['<', '>', '"', '\''].map(|c| html.matches(c).count())
}

#[test]
fn nothing_that_is_filled_in_becomes_a_part_of_the_page() {
    for pages in [built_in(), custom()] {
        let plain = LoginPage { error_message: "wrong".into(), username: "x".into(), ..usual_login() };
        let usual = skeleton(&login(&pages, &plain).html);
        for hostile in HOSTILE {
            let single = hostile.replace(['\n', '\r', '\0', '\u{2028}', '\u{2029}'], "");
            for (field, said) in [
                ("ClientName", LoginPage { client_name: hostile.into(), ..plain.clone() }),
                ("ResourceName", LoginPage { resource_name: hostile.into(), ..plain.clone() }),
                ("ClientID", LoginPage { client_id: single.clone(), ..plain.clone() }),
                ("Scope", LoginPage { scope: single.clone(), ..plain.clone() }),
                ("State", LoginPage { state: single.clone(), ..plain.clone() }),
                ("CodeChallenge", LoginPage { code_challenge: single.clone(), ..plain.clone() }),
                ("Resource", LoginPage { resource: single.clone(), ..plain.clone() }),
                ("ErrorMessage", LoginPage { error_message: single.clone(), ..plain.clone() }),
                ("Username", LoginPage { username: single.clone(), ..plain.clone() }),
                ("ResponseType", LoginPage { response_type: single.clone(), ..plain.clone() }),
            ] {
                let html = login(&pages, &said).html;
                assert_eq!(skeleton(&html), usual, "{field} as {hostile}: {html}");
                assert_eq!(html.matches(NONCE).count(), login(&pages, &plain).html.matches(NONCE).count());
                assert_eq!(html.matches(TRANSACTION).count(), 1, "{field} as {hostile}");
            }
        }
        let state = |tail: &str| format!("state={tail}");
        let usual = skeleton(&success(&pages, &SuccessPage { parameters: state("s"), ..usual_success() }).html);
        for hostile in HOSTILE {
            let (username, client_name) = (hostile.into(), hostile.into());
            let page = SuccessPage { username, client_name, parameters: state(hostile), ..usual_success() };
            let html = success(&pages, &page).html;
            assert_eq!(skeleton(&html), usual, "{hostile}: {html}");
        }
    }
}

#[test]
fn each_place_has_its_own_escapes() {
    let hostile = "a'\"</script>&b";
    let html = login(
        &custom(),
        &LoginPage { client_name: hostile.into(), state: hostile.into(), resource: hostile.into(), ..usual_login() },
    )
    .html;
    offset(&html, "<strong>a&#39;&#34;&lt;/script&gt;&amp;b</strong>");
    offset(&html, "name=\"state\" value=\"a&#39;&#34;&lt;/script&gt;&amp;b\"");
    offset(&html, r#"var client = "a'\"\u003c/script\u003e\u0026b", state = 'a\u0027\u0022\u003c\/script"#);
    offset(&html, "https://help.example/?from=a%27%22%3c%2fscript%3e%26b\"");
    let parameters = "code=c&state='-alert(1)-'</script>".into();
    let html = success(&custom(), &SuccessPage { parameters, ..usual_success() }).html;
    offset(&html, r"href = 'https:\/\/claude.ai\/cb?code=c\u0026state=\u0027-alert(1)-\u0027\u003c\/script\u003e';");
    offset(&html, "<a href=\"https://claude.ai/cb?code=c&amp;state=%27-alert%281%29-%27%3c/script%3e\"");
}

#[test]
fn names_do_not_turn_the_text_around_them() {
    let long = "x".repeat(10_000);
    let html = login(
        &built_in(),
        &LoginPage { client_name: "Claude\u{202e}\u{2066} moc".into(), resource_name: long, ..usual_login() },
    )
    .html;
    offset(&html, "<bdi>Claude moc</bdi>");
    assert!(html.len() < 8_000 && html.contains("xxx…"));
}

#[test]
fn a_customised_page_gets_what_it_needs() {
    let rendered = login(&custom(), &usual_login());
    let html = rendered.html;
    for tag in ["<link", "<style", "<script"] {
        offset(&html, &format!("{tag} nonce=\"{NONCE}\""));
    }
    assert_eq!(html.matches(NONCE).count(), 3, "{html}");
    let form = "<form method=\"POST\" action=\"/oauth/authorize\" onsubmit=\"return wait()\">\
                <input type=\"hidden\" name=\"txn\" value=\"tr4nsaction\">";
    offset(&html, form);
    assert_eq!(html.matches(TRANSACTION).count(), 1, "not for other sites, nor in comments");
    let handler = "script-src-attr 'unsafe-hashes' 'sha256-PcfyH8eI1I1brxKsqEY8/ZwlPzCYPGlhLd2RrtmxHvE=';";
    assert!(rendered.policy.contains(handler), "{}", rendered.policy);
}

#[test]
fn every_page_says_what_browsers_may_do_with_it() {
    let policy =
        |redirect_uri| login(&built_in(), &LoginPage { redirect_uri: uri(redirect_uri), ..usual_login() }).policy;
    assert_eq!(
        policy("https://claude.ai/api/mcp/auth_callback"),
        "default-src 'none'; script-src 'nonce-n0nce-_n0nce'; script-src-attr 'none'; \
         style-src 'nonce-n0nce-_n0nce'; style-src-attr 'unsafe-inline'; img-src 'self' data: https:; \
         font-src 'self' data: https:; base-uri 'none'; form-action 'self' https://claude.ai; frame-ancestors 'none'"
    );
    for (uri, sources) in [
        ("http://localhost:6274/cb", "'self' http://localhost:6274;"),
        ("https://Claude.AI:443/cb", "'self' https://claude.ai;"),
        ("http://[::1]:1/cb", "'self' http:;"),
        ("cursor://x/cb", "'self' cursor:;"),
    ] {
        assert!(policy(uri).contains(&format!("form-action {sources} frame")), "{uri}: {}", policy(uri));
    }
    let success = success(&built_in(), &usual_success()).policy;
    assert!(success.contains("form-action 'self' https://claude.ai; frame-ancestors 'none'"), "{success}");
    for (name, value) in [
        ("Cache-Control", "no-store"),
        ("X-Content-Type-Options", "nosniff"),
        ("X-Frame-Options", "DENY"),
        ("Referrer-Policy", "same-origin"),
        ("Content-Type", "text/html; charset=utf-8"),
    ] {
        assert_eq!(Answer::error_page(400, "x").header(name), Some(value), "{name}");
    }
}

#[test]
fn the_built_in_pages_need_nothing_from_elsewhere() {
    for page in Page::ALL {
        let source = page.built_in();
        for banned in ["http:", "https:", "//", "<script", "<img", "@import", "url("] {
            assert!(!source.contains(banned), "{banned} in {}", page.file_name());
        }
        assert!(source.contains("<html lang=\"en\">") && source.contains("width=device-width"));
        assert!(source.contains("prefers-color-scheme: dark") && source.contains("<main>"));
    }
}

#[test]
fn a_broken_file_says_where_and_leaves_the_last_good_one() {
    let form = "<form method=\"post\">";
    for (page, source, said) in [
        (
            Page::Authorize,
            format!("{form}\n{{{{if .State}}}}"),
            "authorize.html:2: this is never ended: {{end}} is missing",
        ),
        (Page::Authorize, format!("{form}\n{{{{end}}}}"), "authorize.html:2: there is nothing to end here"),
        (Page::Authorize, format!("{form}\n{{{{.State"), "authorize.html:2: unclosed action"),
        (
            Page::Authorize,
            "a\n\n{{.Clientname}}\n".to_owned() + form,
            "authorize.html:3: there is no {{.Clientname}}; known here: ClientName, ",
        ),
        (Page::Authorize, format!("{form}\n{{{{nothing .State}}}}"), "authorize.html"),
        (Page::Authorize, format!("{form}<a href=\"\n{{{{if .State}}}}x\"{{{{end}}}}>"), "authorize.html"),
        (Page::Authorize, format!("{form}\n\n{{{{template \"x\"}}}}"), "authorize.html:3: "),
        (Page::Authorize, String::new(), "authorize.html: it has no <form method=\"post\"> in which to log in"),
        (Page::Authorize, "<form>".to_owned(), "authorize.html: it has no <form method=\"post\">"),
        (
            Page::Authorize,
            format!("{{{{if .ErrorMessage}}}}{form}{{{{end}}}}"),
            "authorize.html: its <form method=\"post\"> is not always there",
        ),
        (
            Page::Success,
            "<p>{{.Username}}</p>".to_owned(),
            "success.html: it does not lead on: {{.RedirectURL}} is missing",
        ),
        (
            Page::Success,
            "<p>{{.State}}".to_owned(),
            "success.html:1: there is no {{.State}}; known here: Username, RedirectURL, ",
        ),
        (Page::Success, "x".repeat(TEMPLATE_BYTES_MAX + 1), "success.html: it is longer than 1024 KiB"),
    ] {
        for (mut pages, mark) in [(built_in(), "prefers-color-scheme"), (custom(), "<p>")] {
            let fault = pages.handle_file(page, Some(&source)).expect_err("a fault");
            assert!(fault.to_string().starts_with(said), "{fault} for {source:.80}");
            assert!(
                login(&pages, &usual_login()).html.contains(mark)
                    && success(&pages, &usual_success()).html.contains(mark)
            );
        }
    }
}

#[test]
fn each_file_counts_on_its_own() {
    let is_built_in = |html: String| html.contains("prefers-color-scheme");
    let mut pages = built_in();
    pages.handle_file(Page::Success, Some(CUSTOM_SUCCESS)).unwrap();
    assert!(is_built_in(login(&pages, &usual_login()).html) && !is_built_in(success(&pages, &usual_success()).html));
    pages.handle_file(Page::Authorize, Some(CUSTOM)).unwrap();
    assert!(!is_built_in(login(&pages, &usual_login()).html));
    pages.handle_file(Page::Success, None).unwrap();
    assert!(!is_built_in(login(&pages, &usual_login()).html) && is_built_in(success(&pages, &usual_success()).html));
}

#[test]
fn a_page_that_fails_only_now_is_replaced_by_the_built_in_one() {
    let mut pages = built_in();
    let source = "<form method=\"post\">{{if eq .Scope \"odd\"}}\n{{index .State 99}}{{end}}";
    pages.handle_file(Page::Authorize, Some(source)).unwrap();
    let rendered =
        pages.render(&Shown::Login(Box::new(LoginPage { scope: "odd".into(), ..usual_login() })), NONCE).unwrap();
    assert!(rendered.html.contains("prefers-color-scheme") && rendered.html.contains(TRANSACTION));
    assert!(rendered.fault.unwrap().to_string().starts_with("authorize.html: "));
    assert_eq!(login(&pages, &usual_login()).html.matches(TRANSACTION).count(), 1);
}
