//! What becomes of a login page, whose form may come twice, or too late.
//!
//! ```text
//! Shown ── form ──▶ Sent ── verdict ──▶ Answered
//!                    │                     └─ the same form again: the same answer, while its code is unused
//!                    └─ the same form again: it waits for the same verdict
//! ```
//!
//! Whoever clicks twice makes the browser drop the first request and look at the answer to the second alone. Any other
//! form, and one of a page that is gone, gets a new page for what it repeats of the request: an error would be the end
//! of a login that the application still waits for.

use super::answer::Answer;
use super::authorize::{Again, Asked, Login, PARAMETERS, cookie_name};
use super::login::Browser;
use super::secret::Digest;
use super::{AuthorizationServer, JobId, Visit};
use crate::base::time::Now;
use crate::codec::form::Form;
use crate::limits;

/// What has become of a login page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Stage {
    /// Its form has not come back.
    Shown,
    /// Its password is being verified.
    Sent {
        /// The digest of the form. It has the `txn` in it, without which nobody can try passwords on it.
        form: Digest,
        job: JobId,
    },
    /// Its form was answered, for as long as it may be sent again.
    Answered {
        /// As above.
        form: Digest,
        answer: Box<Answer>,
        /// What the answer leads to the client with.
        code: Option<Digest>,
        at: u64,
    },
}

/// What a form comes to.
pub(super) enum Taken {
    /// It has come for the first time.
    Fresh(Box<Asked>),
    /// Its password is being verified already.
    Awaiting(JobId),
    /// It was answered.
    Answered(Box<Answer>),
}

/// For a page that is not known, or not any more.
const STALE: &str = "This page was too old, or its form was sent already.";

/// For a page whose cookie is missing.
const NO_COOKIE: &str = "The browser did not send this page's cookie. Allow cookies for this site.";

impl Login {
    /// Whether its form may come now.
    pub(super) fn is_current(&self, now: u64) -> bool {
        let (since, time) = match &self.stage {
            Stage::Shown | Stage::Sent { .. } => (self.created_at, limits::LOGIN_TIME_MAX),
            Stage::Answered { at, .. } => (*at, limits::REPEATED_LOGIN_TIME),
        };
        since.saturating_add(time.as_secs()) > now
    }
}

impl AuthorizationServer {
    /// What a form comes to; it is known by its `txn` and by all that it says. Only the browser that its page was given
    /// to can use the page up: whoever has only the `txn` cannot. The error says why there is nothing to be had.
    pub(super) fn take_login(
        &self,
        visit: Visit<'_>,
        browser: Browser<'_>,
        (txn, sent): (Digest, Digest),
    ) -> Result<Taken, &'static str> {
        let now = visit.now.unix_seconds;
        let login = self.logins.get(&txn).filter(|login| login.is_current(now)).ok_or(STALE)?;
        let name = cookie_name(visit.issuer, &txn);
        let presented = browser.cookie.unwrap_or_default().split(';').filter_map(|pair| pair.trim().split_once('='));
        let mut values = presented.filter(|(found, _)| *found == name).map(|(_, value)| Digest::of(value));
        let has_cookie = values.any(|value| value.is_equal(&login.cookie));
        match &login.stage {
            Stage::Shown if has_cookie => Ok(Taken::Fresh(Box::new(login.asked.clone()))),
            Stage::Shown => Err(NO_COOKIE),
            Stage::Sent { form, job } if has_cookie && *form == sent && self.verifying.contains_key(job) => {
                Ok(Taken::Awaiting(*job))
            }
            Stage::Answered { form, answer, code, .. } if has_cookie && *form == sent => {
                // A client that gets a code twice and redeems it twice would lose what it got for it.
                let is_unused = code.is_none_or(|code| self.codes.is_fresh(&code, now));
                if is_unused { Ok(Taken::Answered(answer.clone())) } else { Err(STALE) }
            }
            Stage::Sent { .. } | Stage::Answered { .. } => Err(STALE),
        }
    }

    /// For who sends the form again; `code` is what the answer leads to the client with.
    pub(super) fn keep_answer(
        &mut self,
        (txn, form): (Digest, Digest),
        answer: &Answer,
        code: Option<Digest>,
        now: Now,
    ) {
        if let Some(login) = self.logins.get_mut(&txn) {
            login.stage = Stage::Answered { form, answer: Box::new(answer.clone()), code, at: now.unix_seconds };
        }
    }

    /// In the place of a page that cannot be used, one for the request that its form repeats. It is no more than a link
    /// to the page would get.
    pub(super) fn form_anew(&mut self, visit: Visit<'_>, form: &Form<'_>, reason: &str) -> Answer {
        if form.value("client_id").is_none() {
            return Answer::error_page(403, format!("{reason} Go back to the application and connect again."));
        }
        // Templates need not repeat what never differs.
        let implied = [("response_type", "code"), ("code_challenge_method", "S256")];
        let repeated = PARAMETERS.iter().filter_map(|name| form.value(name).map(|value| (*name, value)));
        let repeated = repeated.filter(|(name, _)| implied.iter().all(|(known, _)| known != name));
        let pairs = repeated.chain(implied).map(|(name, value)| (name.into(), value.into())).collect();
        let username = form.value("username").filter(|name| name.len() <= limits::USERNAME_BYTES_MAX);
        let message = format!("{reason} Enter your password again.");
        let again = Again { username: username.unwrap_or_default(), message: &message };
        self.authorize(visit, &Form::from_pairs(pairs), again)
    }
}
