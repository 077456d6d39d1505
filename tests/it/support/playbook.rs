//! A playbook: what the core is told, and line by line what it does then.
//!
//! ```text
//! a 200 json {…}            a whole answer on connection `a` (further headers stand in brackets)
//! a 200 stream              the head of an event stream; then `a event {…}`, `a comment …`, `a end`
//! a endpoint /…             the first event of HTTP+SSE: where messages are to be sent
//! a finish / a close        the sending side is shut down / the socket is closed
//! demo spawn                a process is asked for
//! demo <- {…}               a line for its stdin
//! demo close-stdin / terminate / kill
//! up1 connect / close       a connection to a remote upstream is asked for / closed
//! up1 POST /mcp {…}         a request on it (further headers stand in brackets)
//! stopped                   the program may exit
//! ```
//!
//! Upstreams answer `server/discover` as legacy ones do, with an error and before anybody looks; [`Playbook::probed`]
//! leaves that to the test.
//!
//! `"jsonrpc":"2.0"` is left out on both sides. Numbers that the proxy chose stand as `#1`, `#2` … for calls and `?1`,
//! `?2` … for asks, in the order in which they were seen. In what is expected, `…` stands for any text.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::rc::Rc;
use std::time::Duration;

use mcp_proxy::base::id::{ConnId, LinkId};
use mcp_proxy::base::time::Now;
use mcp_proxy::config::{Config, Listener};
use mcp_proxy::demo::DemoServer;
use mcp_proxy::proxy::{Exit, Input, Order, Proxy, Record, Sources, Task, TemplateChange, Vitals};

use super::answers::Answers;
use super::clock::Clock;
use super::oauth::Disk;
use super::requests::{self, CLIENT, Http, rpc};

mod remotes;
mod settle;
mod symbols;
mod transcript;

use symbols::Symbols;
use transcript::Transcript;
pub(crate) use transcript::{Answer, assert_error};

/// The core between scripted downstreams and scripted upstreams.
pub(crate) struct Playbook {
    pub(crate) proxy: Proxy,
    clock: Clock,
    downs: Vec<Down>,
    children: Vec<Child>,
    outbounds: Vec<remotes::Outbound>,
    /// How many connections to remote upstreams were asked for.
    connects: usize,
    /// Whether what the authorization server keeps reaches the disk; else why not.
    pub(crate) disk: Result<(), String>,
    /// What the authorization server wants to be done, while its threads are slow.
    pub(crate) held: Option<Vec<Task>>,
    /// What it keeps.
    pub(crate) kept: Disk,
    /// What the next look at the templates finds changed.
    pub(crate) templates: Vec<TemplateChange>,
    /// What the operator has ordered.
    pub(crate) orders: Vec<Order>,
    /// Where the next connections come from.
    pub(crate) peer: IpAddr,
    /// Whether these are there at once.
    pub(crate) accepts: bool,
    transcript: Transcript,
    /// Everything that was logged: `info demo: text`.
    pub(crate) logs: Vec<String>,
    /// The same, as it was said.
    pub(crate) records: Vec<Record>,
    calls: Symbols,
    asks: Symbols,
    /// What the next pause between two attempts is spread by.
    pub(crate) jitter: Rc<Cell<u8>>,
    /// How the process is said to be doing.
    pub(crate) vitals: Rc<Cell<Vitals>>,
    /// The tool server of the [`super::pair::Pair`] runs in every child.
    has_demo: bool,
    /// Whether upstreams are legacy ones, which say so without being scripted.
    is_legacy: bool,
    pub(crate) is_stopped: bool,
    dead: BTreeSet<ConnId>,
}

struct Down {
    name: String,
    conn: ConnId,
    answers: Answers,
    /// What was sent while the core was not reading.
    pending: Vec<u8>,
    is_finished: bool,
    was_reading: bool,
    /// Whether it reads what it is sent.
    takes: bool,
    has_output: bool,
    whole: Vec<Answer>,
}

struct Child {
    name: String,
    link: LinkId,
    is_running: bool,
    takes: bool,
    has_output: bool,
    partial: Vec<u8>,
    machine: Option<DemoServer>,
    exit: Option<Exit>,
}

/// What a scripted upstream says of itself.
pub(crate) const INTRODUCTION: &str = concat!(
    r#"{"protocolVersion":"2025-11-25","#,
    r#""capabilities":{"tools":{},"logging":{},"resources":{"subscribe":true}},"#,
    r#""serverInfo":{"name":"up","version":"0"}}"#
);

/// What the proxy says of itself to every upstream.
pub(crate) const HELLO: &str = concat!(
    r#"demo <- {"id":"mcp-proxy:initialize","method":"initialize","#,
    r#""params":{"protocolVersion":"2025-11-25",…}}"#
);

/// Starting.
impl Playbook {
    /// With one server, `demo`, on a loopback listener.
    pub(crate) fn new() -> Playbook {
        Playbook::with(requests::config(&["demo"]))
    }

    pub(crate) fn with(config: Config) -> Playbook {
        Playbook::build(config, requests::loopback(), false)
    }

    /// Upstreams answer `server/discover` as the test says.
    pub(crate) fn probed(config: Config) -> Playbook {
        let mut play = Playbook::unsettled(config, requests::loopback(), false);
        play.is_legacy = false;
        play.settle();
        play
    }

    pub(crate) fn build(config: Config, listener: Listener, has_demo: bool) -> Playbook {
        let mut play = Playbook::unsettled(config, listener, has_demo);
        play.settle();
        play
    }

    fn unsettled(config: Config, listener: Listener, has_demo: bool) -> Playbook {
        let clock = Clock::new();
        let jitter = Rc::new(Cell::new(128));
        let (spread, mut count) = (Rc::clone(&jitter), 0);
        // Tokens count up; a single byte is for jitter.
        let random = move |bytes: &mut [u8]| {
            count = u8::wrapping_add(count, u8::from(bytes.len() > 1));
            let value = if bytes.len() == 1 { spread.get() } else { count };
            bytes.fill(value);
        };
        let vitals = Rc::new(Cell::new(Vitals::default()));
        let told = Rc::clone(&vitals);
        let sources = Sources { random: Box::new(random), vitals: Box::new(move || told.get()) };
        let proxy = Proxy::new(config, listener, sources, clock.now());
        Playbook {
            proxy,
            clock,
            downs: Vec::new(),
            children: Vec::new(),
            outbounds: Vec::new(),
            connects: 0,
            disk: Ok(()),
            held: None,
            kept: Disk::default(),
            templates: Vec::new(),
            orders: Vec::new(),
            peer: CLIENT,
            accepts: true,
            transcript: Transcript::default(),
            logs: Vec::new(),
            records: Vec::new(),
            calls: Symbols::new('#'),
            asks: Symbols::new('?'),
            jitter,
            vitals,
            has_demo,
            is_legacy: true,
            is_stopped: false,
            dead: BTreeSet::new(),
        }
    }

    /// The process runs, introduces itself and lists no tools.
    pub(crate) fn ready(&mut self, server: &str) {
        if !self.child(server).is_running {
            self.spawned(server);
        }
        self.says(server, &format!(r#"{{"id":"mcp-proxy:initialize","result":{INTRODUCTION}}}"#));
        self.says(server, r#"{"id":"mcp-proxy:tools/list","result":{"tools":[]}}"#);
        self.forget();
    }

    /// A ready server and a session on connection `a`, which it returns.
    pub(crate) fn ready_with_session() -> (Playbook, String) {
        let mut play = Playbook::new();
        play.ready("demo");
        let session = play.session("a");
        (play, session)
    }
}

/// Downstreams.
impl Playbook {
    pub(crate) fn connect(&mut self, name: &str) {
        self.connect_quietly(name);
        self.settle();
    }

    /// For many connections: nothing is to happen yet.
    pub(crate) fn connect_quietly(&mut self, name: &str) {
        let conn = self.proxy.handle_accept(self.peer, self.clock.now()).expect("room for a connection");
        self.downs.push(Down {
            name: name.to_owned(),
            conn,
            answers: Answers::new(),
            pending: Vec::new(),
            is_finished: false,
            was_reading: true,
            takes: true,
            has_output: false,
            whole: Vec::new(),
        });
    }

    /// Sends raw bytes.
    pub(crate) fn send(&mut self, name: &str, bytes: &[u8]) {
        let down = self.down(name);
        down.pending.extend_from_slice(bytes);
        self.deliver_pending();
        self.settle();
    }

    /// Sends a request, on a new connection of that name if there is none.
    pub(crate) fn http(&mut self, name: &str, request: &Http) {
        if !self.downs.iter().any(|down| down.name == name) {
            self.connect(name);
        }
        let text = self.asks.resolve(&request.text());
        self.down(name).answers.on_request(text.starts_with("HEAD "));
        self.send(name, text.as_bytes());
    }

    /// POSTs a message.
    pub(crate) fn post(&mut self, name: &str, session: &str, message: &str) {
        let message = self.asks.resolve(&rpc(message));
        self.http(name, &Http::post("/demo/mcp", &message).session(session));
    }

    /// Sends a request whose answer comes at once and whole.
    pub(crate) fn request(&mut self, name: &str, request: &Http) -> Answer {
        self.http(name, request);
        self.answer(name)
    }

    /// The same, on a connection of its own.
    pub(crate) fn answer_to(&mut self, request: &Http) -> Answer {
        self.connect("once");
        let answer = self.request("once", request);
        self.hang_up("once");
        answer
    }

    /// With numbers in the place of `?1`, `?2` ….
    pub(crate) fn with_numbers(&self, message: &str) -> String {
        self.asks.resolve(message)
    }

    /// The last whole answer, which is taken out of the transcript.
    pub(crate) fn answer(&mut self, name: &str) -> Answer {
        self.transcript.forget_answers(name);
        self.down(name).whole.pop().expect("an answer")
    }

    /// Begins a session that can do everything. Returns its token.
    pub(crate) fn session(&mut self, name: &str) -> String {
        self.session_as(name, "2025-11-25", r#"{"sampling":{},"elicitation":{},"roots":{}}"#)
    }

    pub(crate) fn session_as(&mut self, name: &str, version: &str, capabilities: &str) -> String {
        let answer = self.request(name, &requests::initialize(version, capabilities));
        assert_eq!(answer.head.status, 200, "{answer:?}");
        answer.head.header("mcp-session-id").expect("a session").to_owned()
    }

    /// The client sends no more, but still reads.
    pub(crate) fn finish(&mut self, name: &str) {
        self.down(name).is_finished = true;
        let conn = self.down(name).conn;
        self.handle(Input::Finished { conn });
    }

    /// The connection breaks.
    pub(crate) fn hang_up(&mut self, name: &str) {
        let conn = self.down(name).conn;
        self.downs.retain(|down| down.name != name);
        self.dead.insert(conn);
        self.handle(Input::Broken { conn });
    }

    /// Whether the client reads.
    pub(crate) fn takes(&mut self, name: &str, takes: bool) {
        self.down(name).takes = takes;
        self.settle();
    }

    /// The id of the last event that it got on its stream.
    pub(crate) fn last_event(&mut self, name: &str) -> Option<String> {
        self.down(name).answers.last_id.clone()
    }

    /// How much waits for a client that does not read: what lies together at the front, and all of it.
    pub(crate) fn unread_bytes(&mut self, name: &str) -> (usize, usize) {
        let conn = self.down(name).conn;
        (self.proxy.outgoing(conn).len(), self.proxy.outgoing_len(conn))
    }

    /// What waits for a client that does not read.
    pub(crate) fn unread(&mut self, name: &str) -> String {
        let conn = self.down(name).conn;
        String::from_utf8_lossy(self.proxy.outgoing(conn)).into_owned()
    }

    fn down(&mut self, name: &str) -> &mut Down {
        self.downs.iter_mut().rev().find(|down| down.name == name).unwrap_or_else(|| panic!("no connection {name}"))
    }
}

/// Upstreams.
impl Playbook {
    /// The process that was asked for runs.
    pub(crate) fn spawned(&mut self, server: &str) {
        let child = self.child(server);
        child.is_running = true;
        let link = child.link;
        self.handle(Input::Spawned { link, pid: 4_711 });
    }

    pub(crate) fn spawn_fails(&mut self, server: &str, error: &str) {
        let link = self.child(server).link;
        self.children.retain(|child| child.link != link);
        self.handle(Input::SpawnFailed { link, error: error.to_owned() });
    }

    /// The child writes a message.
    pub(crate) fn says(&mut self, server: &str, message: &str) {
        let line = self.calls.resolve(&rpc(message));
        self.writes(server, format!("{line}\n").as_bytes());
    }

    /// The child answers the newest request.
    pub(crate) fn answers_last(&mut self, server: &str, result: &str) {
        let id = self.calls.last();
        self.says(server, &format!(r#"{{"id":{id},"result":{result}}}"#));
    }

    /// The number of the newest request.
    pub(crate) fn call_number_of_last(&self) -> u64 {
        self.calls.last()
    }

    /// The number that stands behind `#1`, `#2` ….
    pub(crate) fn call_number(&self, symbol: usize) -> u64 {
        self.calls.number(symbol)
    }

    /// The child writes bytes to its stdout.
    pub(crate) fn writes(&mut self, server: &str, bytes: &[u8]) {
        let link = self.child(server).link;
        self.handle(Input::Stdout { link, bytes });
    }

    pub(crate) fn complains(&mut self, server: &str, text: &str) {
        let link = self.child(server).link;
        self.handle(Input::Stderr { link, bytes: text.as_bytes() });
    }

    pub(crate) fn closes_stdout(&mut self, server: &str) {
        let link = self.child(server).link;
        self.handle(Input::StdoutEnded { link });
    }

    pub(crate) fn closes_stdin(&mut self, server: &str) {
        let link = self.child(server).link;
        self.handle(Input::StdinBroken { link });
    }

    pub(crate) fn exits(&mut self, server: &str, exit: Exit) {
        let link = self.child(server).link;
        self.children.retain(|child| child.link != link);
        self.handle(Input::Exited { link, exit });
    }

    /// Whether the child reads its stdin.
    pub(crate) fn child_takes(&mut self, server: &str, takes: bool) {
        self.child(server).takes = takes;
        self.settle();
    }

    /// What waits for the child, as it is.
    pub(crate) fn stdin(&mut self, server: &str) -> Vec<u8> {
        let link = self.child(server).link;
        self.proxy.stdin(link).to_vec()
    }

    fn child(&mut self, server: &str) -> &mut Child {
        self.children.iter_mut().rev().find(|child| child.name == server).unwrap_or_else(|| panic!("no child {server}"))
    }
}

/// Time, and everything together.
impl Playbook {
    /// Lets time pass; what is due happens when it is due.
    pub(crate) fn advance(&mut self, by: Duration) {
        let end = self.clock.instant() + by;
        loop {
            let demos = self.children.iter().filter_map(|child| child.machine.as_ref()?.poll_timeout());
            let Some(next) = demos.chain(self.proxy.poll_timeout()).min().filter(|next| *next <= end) else { break };
            self.clock.advance_to(next);
            self.tick();
        }
        self.clock.advance_to(end);
        self.tick();
    }

    fn tick(&mut self) {
        let now = self.clock.now();
        for child in &mut self.children {
            if let Some(machine) = &mut child.machine {
                machine.handle_timeout(now.instant);
            }
        }
        if self.proxy.poll_timeout().is_some_and(|due| due <= now.instant) {
            self.proxy.handle_timeout(now);
            assert!(self.proxy.poll_timeout().is_none_or(|due| due > now.instant), "a deadline stays due");
        }
        self.settle();
    }

    pub(crate) fn now(&self) -> Now {
        self.clock.now()
    }

    pub(crate) fn passed(&self) -> Duration {
        self.clock.passed()
    }

    /// The configuration has changed.
    pub(crate) fn reload(&mut self, config: Config) {
        self.handle(Input::Reload(Box::new(config)));
    }

    /// The threads of the authorization server do what they were slow to do.
    pub(crate) fn release(&mut self) {
        for task in self.held.take().into_iter().flatten() {
            self.on_task(task);
        }
        self.settle();
    }

    pub(crate) fn shut_down(&mut self) {
        self.handle(Input::Shutdown);
    }

    fn handle(&mut self, input: Input<'_>) {
        self.proxy.handle(input, self.clock.now());
        self.settle();
    }

    /// What happened since the last look is exactly this.
    #[track_caller]
    pub(crate) fn expect(&mut self, lines: &[&str]) {
        self.transcript.expect(lines);
    }

    /// Nobody looks at what happened so far.
    pub(crate) fn forget(&mut self) {
        self.transcript.clear();
    }

    /// What happened since the last look.
    pub(crate) fn take(&mut self) -> Vec<String> {
        self.transcript.take()
    }
}
