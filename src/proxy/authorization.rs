//! The authorization server within the core: whose connection waits for which of its answers, and what the shell does
//! for it.
//!
//! ```text
//!  conns ── routes ──▶ AuthorizationServer ── Ticket ──▶ waiting: which connection
//!
//!  AuthorizationServer ── Answer ── JSON ───────────────────────────────────────▶ respond
//!                         │         └ page ──▶ painting: templates are looked at ──▶ respond
//!                         └─ Write, Verify ──▶ Output::Authority ──▶ the shell's threads ──▶ Input::Authority
//! ```

use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;
use std::time::Instant;

use super::conns::ConnState;
use super::{Due, Level, Output, Proxy};
use crate::base::deadline::Timer;
use crate::base::id::ConnId;
use crate::base::time::Now;
use crate::config::Config;
use crate::limits;
use crate::mcp::session::format_token;
use crate::oauth::answer::{Answer, Body};
use crate::oauth::pages::{Page, Pages, TemplateFault};
use crate::oauth::password::Verification;
use crate::oauth::settings::Settings;
use crate::oauth::store::ledger::Write;
use crate::oauth::{AuthorizationServer, JobId, Notice, Output as Said, Ticket};

/// What a failed write means to those who use the proxy.
const CANNOT_KEEP: &str = "Clients and tokens cannot be kept, so nobody can log in or refresh until that is mended";

/// Something for the shell's threads.
#[derive(Debug)]
pub enum Task {
    /// Make this durable.
    Write(Write),
    /// Find out whether a password is right.
    Verify {
        /// Which.
        job: JobId,
        /// Takes tens of milliseconds.
        verification: Verification,
    },
    /// Look whether files have taken the places of pages.
    LookAtTemplates,
    /// Look whether the operator has left orders.
    LookForOrders,
    /// An order was carried out, and what that has changed was to be written before this: forget it.
    Fulfil(PathBuf),
}

/// What has come of a [`Task`].
#[derive(Debug)]
pub enum Outcome {
    /// Of [`Task::Write`].
    Written {
        /// Of the write.
        number: u64,
        /// Why it is not on the disk, if it is not.
        error: Option<String>,
    },
    /// Of [`Task::Verify`].
    Verified {
        /// Which.
        job: JobId,
        /// Whether it is the user's.
        is_right: bool,
    },
    /// Of [`Task::LookAtTemplates`]: what has changed.
    Templates(Vec<TemplateChange>),
    /// Of [`Task::LookForOrders`], if there is anything to say.
    Orders {
        /// Those that are there.
        orders: Vec<Order>,
        /// What is wrong with others.
        problems: Vec<String>,
    },
}

/// What the operator wants: logins to end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// The id of one, or whose they are: a user's or a client's.
    pub whose: String,
    /// Names the order.
    pub path: PathBuf,
}

/// A file in the place of a page has appeared, changed or gone.
#[derive(Debug)]
pub struct TemplateChange {
    /// Which page.
    pub page: Page,
    /// Its path, for messages.
    pub file: String,
    /// What it says now; `None`: there is no file. The error says why it cannot be read.
    pub source: Result<Option<String>, String>,
}

/// The authorization server, and what the core keeps for it.
pub(crate) struct Authorization {
    pub(crate) server: AuthorizationServer,
    pages: Pages,
    waiting: BTreeMap<Ticket, ConnId>,
    /// Pages that are written once the templates have been looked at, oldest first.
    painting: VecDeque<(ConnId, Answer)>,
    timer: Timer,
    /// Comes up when orders are looked for.
    pub(super) orders: Timer,
}

impl Authorization {
    pub(super) fn timer(&mut self) -> &mut Timer {
        &mut self.timer
    }

    /// Whether answers are on their way, or changes for which nobody waits.
    pub(super) fn is_busy(&self) -> bool {
        !self.waiting.is_empty() || !self.painting.is_empty() || self.server.census().pending > 0
    }
}

impl Proxy {
    /// Opens the servers to whoever logs in.
    ///
    /// # Errors
    /// None that is known: the built-in pages cannot be used.
    pub fn set_authorization(&mut self, server: AuthorizationServer, now: Now) -> Result<(), TemplateFault> {
        self.authorization = Some(Box::new(Authorization {
            server,
            pages: Pages::new()?,
            waiting: BTreeMap::new(),
            painting: VecDeque::new(),
            timer: Timer::default(),
            orders: Timer::default(),
        }));
        self.on_orders_due(now.instant);
        self.drive_authorization(now.instant);
        Ok(())
    }

    /// Whether somebody waits for an answer of the authorization server, or the authorization server for the disk.
    pub(super) fn is_authorizing(&self) -> bool {
        self.authorization.as_ref().is_some_and(|authorization| authorization.is_busy())
    }

    /// The proxy is about to end: a revocation that could not be written has one more chance.
    pub(super) fn end_authorizing(&mut self, now: Instant) {
        let now = self.now(now);
        if let Some(authorization) = &mut self.authorization {
            authorization.server.handle_shutdown(now);
        }
    }

    /// A request has gone to the authorization server.
    pub(crate) fn await_answer(&mut self, conn: ConnId, ticket: Ticket) {
        if let Some(authorization) = &mut self.authorization {
            authorization.waiting.insert(ticket, conn);
        }
        if let Some(entry) = self.conns.get_mut(conn) {
            entry.state = ConnState::Awaiting;
            entry.state_due = None;
        }
    }

    /// What the authorization server is to be told of a new configuration.
    ///
    /// # Errors
    /// The new configuration cannot take the place of this one while the proxy runs; says why.
    pub(super) fn settings_after(&self, new: &Config) -> Result<Option<Settings>, String> {
        let anew = |what: &str| Err(format!("{what} takes effect when the proxy is started anew"));
        match (&self.config.oauth, &new.oauth) {
            (None, None) => Ok(None),
            (None, Some(_)) => anew("switching oauth2 on"),
            (Some(_), None) => anew("switching oauth2 off"),
            (Some(old), Some(new)) if old.persistence_dir != new.persistence_dir => anew("another persistenceDir"),
            (Some(old), Some(new)) if old.template_dir != new.template_dir => anew("another templateDir"),
            (Some(_), Some(oauth)) => Ok(Some(Settings::of(oauth, &new.servers))),
        }
    }

    /// The configuration has changed.
    pub(super) fn on_settings(&mut self, settings: Option<Settings>, now: Instant) {
        let now = self.now(now);
        if let (Some(settings), Some(authorization)) = (settings, &mut self.authorization) {
            authorization.server.handle_settings(settings, now);
            self.end_logged_out(now.instant);
        }
    }

    pub(super) fn on_outcome(&mut self, outcome: Outcome, now: Now) {
        let Some(authorization) = &mut self.authorization else { return };
        match outcome {
            Outcome::Written { number, error } => {
                authorization.server.handle_written(number, error.is_none());
                if let Some(error) = error {
                    self.log(Level::Error, None, format!("{CANNOT_KEEP}: {error}"));
                }
            }
            Outcome::Verified { job, is_right } => authorization.server.handle_verdict(job, is_right, now),
            Outcome::Orders { orders, problems } => {
                orders.into_iter().for_each(|order| self.on_order(order, now));
                problems.into_iter().for_each(|problem| self.log(Level::Error, None, problem));
            }
            Outcome::Templates(changes) => {
                for change in changes {
                    self.on_template(change);
                }
                self.paint(now.instant);
            }
        }
    }

    fn on_order(&mut self, order: Order, now: Now) {
        if let Some(authorization) = &mut self.authorization {
            authorization.server.revoke_logins(&order.whose, now);
        }
        self.end_logged_out(now.instant);
        self.drive_authorization(now.instant); // what is to be written comes first
        self.outputs.push_back(Output::Authority(Task::Fulfil(order.path)));
    }

    /// It is time to look whether the operator has left orders.
    pub(super) fn on_orders_due(&mut self, now: Instant) {
        let Some(authorization) = &mut self.authorization else { return };
        self.deadlines.arm(&mut authorization.orders, Due::Orders, now + limits::ORDERS_INTERVAL);
        self.outputs.push_back(Output::Authority(Task::LookForOrders));
    }

    fn on_template(&mut self, change: TemplateChange) {
        let Some(authorization) = &mut self.authorization else { return };
        let TemplateChange { page, file, source } = change;
        let known = source.and_then(|source| {
            let used = authorization.pages.handle_file(page, source.as_deref());
            used.map_err(|fault| format!("{file}: {fault}"))
        });
        if let Err(fault) = known {
            self.log(Level::Error, None, format!("{fault}; the page stays as it was"));
        }
    }

    pub(super) fn on_authorization_timeout(&mut self, now: Instant) {
        let now = self.now(now);
        if let Some(authorization) = &mut self.authorization {
            authorization.server.handle_timeout(now);
        }
        self.end_logged_out(now.instant);
    }

    /// The time of the input that is being handled.
    pub(crate) fn now(&self, instant: Instant) -> Now {
        Now { instant, unix_seconds: self.date.unix_seconds() }
    }

    /// Does what the authorization server says.
    pub(super) fn drive_authorization(&mut self, now: Instant) {
        let Some(authorization) = &mut self.authorization else { return };
        let due = authorization.server.poll_timeout();
        self.deadlines.arm(&mut authorization.timer, Due::Authorization, due);
        while let Some(said) = self.authorization.as_mut().and_then(|it| it.server.poll_output()) {
            match said {
                Said::Answer { ticket, answer } => self.on_oauth_answer(ticket, *answer, now),
                Said::Write(write) => self.outputs.push_back(Output::Authority(Task::Write(write))),
                Said::Verify { job, verification } => {
                    self.outputs.push_back(Output::Authority(Task::Verify { job, verification }));
                }
                Said::Notice(Notice { is_warning, text }) => {
                    let level = if is_warning { Level::Warn } else { Level::Info };
                    self.log(level, None, format!("OAuth: {text}"));
                }
            }
        }
    }

    fn on_oauth_answer(&mut self, ticket: Ticket, answer: Answer, now: Instant) {
        let Some(authorization) = &mut self.authorization else { return };
        let Some(conn) = authorization.waiting.remove(&ticket) else { return };
        if !matches!(answer.body, Body::Page(_)) {
            return self.answer_oauth(conn, &answer, now);
        }
        authorization.painting.push_back((conn, answer));
        self.outputs.push_back(Output::Authority(Task::LookAtTemplates));
    }

    /// The templates were looked at, for the oldest of the pages that wait. Each wait has a look of its own.
    fn paint(&mut self, now: Instant) {
        let Some((conn, answer)) = self.authorization.as_mut().and_then(|it| it.painting.pop_front()) else { return };
        let Body::Page(page) = &answer.body else { return self.answer_oauth(conn, &answer, now) };
        let nonce = format_token(&self.fresh_token());
        let Some(authorization) = &self.authorization else { return };
        match authorization.pages.render(page, &nonce) {
            Ok(rendered) => {
                if let Some(fault) = rendered.fault {
                    self.log(Level::Error, None, format!("{fault}; the built-in page is shown"));
                }
                let policy = ("Content-Security-Policy", rendered.policy.as_str());
                let headers: Vec<(&str, &str)> =
                    answer.headers.iter().map(|(name, value)| (*name, value.as_str())).chain([policy]).collect();
                self.respond(conn, answer.status, &headers, &[rendered.html.as_bytes()], now);
            }
            Err(fault) => {
                self.log(Level::Error, None, format!("A page cannot be shown: {fault}"));
                let body = crate::routes::errors::plain("the page cannot be shown; the log says why");
                self.respond(conn, 500, &[crate::routes::errors::JSON], &[body.as_bytes()], now);
            }
        }
    }

    /// An answer that is no page.
    pub(crate) fn answer_oauth(&mut self, conn: ConnId, answer: &Answer, now: Instant) {
        let headers: Vec<(&str, &str)> = answer.headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let body = match &answer.body {
            Body::Json(text) => text.as_str(),
            Body::Empty | Body::Page(_) => "",
        };
        self.respond(conn, answer.status, &headers, &[body.as_bytes()], now);
    }
}
