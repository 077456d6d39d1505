//! The authorization endpoint, POST: the form comes back.
//!
//! ```text
//! form ─▶ from our own site? ─no─▶ page 403                                (Origin, Sec-Fetch-Site)
//!            │ yes
//!            ▼
//!         its page known, and its cookie there? ─no─▶ 403, the form again, as if it were asked for anew
//!            │ yes
//!            ▼
//!         sent before? ─yes─▶ the same form: the same answer; another: 403, the form again
//!            │ no; the txn is used up
//!            ▼
//!         too many failures, or too busy? ─yes─▶ 429, the form again, with a new txn
//!            │ no
//!            ▼
//!         Verifying ─▶ verdict: wrong ─▶ 401, the form again, with a new txn
//!                               right ─▶ a code, good for a minute
//! ```

use super::answer::{Answer, Page, SuccessPage};
use super::authorize::{Asked, outcome, set_cookie};
use super::codes::{Code, State};
use super::password::{Fingerprint, Verification};
use super::secret::{self, Digest};
use super::stage::{Stage, Taken};
use super::throttle::Source;
use super::{AuthorizationServer, JobId, Notice, Output, Ticket, Visit};
use crate::base::text::shorten;
use crate::base::time::Now;
use crate::base::url::{Origin, Url};
use crate::codec::form::Form;
use crate::config::redirect_uri::RedirectUri;
use crate::limits;

/// What a browser says with the form.
#[derive(Debug, Clone, Copy, Default)]
pub struct Browser<'a> {
    /// `Cookie`; several are joined by `; `.
    pub cookie: Option<&'a str>,
    /// `Origin`.
    pub origin: Option<&'a str>,
    /// `Sec-Fetch-Site`.
    pub fetch_site: Option<&'a str>,
}

/// A password that is being verified.
#[derive(Debug)]
pub(super) struct Verifying {
    /// Several, if the form was sent again meanwhile: browsers drop the first request then.
    tickets: Vec<Ticket>,
    asked: Asked,
    username: String,
    /// Of the user's password when the verification began; `None` for a user who does not exist.
    fingerprint: Option<Fingerprint>,
    source: Source,
    visit: (String, std::net::IpAddr),
    /// Its `txn`, and its form.
    page: (Digest, Digest),
}

/// The one message for a wrong name and a wrong password.
const WRONG: &str = "The user name or the password is wrong.";

impl AuthorizationServer {
    /// POST `/oauth/authorize`; `body` is the form.
    pub fn handle_login(&mut self, visit: Visit<'_>, browser: Browser<'_>, body: &[u8]) -> Ticket {
        let ticket = self.ticket();
        if let Err(answer) = self.login(ticket, visit, browser, body) {
            self.answer(ticket, answer);
        }
        ticket
    }

    /// Either a password is being verified now, or there is an answer already.
    fn login(&mut self, ticket: Ticket, visit: Visit<'_>, browser: Browser<'_>, body: &[u8]) -> Result<(), Answer> {
        if body.len() > limits::OAUTH_BODY_BYTES_MAX {
            let message = format!("The form has more than {} bytes.", limits::OAUTH_BODY_BYTES_MAX);
            return Err(Answer::error_page(413, message));
        }
        let form =
            Form::parse(body).map_err(|error| Answer::error_page(400, format!("The form is damaged: {error}.")))?;
        if let Some(name) = form.repeated() {
            return Err(Answer::error_page(400, format!("The form has the field {} twice.", shorten(name))));
        }
        check_page(visit.issuer, browser)?;
        let sent = (Digest::of(form.value("txn").unwrap_or_default()), Digest::of(body));
        match self.take_login(visit, browser, sent) {
            Ok(Taken::Fresh(asked)) => {
                let judged = self.judge(ticket, visit, sent, *asked, &form);
                judged.inspect_err(|answer| self.keep_answer(sent, answer, None, visit.now))
            }
            Ok(Taken::Awaiting(job)) => {
                self.verifying.entry(job).and_modify(|verifying| verifying.tickets.push(ticket));
                Ok(())
            }
            Ok(Taken::Answered(answer)) => Err(*answer),
            Err(message) => Err(self.form_anew(visit, &form, message)),
        }
    }

    /// A form that was sent for the first time.
    fn judge(
        &mut self,
        ticket: Ticket,
        visit: Visit<'_>,
        sent: (Digest, Digest),
        asked: Asked,
        form: &Form<'_>,
    ) -> Result<(), Answer> {
        self.check_login(&asked, form)?;
        let username = form.value("username").unwrap_or_default();
        let password = form.value("password").unwrap_or_default();
        let is_typed = !username.is_empty() && !password.is_empty();
        if !is_typed || username.len() > limits::USERNAME_BYTES_MAX || password.len() > limits::PASSWORD_BYTES_MAX {
            return Err(self.form_again(401, visit, asked, username, "Enter your user name and your password."));
        }
        let source = Source::of(visit.ip);
        let (seconds, notice, why) = if self.verifying.len() >= limits::VERIFICATIONS_MAX {
            (1, format!("a login from {} has to wait: many others try at once", visit.ip), "Many log in at once.")
        } else if let Err(seconds) = self.attempts.admit(source, username, visit.now.unix_seconds) {
            (seconds, format!("too many wrong passwords from {}", visit.ip), "Too many attempts.")
        } else {
            self.verify(ticket, visit, sent, asked, (username, password));
            return Ok(());
        };
        self.note(Notice::warning(notice));
        let message = format!("{why} Try again in {}.", duration(seconds));
        let answer = self.form_again(429, visit, asked, username, &message);
        Err(answer.with("Retry-After", seconds.to_string()))
    }

    /// The client may have gone since, and the settings may have changed; and a form that says something else than the
    /// page that it was on is none of ours.
    fn check_login(&self, asked: &Asked, form: &Form<'_>) -> Result<(), Answer> {
        let differs = |name: &str, ours: &str| form.value(name).is_some_and(|posted| posted != ours);
        if differs("client_id", &asked.client_id) || differs("redirect_uri", asked.redirect_uri.as_str()) {
            return Err(Answer::error_page(400, "The form is for another application than its page."));
        }
        let Some(client) = self.ledger.store.client(&asked.client_id) else {
            return Err(Answer::error_page(400, "This application is not known here any more."));
        };
        self.check_redirect(client, RedirectUri::parse(asked.redirect_uri.as_str()).ok()).map(drop)
    }

    fn form_again(&mut self, status: u16, visit: Visit<'_>, asked: Asked, username: &str, message: &str) -> Answer {
        let username = if username.len() > limits::USERNAME_BYTES_MAX { "" } else { username };
        self.login_page(status, visit, asked, username, message)
    }

    fn verify(
        &mut self,
        ticket: Ticket,
        visit: Visit<'_>,
        page: (Digest, Digest),
        asked: Asked,
        (username, password): (&str, &str),
    ) {
        let others = self.settings.users.iter().map(|(_, password)| password);
        let verification = Verification::new(password, self.settings.password(username), others);
        let verifying = Verifying {
            tickets: vec![ticket],
            asked,
            username: username.to_owned(),
            fingerprint: self.users.fingerprint(username),
            source: Source::of(visit.ip),
            visit: (visit.issuer.to_owned(), visit.ip),
            page,
        };
        self.last_job += 1;
        let job = JobId(self.last_job);
        if let Some(login) = self.logins.get_mut(&page.0) {
            login.stage = Stage::Sent { form: page.1, job };
        }
        self.verifying.insert(job, verifying);
        self.outputs.push_back(Output::Verify { job, verification });
    }

    /// The worker has verified a password.
    pub fn handle_verdict(&mut self, job: JobId, is_right: bool, now: Now) {
        let Some(verifying) = self.verifying.remove(&job) else { return };
        let Verifying { tickets, asked, username, fingerprint, source, visit: (issuer, ip), page } = verifying;
        let visit = Visit { issuer: &issuer, ip, now };
        // The password may have changed while the old one was being verified.
        let present = self.users.fingerprint(&username).filter(|present| is_right && Some(*present) == fingerprint);
        let (answer, code) = match present {
            Some(fingerprint) => {
                self.attempts.succeeded(source, &username);
                self.logged_in(visit, asked, username, fingerprint)
            }
            None => {
                // What was typed as a name may be a password. Only a user's own name is told.
                let name =
                    if fingerprint.is_some() { shorten(&username).into_owned() } else { "an unknown user".into() };
                self.note(Notice::warning(format!("{ip} did not log in as {name}: wrong password")));
                // The cookie is of no use any more. That of a success may be: for who clicks twice.
                let answer = self.form_again(401, visit, asked, &username, WRONG);
                (answer.with("Set-Cookie", set_cookie(&issuer, &page.0, "")), None)
            }
        };
        self.keep_answer(page, &answer, code, now);
        for ticket in tickets {
            self.answer(ticket, answer.clone());
        }
    }

    /// The way to the client, and the code on it.
    fn logged_in(
        &mut self,
        visit: Visit<'_>,
        asked: Asked,
        username: String,
        fingerprint: Fingerprint,
    ) -> (Answer, Option<Digest>) {
        if let Err(answer) = self.check_login(&asked, &Form::default()) {
            return (answer, None);
        }
        let name = self.ledger.store.client(&asked.client_id).map(|client| client.name.clone()).unwrap_or_default();
        let code = secret::secret(&mut self.random);
        let parameters = outcome(&[("code", &code)], asked.state.as_deref(), visit.issuer);
        let destination = asked.redirect_uri.destination();
        self.note(Notice::info(format!("{} logged in for {destination}, from {}", shorten(&username), visit.ip)));
        let page = SuccessPage {
            username: username.clone(),
            client_name: if name.is_empty() { destination } else { name },
            redirect_uri: asked.redirect_uri.clone(),
            parameters,
        };
        let code_record = Code {
            client_id: asked.client_id,
            redirect_uri: asked.redirect_uri.as_str().to_owned(),
            challenge: asked.challenge,
            audience: asked.audience,
            username,
            fingerprint,
            issued_at: visit.now.unix_seconds,
            state: State::Fresh,
        };
        let digest = Digest::of(&code);
        self.codes.insert(digest, code_record);
        (Answer::page(200, Page::Success(Box::new(page))), Some(digest))
    }
}

/// Whether the form was sent by a page of ours: browsers say so, and nobody can make them say otherwise. Those that say
/// nothing are left to the cookie.
fn check_page(issuer: &str, browser: Browser<'_>) -> Result<(), Answer> {
    let own = Url::parse_base(issuer).ok().map(|url| url.origin());
    let is_own = |origin: &str| Origin::parse(origin).is_ok_and(|origin| Some(origin) == own);
    let is_same_origin = browser.origin.is_none_or(is_own);
    let is_same_site = browser.fetch_site.is_none_or(|site| matches!(site, "same-origin" | "none"));
    if is_same_origin && is_same_site {
        return Ok(());
    }
    Err(Answer::error_page(403, "This form was sent by a page of another site."))
}

/// For people.
fn duration(seconds: u64) -> String {
    match seconds {
        0..=1 => "a second".to_owned(),
        2..=119 => format!("{seconds} seconds"),
        _ => format!("{} minutes", seconds.div_ceil(60)),
    }
}
