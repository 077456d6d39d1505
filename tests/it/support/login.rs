//! A core with an authorization server in it.

use mcp_proxy::config::source::Source;
use mcp_proxy::config::{Around, Config, load};
use mcp_proxy::oauth::AuthorizationServer;
use mcp_proxy::oauth::settings::Settings;
use serde_json::json;

use super::oauth::{ADA, ADA_HASH, CHALLENGE, CLAUDE, VERIFIER, random};
use super::playbook::{Answer, Playbook};
use super::requests::{Http, initialize};

/// Another user, whose password stands in the configuration as it is.
pub(crate) const BOB: (&str, &str) = ("bob", "swordfish");

/// With members of `mcpProxy`, of `oauth2`, and of the options of the server `demo`.
pub(crate) fn config(proxy: &str, oauth2: &str, own: &str) -> Config {
    config_with(proxy, oauth2, &format!(r#""demo": {{ "command": "run-demo", "options": {{ {own} }} }}"#))
}

/// With members of `mcpProxy`, of `oauth2`, and of `mcpServers`.
pub(crate) fn config_with(proxy: &str, oauth2: &str, servers: &str) -> Config {
    let text = format!(
        r#"{{ "mcpProxy": {{ {proxy} "options": {{ "oauth2": {{
            "enabled": true, {oauth2} "users": {{ "{}": "{ADA_HASH}", "{}": "{}" }} }} }} }},
            "mcpServers": {{ {servers} }} }}"#,
        ADA.0, BOB.0, BOB.1
    );
    load(&Source::new("config.json", text), &Around::default()).unwrap_or_else(|problems| panic!("{problems}"))
}

pub(crate) fn play_with(config: Config) -> Playbook {
    play_on(config, None)
}

/// The program ends, and starts again.
pub(crate) fn restarted(play: &Playbook, config: Config) -> Playbook {
    play_on(config, play.kept.file.as_deref())
}

fn play_on(config: Config, file: Option<&[u8]>) -> Playbook {
    let oauth = config.oauth.clone().expect("it is switched on");
    let settings = Settings::of(&oauth, &config.servers);
    let names: Vec<String> = config.servers.iter().map(|server| server.name.clone()).collect();
    let mut play = Playbook::with(config);
    play.kept.file = file.map(<[u8]>::to_vec);
    let seed = if file.is_some() { 2 } else { 1 };
    let server = AuthorizationServer::open(settings, file, random(seed), play.now()).unwrap();
    let now = play.now();
    play.proxy.set_authorization(server, now).unwrap();
    names.iter().for_each(|name| play.ready(name));
    play
}

pub(crate) const BASE: &str = "http://127.0.0.1:9090";
pub(crate) const FORM: &str = "application/x-www-form-urlencoded";

pub(crate) fn usual() -> Playbook {
    play_with(config(&format!(r#""baseURL": "{BASE}", "#), "", ""))
}

pub(crate) fn post(path: &str, content_type: &str, body: &str) -> Http {
    Http::new("POST", path).with("Content-Type", content_type).body(body)
}

pub(crate) fn pairs(pairs: &[(&str, &str)]) -> String {
    mcp_proxy::codec::form::write(pairs.iter().copied())
}

pub(crate) fn register(play: &mut Playbook, path: &str) -> Answer {
    let metadata = json!({ "redirect_uris": [CLAUDE], "token_endpoint_auth_method": "none" }).to_string();
    play.answer_to(&post(path, "application/json", &metadata))
}

pub(crate) fn client(play: &mut Playbook) -> String {
    let answer = register(play, "/oauth/register");
    assert_eq!(answer.head.status, 201, "{answer:?}");
    answer.json()["client_id"].as_str().expect("an id").to_owned()
}

/// The parameters of an honest request.
pub(crate) fn request(client: &str) -> Vec<(&str, &str)> {
    vec![
        ("response_type", "code"),
        ("client_id", client),
        ("redirect_uri", CLAUDE),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
        ("state", "s"),
    ]
}

pub(crate) fn query(client: &str) -> String {
    pairs(&request(client))
}

pub(crate) fn between<'a>(text: &'a str, start: &str, end: &str) -> &'a str {
    let rest = &text[text.find(start).unwrap_or_else(|| panic!("no {start} in {text}")) + start.len()..];
    &rest[..rest.find(end).expect("an end")]
}

/// A login page as a browser keeps it.
pub(crate) struct Form {
    pub(crate) txn: String,
    pub(crate) cookie: String,
}

impl Form {
    /// Of an answer.
    pub(crate) fn read(page: &Answer) -> Form {
        let set = page.head.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("set-cookie"));
        let mut cookies = set.map(|(_, value)| value.split(';').next().unwrap_or_default());
        let cookie = cookies.find(|cookie| !cookie.ends_with('=')).expect("a cookie that is set, not taken away");
        Form { txn: between(&page.body, "name=\"txn\" value=\"", "\"").to_owned(), cookie: cookie.to_owned() }
    }

    /// What the browser sends when it is filled in.
    pub(crate) fn filled(&self, (name, password): (&str, &str)) -> Http {
        let body = pairs(&[("txn", &self.txn), ("username", name), ("password", password)]);
        post("/oauth/authorize", FORM, &body).with("Cookie", &self.cookie).with("Origin", BASE)
    }
}

/// Asks for the login page.
pub(crate) fn ask(play: &mut Playbook, query: &str) -> Answer {
    play.answer_to(&Http::get(&format!("/oauth/authorize?{query}")))
}

/// The login page that a query leads to.
pub(crate) fn form(play: &mut Playbook, query: &str) -> Form {
    let page = ask(play, query);
    assert_eq!(page.head.status, 200, "{page:?}");
    Form::read(&page)
}

/// Logs in: the answer to the form.
pub(crate) fn log_in(play: &mut Playbook, client: &str, password: &str) -> Answer {
    let form = form(play, &query(client));
    play.answer_to(&form.filled((ADA.0, password)))
}

pub(crate) fn code(play: &mut Playbook, client: &str) -> String {
    let page = log_in(play, client, ADA.1);
    assert_eq!(page.head.status, 200, "{page:?}");
    between(&page.body, "?code=", "&amp;").to_owned()
}

pub(crate) fn tokens(play: &mut Playbook, client: &str, code: &str) -> Answer {
    let grant = ("grant_type", "authorization_code");
    let body = [grant, ("code", code), ("redirect_uri", CLAUDE), ("code_verifier", VERIFIER), ("client_id", client)];
    play.answer_to(&post("/oauth/token", FORM, &pairs(&body)))
}

/// The whole way: an access token.
pub(crate) fn access(play: &mut Playbook) -> String {
    let client = client(play);
    let code = code(play, &client);
    let answer = tokens(play, &client, &code);
    answer.json()["access_token"].as_str().unwrap_or_else(|| panic!("{answer:?}")).to_owned()
}

pub(crate) fn greet(play: &mut Playbook, authorization: &str) -> Answer {
    play.answer_to(&initialize("2025-11-25", "{}").with("Authorization", authorization))
}
