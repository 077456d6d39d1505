//! The lives of upstreams: links come and go, servers stay.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::time::Instant;

use super::early_asks::EarlyAsk;
use super::{Due, Level, Output, Proxy};
use crate::base::deadline::Timer;
use crate::base::id::{LinkId, ServerId};
use crate::base::sequence::CallId;
use crate::config::{ServerConfig, Target};
use crate::limits;
use crate::mcp::call::CallState;
use crate::mcp::era::{Era, MODERN};
use crate::mcp::introduction::Introduction;
use crate::mcp::session::Opener;
use crate::mcp::standard_headers;
use crate::mcp::tally::Tally;
use crate::mcp::trouble::{Outline, Trouble};
use crate::upstream::catalogue::Catalogue;
use crate::upstream::changes::Changes;
use crate::upstream::exchange::Headers;
use crate::upstream::handshake::OwnRequest;
use crate::upstream::probe::{Course, Probe};
use crate::upstream::remote::{Opening, RemoteLink};
use crate::upstream::stdio::StdioLink;
use crate::upstream::supervisor::{State, Step, Supervisor};

/// An upstream: what outlives its links.
pub(crate) struct Server {
    pub(crate) config: Rc<ServerConfig>,
    pub(super) role: Role,
    pub(crate) supervisor: Supervisor,
    /// What it asked before there was a stream for it.
    pub(super) early_asks: Vec<EarlyAsk>,
    /// Calls that wait for it to become ready, oldest first.
    pub(crate) waiting: BTreeSet<CallId>,
    pub(crate) waiting_bytes: usize,
    /// How its next link is greeted.
    pub(super) course: Course,
    /// What it said of itself when it last became ready.
    pub(crate) introduction: Option<Introduction>,
    pub(crate) catalogue: Catalogue,
    /// Comes up when one of its calls or asks may have waited too long.
    pub(crate) patience: Timer,
    /// How often it has been started.
    pub(crate) starts: u32,
    /// Whether the proxy is not to run without it: it was among the first, and `panicIfInvalid` is set.
    pub(super) is_essential: bool,
    /// What became of the last link that failed, and when; those of private upstreams are kept by their entrance.
    pub(crate) last_failure: Option<(Trouble, Instant)>,
    /// What is counted of it. Private ones count towards their entrance.
    pub(crate) tally: Tally,
}

/// Whom an upstream is for.
pub(super) enum Role {
    /// For everybody, as far as its configuration lets sessions share it.
    Configured,
    /// For those who were with it when the configuration dropped or replaced it, until their calls are over.
    Retired {
        /// When they have to be.
        timer: Timer,
    },
    /// For one session.
    Private {
        /// The configured server that it is one of.
        entrance: ServerId,
        /// What it is initialised with: the parameters of the downstream's own `initialize`.
        hello: Box<str>,
        /// Whether that downstream has said `notifications/initialized`.
        confirmation: Confirmation,
    },
    /// For the modern requests of one principal: they have no sessions that it could end with.
    Tenant {
        /// The configured server that it is one of.
        entrance: ServerId,
        /// Whose requests.
        opener: Opener,
        /// When the last of them ended.
        last_used: Instant,
    },
}

/// Who says `notifications/initialized` to a private upstream. To a shared one it is the proxy.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Confirmation {
    /// Its downstream, which has yet to do so.
    Awaited,
    /// Its downstream has said it; to later links the proxy does.
    Given,
}

impl Server {
    /// The configured server that this private one is one of.
    pub(crate) fn entrance(&self) -> Option<ServerId> {
        match &self.role {
            Role::Configured | Role::Retired { .. } => None,
            Role::Private { entrance, .. } | Role::Tenant { entrance, .. } => Some(*entrance),
        }
    }

    /// Comes up when its calls have to be over.
    pub(super) fn retirement(&mut self) -> Option<&mut Timer> {
        match &mut self.role {
            Role::Retired { timer } => Some(timer),
            Role::Configured | Role::Private { .. } | Role::Tenant { .. } => None,
        }
    }

    pub(super) fn new(config: Rc<ServerConfig>, role: Role) -> Server {
        let catalogue = Catalogue::filtered(config.tool_filter.clone());
        Server {
            config,
            role,
            supervisor: Supervisor::default(),
            early_asks: Vec::new(),
            waiting: BTreeSet::new(),
            waiting_bytes: 0,
            course: Course::default(),
            introduction: None,
            catalogue,
            patience: Timer::default(),
            starts: 0,
            is_essential: false,
            last_failure: None,
            tally: Tally::default(),
        }
    }
}

/// One process and its pipes, or one conversation with a remote upstream.
pub(crate) struct Link {
    pub(super) server: ServerId,
    pub(super) transport: Transport,
    /// How it is greeted.
    pub(super) probe: Probe,
    /// What it speaks, once it has said who it is.
    pub(super) era: Option<Era>,
    /// How often each request of our own was sent.
    pub(super) own_requests: BTreeMap<OwnRequest, u32>,
    /// What of its changes is heard, if it is modern.
    pub(super) changes: Changes,
    /// Why it is of no use any more, if it broke before its process ended.
    pub(super) fault: Option<String>,
}

/// How a link reaches its upstream.
pub(super) enum Transport {
    /// Through the pipes of a child process.
    Stdio(Box<StdioLink>),
    /// Through HTTP.
    Remote(Box<RemoteLink>),
}

impl Link {
    pub(super) fn stdio(&self) -> Option<&StdioLink> {
        match &self.transport {
            Transport::Stdio(stdio) => Some(stdio),
            Transport::Remote(_) => None,
        }
    }

    pub(super) fn timer(&mut self) -> Option<&mut Timer> {
        match &mut self.transport {
            Transport::Stdio(stdio) => Some(&mut stdio.timer),
            Transport::Remote(remote) => Some(&mut remote.timer),
        }
    }

    /// The headers of a request of our own that are its own.
    pub(super) fn headers_for(&self, request: OwnRequest) -> Headers {
        let method = (standard_headers::METHOD.into(), request.method().to_owned());
        match self.era {
            Some(Era::Modern) => vec![method],
            // Which era it is, is the question.
            None if request == OwnRequest::Discover => {
                vec![(standard_headers::PROTOCOL_VERSION.into(), MODERN.to_owned()), method]
            }
            Some(Era::Legacy(_)) | None => Headers::new(),
        }
    }

    /// Whether calls could flow.
    fn was_ready(&self) -> bool {
        match &self.transport {
            Transport::Stdio(_) => self.is_introduced(),
            Transport::Remote(remote) => match remote.opening {
                Opening::Introducing | Opening::Confirming { .. } => false,
                Opening::Introduced | Opening::Open | Opening::Forgotten { .. } | Opening::Leaving => true,
            },
        }
    }

    /// Bytes that wait to be sent to the upstream.
    pub(super) fn queued_bytes(&self) -> usize {
        match &self.transport {
            Transport::Stdio(stdio) => stdio.stdin.len(),
            Transport::Remote(remote) => {
                let held: usize = remote.held.iter().map(|held| held.body.len()).sum();
                remote.queued_bytes + held + remote.outbox.len() * limits::EXCHANGE_OVERHEAD_BYTES
            }
        }
    }
}

impl Proxy {
    /// Begins a new life of an upstream.
    pub(super) fn start(&mut self, server: ServerId, now: Instant) {
        let Some(entry) = self.servers.get_mut(server) else { return };
        if self.shutdown.is_under_way() {
            return;
        }
        let transport = match &entry.config.target {
            Target::Command(_) => Transport::Stdio(Box::default()),
            Target::Remote(remote) => Transport::Remote(Box::new(RemoteLink::new(remote, now))),
        };
        let is_process = matches!(transport, Transport::Stdio(_));
        let link = self.links.insert(Link {
            server,
            probe: Probe::new(entry.course),
            transport,
            era: None,
            own_requests: BTreeMap::new(),
            changes: Changes::new(entry.introduction.is_some()),
            fault: None,
        });
        entry.starts += 1;
        let give_up = now + entry.config.startup_time.max(limits::HANDSHAKE_TIME_MAX);
        entry.supervisor.on_start(link);
        self.deadlines.arm(&mut entry.supervisor.timer, Due::Server(server), give_up);
        if self.is_restarted(server) {
            self.count_restart(server);
        }
        if is_process {
            self.start_process(link, now);
        } else {
            self.start_conversation(link, now);
        }
    }

    /// Whether the upstream has had a life before the present one.
    pub(super) fn is_restarted(&self, server: ServerId) -> bool {
        self.servers.get(server).is_some_and(|server| server.starts > 1)
    }

    /// The link is of no use any more. Most often its process is about to end: its exit status, which callers want to
    /// know, is awaited for a moment.
    pub(super) fn on_broken(&mut self, link: LinkId, fault: &str, now: Instant) {
        let Some(broken) = self.links.get_mut(link) else { return };
        let server = broken.server;
        if let Transport::Remote(_) = broken.transport {
            return self.on_conversation_over(link, fault, now);
        }
        let Some(entry) = self.servers.get_mut(server) else { return };
        if matches!(entry.supervisor.state(), State::Starting { .. } | State::Ready { .. }) {
            broken.fault = Some(fault.to_owned());
            let look_again = entry.supervisor.on_broken(link, now);
            self.deadlines.arm(&mut entry.supervisor.timer, Due::Server(server), look_again);
        }
    }

    /// The next step in a server's life is due.
    pub(super) fn on_server_timeout(&mut self, server: ServerId, now: Instant) {
        let Some(entry) = self.servers.get_mut(server) else { return };
        let (step, look_again) = entry.supervisor.on_timeout(now);
        if let Some(due) = look_again {
            self.deadlines.arm(&mut entry.supervisor.timer, Due::Server(server), due);
        }
        match step {
            Step::Start if self.shutdown.is_under_way() => {} // nothing new begins
            Step::Start => self.start(server, now),
            Step::GiveUp(link) => self.give_up(server, link, now),
            Step::Terminate(link) => {
                let fault = self.links.get(link).and_then(|link| link.fault.clone()).unwrap_or_default();
                let trouble = self.trouble_of(link, fault);
                if self.is_remote(link) {
                    return self.on_link_gone(server, link, &trouble, now);
                }
                self.fail_link(server, link, &trouble, now);
                self.outputs.push_back(Output::Terminate(link));
            }
            Step::Kill(link) => self.outputs.push_back(Output::Kill(link)),
            Step::Wait => {}
        }
    }

    fn give_up(&mut self, server: ServerId, link: LinkId, now: Instant) {
        self.log(Level::Warn, Some(server), "It never answered initialize: it is started anew".to_owned());
        self.on_broken(link, "it never answered initialize", now);
    }

    /// What to tell callers of a link that broke: during the start it could not be started, later it crashed.
    pub(super) fn trouble_of(&self, link: LinkId, cause: String) -> Trouble {
        let was_ready = self.links.get(link).is_some_and(Link::was_ready);
        if self.is_remote(link) {
            return if was_ready { Trouble::Disconnected { cause } } else { Trouble::Unreachable { cause } };
        }
        let last_words = self.links.get(link).and_then(|link| link.stdio()?.last_words()).map(str::to_owned);
        if was_ready { Trouble::Crashed { cause, last_words } } else { Trouble::CannotStart { cause, last_words } }
    }

    pub(super) fn is_remote(&self, link: LinkId) -> bool {
        self.links.get(link).is_some_and(|link| matches!(link.transport, Transport::Remote(_)))
    }

    /// Everything that hangs on the link is answered. A call that waits for a server that just crashed waits for the
    /// next process; one that waits for a server that cannot be started is told so now.
    fn fail_link(&mut self, server: ServerId, link: LinkId, trouble: &Trouble, now: Instant) {
        self.forget_asks_of(link, now);
        match trouble {
            Trouble::Crashed { .. } | Trouble::Disconnected { .. } => {
                self.fail_calls(server, trouble, |state| matches!(state, CallState::InFlight), now);
            }
            Trouble::CannotStart { .. }
            | Trouble::Unreachable { .. }
            | Trouble::NotReady { .. }
            | Trouble::Silent { .. }
            | Trouble::Refused { .. }
            | Trouble::Misbehaved { .. }
            | Trouble::Clogged
            | Trouble::Crowded { .. }
            | Trouble::Retired
            | Trouble::Replaced
            | Trouble::ShuttingDown => self.fail_calls(server, trouble, |_| true, now),
        }
    }

    pub(super) fn on_link_gone(&mut self, server: ServerId, link: LinkId, trouble: &Trouble, now: Instant) {
        let never_sent = Trouble::Unreachable { cause: "it ended before this call was sent".to_owned() };
        self.return_unsent(link, &never_sent, now);
        self.close_outbounds(link);
        let is_current = self.servers.get(server).is_some_and(|server| server.supervisor.link() == Some(link));
        if !is_current {
            self.links.remove(link);
            return;
        }
        let is_stopping =
            self.servers.get(server).is_some_and(|server| matches!(server.supervisor.state(), State::Stopping { .. }));
        let trouble = if is_stopping { &Trouble::ShuttingDown } else { trouble };
        self.remember_failure(link);
        // Before the calls end: what an upstream is told of their ends is not for a link that is gone.
        self.links.remove(link);
        self.fail_link(server, link, trouble, now);
        let mut jitter = [0];
        self.randomise(&mut jitter);
        let Some(entry) = self.servers.get_mut(server) else { return };
        entry.catalogue.on_gone();
        let next = entry.supervisor.on_gone(now, jitter[0]);
        if let Some(due) = next {
            self.deadlines.arm(&mut entry.supervisor.timer, Due::Server(server), due);
        }
        let must_start = entry.is_essential && entry.introduction.is_none();
        let name = entry.config.label.clone();
        let is_awaited = !entry.waiting.is_empty() && entry.supervisor.is_startable();
        self.report_gone(server, trouble, next.map(|due| due - now));
        if next.is_some() {
            self.keep_failure(server, trouble.clone(), now);
        }
        if self.on_temporary_gone(server) {
            // Nobody waits for it.
        } else if must_start {
            self.fail_start(name, now);
        } else if is_awaited && !self.shutdown.is_under_way() {
            self.start(server, now);
        }
        self.on_servers_stopped(now);
    }

    /// For the status page.
    fn keep_failure(&mut self, server: ServerId, trouble: Trouble, now: Instant) {
        let entrance = self.servers.get(server).and_then(Server::entrance).unwrap_or(server);
        if let Some(entry) = self.servers.get_mut(entrance) {
            entry.last_failure = Some((trouble, now));
        }
    }

    fn report_gone(&mut self, server: ServerId, trouble: &Trouble, pause: Option<std::time::Duration>) {
        let Some(pause) = pause else {
            return self.log(Level::Info, Some(server), "Stopped".to_owned());
        };
        let Outline { what, cause, last_words } = trouble.outline();
        let words = last_words.map(|words| format!(", its last words: {words:?}")).unwrap_or_default();
        let message =
            format!("{what}: {cause}{words}; next attempt in {:.1} s, or at the next call", pause.as_secs_f32());
        self.log(Level::Error, Some(server), message);
    }
}
