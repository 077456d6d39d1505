//! Row 6: the core. Owns connections, sessions, calls and links; does no I/O.
//!
//! The shell feeds [`Input`]s to [`Proxy::handle`], each with the time, then takes [`Output`]s from
//! [`Proxy::poll_output`] until there are none, and comes back no later than [`Proxy::poll_timeout`] says.
//!
//! ```text
//!            conns ──▶ routes ──▶ calls ──▶ sending ──▶ processes, or exchanges ──▶ outbounds   (down to up)
//!  Input ──▶                                                                                    ──▶ Output
//!            conns ◀── streams ◀── upstream ◀────────── processes, or exchanges ◀── outbounds   (up to down)
//! ```
//!
//! *Processes* are links to children, through pipes. *Remotes* are links to upstreams in the network: conversations
//! made of *exchanges*, each a request and its response on an *outbound* connection. `links` is what both have in
//! common: a life.
//!
//! Both eras of the protocol meet here. A modern request is a session that lasts as long as its answer; *parking* is
//! how it is asked something by a legacy upstream, *listens* are how it hears of changes. A modern upstream is found
//! out in *probes*, heard through *changes*, and what it asks of a legacy downstream goes through *inquiries*.
//!
//! Each file below is one of these concepts, as a block of methods on [`Proxy`]. What they share is the rule that
//! everything is found by a generation-checked id: a call whose session has ended, a stream whose connection broke, a
//! line of a process that was replaced all find nothing, and nothing happens.

mod asks;
mod authorization;
mod calls;
mod changes;
mod closing;
mod conns;
mod dates;
mod dispatch;
mod early_asks;
mod exchanges;
mod figures;
mod filters;
mod for_legacy;
mod greetings;
mod handshakes;
mod inquiries;
mod interface;
mod links;
mod listens;
mod modern;
mod notices;
mod openers;
mod outbounds;
mod parking;
mod patience;
mod private;
mod probes;
mod processes;
mod reload;
mod remotes;
mod replays;
mod request_log;
pub(crate) mod request_states;
mod responses;
mod retirement;
mod second_tries;
mod sending;
mod sessions;
mod shutdown;
mod stand_in;
mod streams;
mod subscriptions;
mod tasks;
mod upstream;
mod upward;
mod url_visits;

use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;
use std::time::Instant;

pub use authorization::{Order, Outcome, Task, TemplateChange};
pub use interface::{Exit, Field, Input, Level, Output, Random, ReadVitals, Record, Sources, Vitals};

use crate::base::deadline::{Deadlines, Timer};
use crate::base::id::{Arena, ConnId, LinkId, OutboundId, ServerId, SessionId, StreamId};
use crate::base::sequence::{AskId, CallId, Sequence};
use crate::base::time::Now;
use crate::config::{Command, Config, Listener};
use crate::limits;
use crate::mcp::ask::Ask;
use crate::mcp::call::Call;
use crate::mcp::owners::Owners;
use crate::mcp::request_state::Seal;
use crate::mcp::session::Sessions;
use crate::mcp::stream::Stream;
use crate::mcp::url_visits::UrlVisits;

use authorization::Authorization;
pub(crate) use calls::Request;
use conns::{Conn, ConnState};
use figures::Counts;
pub(crate) use figures::Load;
use links::Link;
pub(crate) use links::Server;
use listens::Listen;
use outbounds::Outbound;
pub(crate) use replays::Resumption;
use retirement::Retired;
use shutdown::Shutdown;

/// The core.
pub struct Proxy {
    pub(crate) config: Config,
    pub(crate) listener: Listener,
    sources: Sources,
    pub(crate) counts: Counts,
    pub(crate) conns: Arena<ConnId, Conn>,
    pub(crate) streams: Arena<StreamId, Stream>,
    /// What is kept of all streams together.
    replay_bytes: usize,
    pub(crate) sessions: Sessions,
    pub(crate) calls: Sequence<CallId, Call>,
    pub(crate) asks: Sequence<AskId, Ask>,
    pub(crate) servers: Arena<ServerId, Server>,
    /// Those of the configuration, in its order.
    configured: Vec<ServerId>,
    /// Those that it does not have any more.
    retired: Retired,
    /// Whose the tasks and URL elicitations are.
    owners: Owners,
    /// What parked calls are found again by.
    seal: Option<Seal>,
    /// The URLs that modern downstreams were told to visit.
    url_visits: UrlVisits,
    /// The `subscriptions/listen` that are open.
    listens: BTreeMap<SessionId, Listen>,
    links: Arena<LinkId, Link>,
    outbounds: Arena<OutboundId, Outbound>,
    deadlines: Deadlines<Due>,
    /// The `Host` that was allowed last: nearly every request has the same one.
    pub(crate) allowed_host: String,
    /// Comes up when idle sessions are looked for.
    sweep: Timer,
    /// Comes up when streams are looked for that nobody came back for.
    replay_sweep: Timer,
    /// Whoever logs in may call; `None`: nobody can.
    pub(crate) authorization: Option<Box<Authorization>>,
    shutdown: Shutdown,
    /// Why the exit status will not be 0.
    failure: Option<String>,
    /// The large message that is being handled, whose memory may be handed on.
    in_hand: Option<Rc<Vec<u8>>>,
    outputs: VecDeque<Output>,
    /// Connections whose answer was finished while another input was being handled: requests may wait behind it.
    resumable: Vec<ConnId>,
    /// Links that may have something to send.
    posting: Vec<LinkId>,
    /// Private upstreams that may be of no use any more.
    suspects: Vec<ServerId>,
    pub(crate) date: dates::DateHeader,
}

/// Whose deadline has come up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Due {
    /// A connection's: head, body, idle, stream comment, stalled write.
    Conn(ConnId),
    /// The next step in the life of an upstream.
    Server(ServerId),
    /// A connection to a remote upstream: idle, or busy with what must not take long.
    Outbound(OutboundId),
    /// What a conversation with a remote upstream is to do next: a ping, a stream to be opened again.
    Link(LinkId),
    /// The calls and asks of an upstream that were silent for too long.
    Patience(ServerId),
    /// The search for idle sessions.
    Sweep,
    /// The search for streams that nobody came back for.
    Replays,
    /// The end of what a modern call waits for before it is answered with asks, or for its downstream.
    Round(CallId),
    /// The end of the pause before a modern upstream is to be heard again.
    Changes(LinkId),
    /// The end of the pause before a legacy call is sent to a modern upstream again.
    Question(CallId),
    /// The end of what a listen waits for before it is acknowledged.
    Listen(SessionId),
    /// The end of the patience with the calls of a server that is not configured any more.
    Retirement(ServerId),
    /// The authorization server's: what has expired is forgotten.
    Authorization,
    /// The search for what the operator wants of it.
    Orders,
    /// The end of the patience at shutdown.
    Shutdown,
}

impl Proxy {
    /// The core for a configuration. Its first outputs start the upstreams.
    pub fn new(config: Config, listener: Listener, sources: Sources, now: Now) -> Proxy {
        let mut proxy = Proxy {
            config,
            listener,
            sources,
            counts: Counts::new(now.unix_seconds),
            conns: Arena::new(),
            streams: Arena::new(),
            replay_bytes: 0,
            sessions: Sessions::default(),
            calls: Sequence::new(),
            asks: Sequence::new(),
            servers: Arena::new(),
            configured: Vec::new(),
            retired: Retired::default(),
            owners: Owners::default(),
            seal: None,
            url_visits: UrlVisits::default(),
            listens: BTreeMap::new(),
            links: Arena::new(),
            outbounds: Arena::new(),
            deadlines: Deadlines::default(),
            allowed_host: String::new(),
            sweep: Timer::default(),
            replay_sweep: Timer::default(),
            authorization: None,
            shutdown: Shutdown::default(),
            failure: None,
            in_hand: None,
            outputs: VecDeque::new(),
            resumable: Vec::new(),
            posting: Vec::new(),
            suspects: Vec::new(),
            date: dates::DateHeader::default(),
        };
        proxy.deadlines.arm(&mut proxy.sweep, Due::Sweep, now.instant + limits::SESSION_SWEEP_INTERVAL);
        for server in std::mem::take(&mut proxy.config.servers) {
            let is_essential = server.panic_if_invalid;
            let id = proxy.add_server(server);
            proxy.configured.push(id);
            if let Some(entry) = proxy.servers.get_mut(id) {
                entry.is_essential = is_essential;
            }
            proxy.start_configured(id, now.instant);
        }
        proxy.dispatch_exchanges(now.instant);
        proxy
    }

    /// Something happened outside.
    pub fn handle(&mut self, input: Input<'_>, now: Now) {
        self.date.set(now.unix_seconds);
        let at = now.instant;
        match input {
            Input::Received { conn, bytes } => self.on_received(conn, bytes, at),
            Input::Finished { conn } => self.on_finished(conn, at),
            Input::Broken { conn } => self.forget_conn(conn, at),
            Input::Sent { conn, count } => self.on_sent(conn, count, at),
            Input::Spawned { link, pid } => self.on_spawned(link, pid),
            Input::SpawnFailed { link, error } => self.on_spawn_failed(link, error, at),
            Input::Stdout { link, bytes } => self.on_stdout(link, bytes, at),
            Input::Stderr { link, bytes } => self.on_stderr(link, bytes),
            Input::StdoutEnded { link } => self.on_stdout_ended(link, at),
            Input::StdinSent { link, count } => self.on_stdin_sent(link, count),
            Input::StdinBroken { link } => self.on_stdin_broken(link, at),
            Input::Exited { link, exit } => self.on_exited(link, exit, at),
            Input::Connected { outbound } => self.on_connected(outbound),
            Input::ConnectFailed { outbound, error } => self.on_connect_failed(outbound, &error, at),
            Input::OutboundReceived { outbound, bytes } => self.on_outbound_received(outbound, bytes, at),
            Input::OutboundFinished { outbound } => self.on_outbound_finished(outbound, at),
            Input::OutboundBroken { outbound, error } => self.on_outbound_broken(outbound, &error, at),
            Input::OutboundSent { outbound, count } => self.on_outbound_sent(outbound, count),
            Input::Reload(config) => self.on_reload(*config, at),
            Input::Authority(outcome) => self.on_outcome(outcome, now),
            Input::Shutdown => self.on_shutdown(at),
        }
        self.settle(at);
    }

    /// The time that [`Proxy::poll_timeout`] named has come.
    pub fn handle_timeout(&mut self, now: Now) {
        self.date.set(now.unix_seconds);
        while let Some(entry) = self.deadlines.pop(now.instant) {
            self.on_due(entry, now.instant);
        }
        self.settle(now.instant);
        debug_assert!(self.deadlines.next().is_none_or(|next| next > now.instant), "a deadline that stays due spins");
    }

    /// A turn of the loop is over, which began at `began`: everything that happened meanwhile had to wait. Timers that
    /// were pushed back are put off before the loop sleeps.
    pub fn handle_turn(&mut self, began: Instant, now: Instant) {
        self.counts.turns.add(now.saturating_duration_since(began));
        let mut deadlines = std::mem::take(&mut self.deadlines);
        deadlines.put_off(now, |deadlines, entry| {
            let _ = self.timer(entry.1).map(|timer| deadlines.is_expired(timer, entry, now));
        });
        self.deadlines = deadlines;
    }

    /// The next thing to do, if any.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When to call [`Proxy::handle_timeout`] at the latest.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.deadlines.next()
    }

    /// The oldest bytes that wait for a downstream, as far as they lie together.
    pub fn outgoing(&self, conn: ConnId) -> &[u8] {
        self.conns.get(conn).map_or(&[], |conn| conn.outgoing.front())
    }

    /// How many bytes wait for a downstream.
    pub fn outgoing_len(&self, conn: ConnId) -> usize {
        self.conns.get(conn).map_or(0, |conn| conn.outgoing.len())
    }

    /// The command of a link that is to be started.
    pub fn command(&self, link: LinkId) -> Option<&Command> {
        let link = self.links.get(link)?;
        self.servers.get(link.server)?.config.target.command()
    }

    /// How much the core holds at the moment: what a leak would show up in.
    pub fn census(&self) -> Census {
        let privates = self.servers.iter().filter(|(_, server)| server.entrance().is_some()).count();
        Census {
            conns: self.conns.len(),
            streams: self.streams.len(),
            sessions: self.sessions.len(),
            calls: self.calls.len(),
            asks: self.asks.len(),
            owned: self.owners.len(),
            links: self.links.len(),
            outbounds: self.outbounds.len(),
            privates,
            retired: self.servers.len() - self.configured.len() - privates,
            queued_bytes: self.links.iter().map(|(_, link)| link.queued_bytes()).sum(),
            replay_bytes: self.replay_bytes,
        }
    }

    /// What is left to do when an input has been handled.
    fn settle(&mut self, now: Instant) {
        self.drive_authorization(now);
        self.resume_conns(now);
        self.acknowledge_listens(now);
        self.on_calls_finished(now);
        self.end_retired(now);
        self.end_unused(now);
        self.dispatch_exchanges(now);
        self.on_flushed(now);
    }

    fn timer(&mut self, due: Due) -> Option<&mut Timer> {
        match due {
            Due::Conn(id) => self.conns.get_mut(id).map(|conn| &mut conn.timer),
            Due::Server(id) => self.servers.get_mut(id).map(|server| &mut server.supervisor.timer),
            Due::Outbound(id) => self.outbounds.get_mut(id).map(|outbound| &mut outbound.timer),
            Due::Link(id) => self.links.get_mut(id).and_then(|link| link.timer()),
            Due::Patience(id) => self.servers.get_mut(id).map(|server| &mut server.patience),
            Due::Sweep => Some(&mut self.sweep),
            Due::Replays => Some(&mut self.replay_sweep),
            Due::Round(id) => self.calls.get_mut(id).and_then(Call::rounds_timer),
            Due::Changes(id) => self.links.get_mut(id).map(|link| &mut link.changes.timer),
            Due::Question(id) => self.calls.get_mut(id).and_then(Call::question_timer),
            Due::Listen(id) => self.listens.get_mut(&id).map(|listen| &mut listen.timer),
            Due::Retirement(id) => self.servers.get_mut(id).and_then(Server::retirement),
            Due::Authorization => self.authorization.as_mut().map(|authorization| authorization.timer()),
            Due::Orders => self.authorization.as_mut().map(|authorization| &mut authorization.orders),
            Due::Shutdown => self.shutdown.timer(),
        }
    }

    fn on_due(&mut self, entry: (Instant, Due), now: Instant) {
        let mut deadlines = std::mem::take(&mut self.deadlines);
        let is_expired = self.timer(entry.1).is_some_and(|timer| deadlines.is_expired(timer, entry, now));
        self.deadlines = deadlines;
        if !is_expired {
            return;
        }
        match entry.1 {
            Due::Conn(id) => self.on_conn_timeout(id, now),
            Due::Server(id) => self.on_server_timeout(id, now),
            Due::Outbound(id) => self.on_outbound_timeout(id, now),
            Due::Link(id) => self.on_link_timeout(id, now),
            Due::Patience(id) => self.on_patience_timeout(id, now),
            Due::Sweep => self.on_sweep(now),
            Due::Replays => self.on_replay_sweep(now),
            Due::Round(id) => self.on_round_timeout(id, now),
            Due::Changes(id) => self.on_changes_due(id, now),
            Due::Question(id) => self.ask_again(id, now),
            Due::Listen(id) => self.on_listen_timeout(id, now),
            Due::Retirement(id) => self.on_retirement_timeout(id, now),
            Due::Authorization => self.on_authorization_timeout(now),
            Due::Orders => self.on_orders_due(now),
            Due::Shutdown => self.on_shutdown_timeout(now),
        }
    }

    /// Fills in random bytes.
    fn randomise(&mut self, bytes: &mut [u8]) {
        (self.sources.random)(bytes);
    }

    /// How the process is doing.
    pub(crate) fn vitals(&mut self) -> Vitals {
        (self.sources.vitals)()
    }

    pub(crate) fn log(&mut self, level: Level, server: Option<ServerId>, message: String) {
        let server = server.and_then(|id| self.servers.get(id)).map(|server| server.config.label.clone());
        self.outputs.push_back(Output::Log(Record { level, server, message, fields: Vec::new() }));
    }
}

/// Counts of what the core holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[allow(missing_docs, reason = "the words are those of the architecture")]
pub struct Census {
    pub conns: usize,
    pub streams: usize,
    pub sessions: usize,
    pub calls: usize,
    pub asks: usize,
    pub owned: usize,
    pub links: usize,
    pub outbounds: usize,
    pub privates: usize,
    pub retired: usize,
    pub queued_bytes: usize,
    pub replay_bytes: usize,
}
