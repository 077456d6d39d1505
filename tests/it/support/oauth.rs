//! An authorization server with a worker and a disk that do at once what they are asked, unless a test says otherwise.

use std::collections::{BTreeMap, VecDeque};
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use mcp_proxy::codec::form;
use mcp_proxy::config::oauth::Redirect;
use mcp_proxy::config::password::Password;
use mcp_proxy::limits;
use mcp_proxy::oauth::answer::{Answer, Body, LoginPage, Page};
use mcp_proxy::oauth::password::Verification;
use mcp_proxy::oauth::redirects::Redirects;
use mcp_proxy::oauth::secret::Random;
use mcp_proxy::oauth::settings::Settings;
use mcp_proxy::oauth::store::document::{LoadError, compacted};
use mcp_proxy::oauth::store::ledger::{Job, Write};
use mcp_proxy::oauth::{AuthorizationServer, Browser, JobId, Output, Posted, Ticket, Visit};

use super::clock::Clock;
use super::rng::Rng;

pub(crate) const ISSUER: &str = "https://mcp.example.com/base";
pub(crate) const CLAUDE: &str = "https://claude.ai/api/mcp/auth_callback";
/// RFC 7636, appendix B.
pub(crate) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub(crate) const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
/// A user and a password: a vector of the Argon2 reference implementation.
pub(crate) const ADA: (&str, &str) = ("ada", "password");
pub(crate) const ADA_HASH: &str =
    "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4";
/// From which nobody is refused.
pub(crate) const HOME: IpAddr = IpAddr::V4(Ipv4Addr::new(198, 51, 100, 7));

pub(crate) fn settings() -> Settings {
    Settings {
        users: Vec::new(),
        redirects: redirects(&["claude", "loopback"]),
        token_expiration: limits::TOKEN_TIME,
        refresh_grace: limits::REFRESH_GRACE,
        require_resource: false,
        servers: ["demo", "other", "team/a"].map(str::to_owned).to_vec(),
    }
    .with_user(ADA.0, ADA_HASH)
}

pub(crate) trait WithUser {
    /// Adds a user as the configuration has it.
    fn with_user(self, name: &str, password: &str) -> Self;
}

impl WithUser for Settings {
    fn with_user(mut self, name: &str, password: &str) -> Settings {
        self.users.push((name.to_owned(), Password::parse(password).unwrap()));
        self
    }
}

/// What entries of `redirectURIs` stand for.
pub(crate) fn redirects(entries: &[&str]) -> Redirects {
    let parsed: Vec<Redirect> = entries.iter().map(|entry| Redirect::parse(entry).unwrap()).collect();
    Redirects::of(&parsed)
}

/// The same bytes for the same seed.
pub(crate) fn random(seed: u64) -> Random {
    let mut rng = Rng::new(seed);
    Box::new(move |bytes| rng.fill(bytes))
}

/// What the shell's worker does with a file.
#[derive(Debug, Default, Clone)]
pub(crate) struct Disk {
    pub(crate) file: Option<Vec<u8>>,
}

impl Disk {
    fn append(&mut self, bytes: &[u8]) {
        self.file.as_mut().expect("a file to append to").extend_from_slice(bytes);
    }

    pub(crate) fn carry_out(&mut self, job: &Job) {
        match job {
            Job::Append(bytes) => self.append(bytes),
            Job::AppendAndCompact(bytes) => {
                self.append(bytes);
                self.file = compacted(self.file.as_ref().unwrap(), 0);
            }
            Job::Rewrite(bytes) => self.file = Some(bytes.clone()),
        }
    }
}

/// A registered client.
#[derive(Debug, Clone)]
pub(crate) struct App {
    pub(crate) id: String,
    pub(crate) secret: Option<String>,
    pub(crate) redirect: String,
}

/// What a successful token request says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tokens {
    pub(crate) access: String,
    pub(crate) refresh: String,
}

pub(crate) struct Desk {
    pub(crate) server: AuthorizationServer,
    pub(crate) clock: Clock,
    pub(crate) disk: Disk,
    pub(crate) issuer: String,
    pub(crate) ip: IpAddr,
    answers: BTreeMap<Ticket, Answer>,
    pub(crate) notices: Vec<String>,
    /// Instead of being done, work waits here.
    pub(crate) is_holding: bool,
    pub(crate) writes: VecDeque<Write>,
    pub(crate) jobs: VecDeque<(JobId, Verification)>,
}

impl Desk {
    pub(crate) fn new() -> Desk {
        Desk::with(settings())
    }

    pub(crate) fn with(settings: Settings) -> Desk {
        Desk::open(settings, Disk::default(), Clock::new(), 1).unwrap()
    }

    pub(crate) fn open(settings: Settings, disk: Disk, clock: Clock, seed: u64) -> Result<Desk, LoadError> {
        let server = AuthorizationServer::open(settings, disk.file.as_deref(), random(seed), clock.now())?;
        let mut desk = Desk {
            server,
            clock,
            disk,
            issuer: ISSUER.to_owned(),
            ip: HOME,
            answers: BTreeMap::new(),
            notices: Vec::new(),
            is_holding: false,
            writes: VecDeque::new(),
            jobs: VecDeque::new(),
        };
        desk.settle();
        Ok(desk)
    }

    /// The program ends and starts again, with other random bytes.
    pub(crate) fn restart(&mut self, settings: Settings) {
        let seed = self.clock.now().unix_seconds + 1_000;
        let restarted = Desk::open(settings, self.disk.clone(), self.clock, seed).unwrap();
        *self = Desk { issuer: self.issuer.clone(), ip: self.ip, ..restarted };
    }

    pub(crate) fn visit(&self) -> (String, IpAddr) {
        (self.issuer.clone(), self.ip)
    }

    pub(crate) fn now(&self) -> u64 {
        self.clock.now().unix_seconds
    }

    /// Time passes; nothing comes up.
    pub(crate) fn pass(&mut self, seconds: u64) {
        self.clock.advance_to(self.clock.instant() + Duration::from_secs(seconds));
    }

    /// Time passes, and what comes up is done.
    pub(crate) fn pass_and_sweep(&mut self, seconds: u64) {
        self.pass(seconds);
        self.server.handle_timeout(self.clock.now());
        self.settle();
        assert!(self.server.poll_timeout() > self.clock.instant());
    }

    /// Takes what comes out, and does the worker's part.
    pub(crate) fn settle(&mut self) {
        loop {
            while let Some(output) = self.server.poll_output() {
                match output {
                    Output::Answer { ticket, answer } => {
                        let twice = self.answers.insert(ticket, *answer);
                        assert!(twice.is_none(), "two answers to {ticket:?}");
                    }
                    Output::Write(write) => self.writes.push_back(write),
                    Output::Verify { job, verification } => self.jobs.push_back((job, verification)),
                    Output::Notice(notice) => self.notices.push(notice.text),
                }
            }
            if self.is_holding || self.writes.is_empty() && self.jobs.is_empty() {
                return;
            }
            while let Some(write) = self.writes.pop_front() {
                self.disk.carry_out(&write.job);
                self.server.handle_written(write.number, true);
            }
            while let Some((job, verification)) = self.jobs.pop_front() {
                self.server.handle_verdict(job, verification.run(), self.clock.now());
            }
        }
    }

    /// What waits is done now, and from now on at once.
    pub(crate) fn release(&mut self) {
        self.is_holding = false;
        self.settle();
    }

    /// The oldest write fails, and with it all that wait behind it.
    pub(crate) fn fail(&mut self) {
        let number = self.writes.front().expect("a write to fail").number;
        self.writes.clear();
        self.server.handle_written(number, false);
        self.settle();
    }

    pub(crate) fn answer(&mut self, ticket: Ticket) -> Option<Answer> {
        self.settle();
        self.answers.remove(&ticket)
    }

    fn now_answer(&mut self, ticket: Ticket) -> Answer {
        self.answer(ticket).expect("an answer at once")
    }

    // ---- The endpoints ----

    pub(crate) fn start_register(&mut self, body: &Value) -> Ticket {
        let (issuer, ip) = self.visit();
        let visit = Visit { issuer: &issuer, ip, now: self.clock.now() };
        self.server.handle_register(visit, body.to_string().as_bytes())
    }

    pub(crate) fn register(&mut self, body: &Value) -> Answer {
        let ticket = self.start_register(body);
        self.now_answer(ticket)
    }

    pub(crate) fn start_authorize(&mut self, query: &str) -> Ticket {
        let (issuer, ip) = self.visit();
        let visit = Visit { issuer: &issuer, ip, now: self.clock.now() };
        self.server.handle_authorize(visit, query)
    }

    pub(crate) fn authorize(&mut self, pairs: &[(&str, &str)]) -> Answer {
        let ticket = self.start_authorize(&form::write(pairs.iter().copied()));
        self.now_answer(ticket)
    }

    pub(crate) fn start_login(&mut self, browser: Browser<'_>, pairs: &[(&str, &str)]) -> Ticket {
        let (issuer, ip) = self.visit();
        let visit = Visit { issuer: &issuer, ip, now: self.clock.now() };
        self.server.handle_login(visit, browser, form::write(pairs.iter().copied()).as_bytes())
    }

    pub(crate) fn login(&mut self, browser: Browser<'_>, pairs: &[(&str, &str)]) -> Answer {
        let ticket = self.start_login(browser, pairs);
        self.now_answer(ticket)
    }

    pub(crate) fn start_token(&mut self, posted: Posted<'_>) -> Ticket {
        let (issuer, ip) = self.visit();
        let visit = Visit { issuer: &issuer, ip, now: self.clock.now() };
        self.server.handle_token(visit, posted)
    }

    pub(crate) fn token(&mut self, pairs: &[(&str, &str)]) -> Answer {
        let body = form::write(pairs.iter().copied());
        let ticket = self.start_token(Posted { body: body.as_bytes(), ..Posted::default() });
        self.now_answer(ticket)
    }

    pub(crate) fn revoke(&mut self, app: &App, token: &str) -> Answer {
        let (issuer, ip) = self.visit();
        let visit = Visit { issuer: &issuer, ip, now: self.clock.now() };
        let body = form::write(app.credentials().into_iter().chain([("token", token)]));
        let posted = Posted { body: body.as_bytes(), ..Posted::default() };
        let ticket = self.server.handle_revoke(visit, posted);
        self.now_answer(ticket)
    }

    pub(crate) fn opens(&self, token: &str, server: &str) -> bool {
        self.server.check_access(token, server, self.now()).is_ok()
    }

    // ---- Whole steps of an honest client ----

    pub(crate) fn public_app(&mut self, redirect: &str) -> App {
        let body =
            json!({ "redirect_uris": [redirect], "token_endpoint_auth_method": "none", "client_name": "An app" });
        App::read(&self.register(&body), redirect)
    }

    pub(crate) fn secret_app(&mut self, redirect: &str) -> App {
        App::read(&self.register(&json!({ "redirect_uris": [redirect] })), redirect)
    }

    /// The page, and the cookie that came with it.
    pub(crate) fn login_form(&mut self, app: &App, more: &[(&str, &str)]) -> (LoginPage, String) {
        let answer = self.authorize(&[&app.request()[..], more].concat());
        read_form(&answer)
    }

    /// Types a password into a form.
    pub(crate) fn type_in(&mut self, (page, cookie): &(LoginPage, String), user: (&str, &str)) -> Answer {
        let fields = [("txn", page.txn.as_str()), ("username", user.0), ("password", user.1)];
        self.login(Browser { cookie: Some(cookie), ..Browser::default() }, &fields)
    }

    /// A code.
    pub(crate) fn code(&mut self, app: &App, more: &[(&str, &str)]) -> String {
        let form = self.login_form(app, more);
        let answer = self.type_in(&form, ADA);
        parameter(&success_url(&answer), "code").expect("a code")
    }

    pub(crate) fn redeem(&mut self, app: &App, code: &str, more: &[(&str, &str)]) -> Answer {
        let own = app.redemption(code);
        self.token(&[&own[..], more].concat())
    }

    pub(crate) fn refresh(&mut self, app: &App, token: &str, more: &[(&str, &str)]) -> Answer {
        let mut pairs = app.credentials();
        pairs.extend([("grant_type", "refresh_token"), ("refresh_token", token)]);
        pairs.extend(more);
        self.token(&pairs)
    }

    /// All the way from the form to tokens.
    pub(crate) fn tokens(&mut self, app: &App, more: &[(&str, &str)]) -> Tokens {
        let code = self.code(app, more);
        read_tokens(&self.redeem(app, &code, &[]))
    }

    /// The honest flow, from registration to use: what must always still work.
    pub(crate) fn assert_unharmed(&mut self) {
        let app = self.public_app(CLAUDE);
        let tokens = self.tokens(&app, &[]);
        assert!(self.opens(&tokens.access, "demo"));
        let next = read_tokens(&self.refresh(&app, &tokens.refresh, &[]));
        assert!(self.opens(&next.access, "other"));
    }
}

impl App {
    pub(crate) fn read(answer: &Answer, redirect: &str) -> App {
        assert_eq!(answer.status, 201, "{answer:?}");
        let body = body(answer);
        let text = |name: &str| body[name].as_str().map(str::to_owned);
        App { id: text("client_id").unwrap(), secret: text("client_secret"), redirect: redirect.to_owned() }
    }

    pub(crate) fn credentials(&self) -> Vec<(&str, &str)> {
        let secret = self.secret.as_deref().map(|secret| ("client_secret", secret));
        [("client_id", self.id.as_str())].into_iter().chain(secret).collect()
    }

    pub(crate) fn request(&self) -> [(&str, &str); 6] {
        [
            ("response_type", "code"),
            ("client_id", &self.id),
            ("redirect_uri", &self.redirect),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
            ("state", "a state/&='\"<>"),
        ]
    }

    pub(crate) fn redemption<'a>(&'a self, code: &'a str) -> Vec<(&'a str, &'a str)> {
        let mut pairs = self.credentials();
        pairs.extend([("grant_type", "authorization_code"), ("code", code)]);
        pairs.extend([("redirect_uri", self.redirect.as_str()), ("code_verifier", VERIFIER)]);
        pairs
    }

    pub(crate) fn basic(&self) -> String {
        format!("Basic {}", STANDARD.encode(format!("{}:{}", self.id, self.secret.as_deref().unwrap_or_default())))
    }
}

/// Replaces a pair, or removes it.
pub(crate) fn changed<'a>(pairs: &[(&'a str, &'a str)], name: &str, value: Option<&'a str>) -> Vec<(&'a str, &'a str)> {
    let mut pairs = pairs.to_vec();
    match value {
        Some(value) => pairs.iter_mut().filter(|(found, _)| *found == name).for_each(|pair| pair.1 = value),
        None => pairs.retain(|(found, _)| *found != name),
    }
    pairs
}

/// The JSON of an answer, which holds no null.
pub(crate) fn body(answer: &Answer) -> Value {
    fn assert_no_null(value: &Value) {
        match value {
            Value::Null => panic!("a null"),
            Value::Array(items) => items.iter().for_each(assert_no_null),
            Value::Object(members) => members.values().for_each(assert_no_null),
            Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    let Body::Json(text) = &answer.body else { panic!("no JSON: {answer:?}") };
    let value = serde_json::from_str(text).unwrap();
    assert_no_null(&value);
    value
}

/// The status and the error of a refusal for programs.
pub(crate) fn refusal(answer: &Answer) -> (u16, String) {
    let body = body(answer);
    assert_eq!(answer.header("Cache-Control"), Some("no-store"));
    assert!(body["error_description"].is_string());
    (answer.status, body["error"].as_str().expect("an error").to_owned())
}

pub(crate) fn refused(status: u16, error: &str) -> (u16, String) {
    (status, error.to_owned())
}

pub(crate) fn read_tokens(answer: &Answer) -> Tokens {
    assert_eq!(answer.status, 200, "{answer:?}");
    let body = body(answer);
    let text = |name: &str| body[name].as_str().unwrap().to_owned();
    Tokens { access: text("access_token"), refresh: text("refresh_token") }
}

pub(crate) fn read_form(answer: &Answer) -> (LoginPage, String) {
    let Body::Page(Page::Login(page)) = &answer.body else { panic!("no form: {answer:?}") };
    let cookie = answer.headers.iter().filter(|(name, _)| *name == "Set-Cookie").map(|(_, value)| value);
    let cookie = cookie.map(|value| value.split(';').next().unwrap()).find(|pair| !pair.ends_with('='));
    ((**page).clone(), cookie.expect("a cookie").to_owned())
}

pub(crate) fn success_url(answer: &Answer) -> String {
    let Body::Page(Page::Success(page)) = &answer.body else { panic!("no success: {answer:?}") };
    assert_eq!(answer.status, 200);
    page.redirect_url()
}

/// Where an error page leads: nowhere.
pub(crate) fn assert_error_page(answer: &Answer, status: u16) {
    assert_eq!(answer.status, status, "{answer:?}");
    assert!(matches!(&answer.body, Body::Page(Page::Error { message }) if !message.is_empty()), "{answer:?}");
    assert_eq!(answer.header("Location"), None);
}

/// A parameter of a URL.
pub(crate) fn parameter(url: &str, name: &str) -> Option<String> {
    let query = url.split_once('?')?.1;
    form::Form::parse(query.as_bytes()).unwrap().value(name).map(str::to_owned)
}
