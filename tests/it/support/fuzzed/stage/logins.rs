//! The authorization server in the core: clients that register and ask for a login, and the threads that it needs.

use mcp_proxy::config::oauth::{Forwarding, OAuth, Redirect};
use mcp_proxy::config::{Config, duration};
use mcp_proxy::limits;
use mcp_proxy::oauth::AuthorizationServer;
use mcp_proxy::oauth::settings::Settings;
use mcp_proxy::proxy::{Input, Outcome, Task};
use serde_json::Value;

use super::Stage;
use super::choices::Choices;
use super::downs::Due;
use super::known::Known;
use crate::support::answers::Head;
use crate::support::requests::Http;
use crate::support::rng::Rng;

const CALLBACK: &str = "https://claude.ai/api/mcp/auth_callback";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const FORM: &str = "application/x-www-form-urlencoded";

/// What clients and browsers have been told.
#[derive(Default)]
pub(super) struct Told {
    client: String,
    transaction: String,
    cookie: String,
}

/// Switches it on. Nobody can log in: what passwords are worth is for other tests.
pub(super) fn configure(config: &mut Config) {
    config.is_base_url_given = true;
    config.oauth = Some(OAuth {
        users: Vec::new(),
        persistence_dir: None,
        allowed_ips: Vec::new(),
        token_time: limits::TOKEN_TIME,
        template_dir: String::new(),
        redirects: vec![Redirect::parse("claude").expect("a preset")],
        forwarding: Forwarding { trusted: Vec::new(), header: None },
        refresh_grace: duration::parse("1s").expect("a duration"),
        requires_resource: false,
        allowed_hosts: Vec::new(),
    });
}

impl Stage {
    /// The authorization server begins, if it is switched on.
    pub(super) fn authorize(&mut self) {
        let Some(oauth) = &self.config.oauth else { return };
        let mut rng = Rng::new(1);
        let random = Box::new(move |out: &mut [u8]| rng.fill(out));
        let settings = Settings::of(oauth, &self.config.servers);
        let server = AuthorizationServer::open(settings, None, random, self.clock.now()).expect("an empty store");
        self.proxy.set_authorization(server, self.clock.now()).expect("the built-in pages");
    }

    /// What threads would do: at once, or when the input says so.
    pub(super) fn on_task(&mut self, task: Task) {
        self.tasks.push(task);
    }

    /// Says whether anything was done.
    pub(super) fn flow_tasks(&mut self) -> bool {
        let is_busy = !self.has_slow_disk && !self.tasks.is_empty();
        if is_busy {
            self.do_task(0, true);
        }
        is_busy
    }

    fn do_task(&mut self, at: usize, is_good: bool) {
        let outcome = match self.tasks.remove(at) {
            Task::Write(write) => {
                let error = (!is_good).then(|| "no space".to_owned());
                Outcome::Written { number: write.number, error }
            }
            Task::Verify { job, .. } => Outcome::Verified { job, is_right: !is_good },
            Task::LookAtTemplates => Outcome::Templates(Vec::new()),
            Task::LookForOrders | Task::Fulfil(_) => return,
        };
        self.handle(Input::Authority(outcome));
    }

    /// Something goes on around a login.
    pub(super) fn act_login(&mut self, choices: &mut Choices<'_>) {
        match choices.below(8) {
            0 => self.has_slow_disk = !self.has_slow_disk,
            1 if !self.tasks.is_empty() => self.do_task(0, choices.flag()),
            kind => self.visit(kind, choices),
        }
    }

    fn visit(&mut self, kind: usize, choices: &mut Choices<'_>) {
        let Some(at) = self.speaker(choices) else { return };
        let Told { client, transaction, cookie } = &self.known.told;
        let post = |path: &str, kind: &str, body: &str| Http::new("POST", path).with("Content-Type", kind).body(body);
        let http = match kind {
            1 | 2 => {
                let body = format!("{{\"redirect_uris\":[\"{CALLBACK}\"],\"token_endpoint_auth_method\":\"none\"}}");
                post("/oauth/register", "application/json", &body)
            }
            3 | 4 => {
                let rest = format!("response_type=code&code_challenge={CHALLENGE}&code_challenge_method=S256");
                let more = choices.word();
                Http::get(&format!("/oauth/authorize?client_id={client}&redirect_uri={CALLBACK}&{rest}&state={more}"))
            }
            5 | 6 => {
                let body = format!("txn={transaction}&username=ada&password={}", choices.word());
                let http = post("/oauth/authorize", FORM, &body).with("Origin", "http://127.0.0.1:9090");
                if cookie.is_empty() { http } else { http.with("Cookie", cookie) }
            }
            _ => {
                let path = *choices.pick(&["/oauth/token", "/oauth/register", "/oauth/authorize", "/oauth/revoke"]);
                let media = *choices.pick(&[FORM, "application/json"]);
                post(path, media, &choices.text())
            }
        };
        self.request(at, &http.text(), Due::of("a login", ""));
    }
}

impl Known {
    /// What a client or a browser keeps of an answer.
    pub(super) fn learn_login(&mut self, head: &Head, body: &str) {
        let json: Value = serde_json::from_str(body).unwrap_or_default();
        if let Some(id) = json["client_id"].as_str() {
            id.clone_into(&mut self.told.client);
        }
        if let Some((_, rest)) = body.split_once("name=\"txn\" value=\"") {
            self.told.transaction = rest[..rest.find('"').expect("the end of a value")].to_owned();
        }
        let set = head.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("set-cookie"));
        if let Some((_, value)) = set {
            self.told.cookie = value.split(';').next().unwrap_or_default().to_owned();
        }
    }
}
