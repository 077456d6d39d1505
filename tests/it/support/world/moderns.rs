//! What modern clients do: chosen at random, within what clients may do, and a little beyond.

use mcp_proxy::mcp::log_level::LogLevel;
use serde_json::{Value, json};

use super::World;
use super::call::Kind;
use super::client::Client;
use super::errand::{Aim, Errand, Trip};
use super::expected::Expected;
use super::servers::Who;
use super::what::What;
use crate::support::modern::Modern;
use crate::support::requests::Http;

/// What clients can be asked.
pub(super) const OFFERS: [&str; 3] = ["sampling", "elicitation", "roots"];

/// From which on lines of the log are wanted.
pub(super) const LEVELS: [LogLevel; 3] = [LogLevel::Debug, LogLevel::Info, LogLevel::Error];

/// A request of an errand on its way.
pub(super) struct Leg {
    errand: usize,
    aim: Aim,
    pub(super) server: usize,
    pub(super) who: Who,
    id: Value,
    request: Modern,
}

impl World {
    /// Some modern client does something.
    pub(super) fn act_modern(&mut self, index: usize) {
        match self.rng.below(20) {
            0..=7 => self.set_out(index),
            8..=13 if self.go_on(index) => {}
            14 | 15 if self.intrude(index) => {}
            16 => self.hear_of_something(index),
            17 => self.leave(),
            18 => self.talk_wrongly(index),
            19 => self.cancel_in_vain(index),
            _ => self.set_out(index),
        }
    }

    /// Ids of one client differ, and so do those of all here.
    pub(super) fn next_modern_id(&mut self) -> Value {
        self.modern_ids += 1;
        if self.rng.one_in(3) { json!(format!("m-{}", self.modern_ids)) } else { json!(self.modern_ids) }
    }

    fn set_out(&mut self, index: usize) {
        let server = self.rng.below(self.servers.len());
        let who = self.servers[server].somebody(&mut self.rng);
        let what = self.new_what(server);
        self.begin_errand(index, server, who, what);
    }

    /// Says which of the errands it is.
    pub(super) fn begin_errand(&mut self, index: usize, server: usize, who: Who, what: What) -> usize {
        let offers = match self.servers[server].is_askable {
            false => Vec::new(),
            // Elsewhere somebody else would be asked in its place.
            true if self.servers[server].is_telling() && self.rng.one_in(4) => {
                OFFERS.into_iter().filter(|_| self.rng.one_in(2)).collect()
            }
            true => OFFERS.to_vec(),
        };
        self.markers += 1;
        let errand = self.errands.len();
        self.errands.push(Errand::new(server, who, what, self.markers, offers));
        let mut leg = self.leg_of(errand, Aim::Begin);
        if self.rng.one_in(20) {
            leg.request = leg.request.param("inputResponses", "{\"x\":{}}"); // means nothing without a state
        }
        self.travel(index, leg);
        errand
    }

    /// What every request of an errand says.
    pub(super) fn leg_of(&mut self, errand: usize, aim: Aim) -> Leg {
        let arguments = self.errands[errand].what.arguments.clone();
        self.leg_with(errand, aim, arguments)
    }

    /// The same with other arguments.
    pub(super) fn leg_with(&mut self, errand: usize, aim: Aim, arguments: Option<Value>) -> Leg {
        let id = self.next_modern_id();
        let Errand { server, who, what, mark, offers, .. } = &self.errands[errand];
        let offers: Vec<String> = offers.iter().map(|offer| format!("\"{offer}\":{{}}")).collect();
        let request = Modern::new(&id, what.method)
            .capabilities(&format!("{{{}}}", offers.join(",")))
            .meta("mark", &mark.to_string());
        let request = match &what.about {
            Some((member, name)) => request.about(member, name),
            None => request,
        };
        let request = match arguments {
            Some(arguments) => request.param("arguments", &arguments.to_string()),
            None => request,
        };
        Leg { errand, aim, server: *server, who: *who, id, request }
    }

    /// Sends it, as it is to be answered.
    pub(super) fn travel(&mut self, index: usize, leg: Leg) {
        let Leg { errand, aim, server, who, id, request } = leg;
        let (accept, takes_events) = *self.rng.pick(&[
            ("application/json, text/event-stream", true),
            ("application/json, text/event-stream", true),
            ("text/event-stream", true),
            ("application/json", false),
        ]);
        let token = self.rng.one_in(2).then(|| self.next_modern_id());
        let is_quiet = matches!(self.errands[errand].what.kind, Kind::Whisper);
        let level = (!is_quiet && self.rng.one_in(3)).then(|| *self.rng.pick(&LEVELS));
        let request = match &token {
            Some(token) => request.token(&token.to_string()),
            None => request,
        };
        let request = match level {
            Some(level) => request.level(level.as_str()),
            None => request,
        };
        let http = who.sign(request.http().at(&self.entry(server))).with("Accept", accept);
        let http = if self.rng.one_in(5) { respelt(http, &request.body()) } else { http };
        let sent = self.clock.passed();
        let trip = Trip { errand, id, aim, token, level, sent, takes_events, is_answered: false };
        self.send(index, &http, Expected::Result(trip));
    }

    /// Where requests to a server go.
    pub(super) fn entry(&self, server: usize) -> String {
        format!("/{}/mcp", self.servers[server].name)
    }

    /// A client goes that waits for an answer, or that has heard enough.
    fn leave(&mut self) {
        let is_meant = |client: &&Client| {
            client.due.len() == 1 && matches!(client.due[0], Expected::Changes { .. } | Expected::Result(_))
        };
        let meant: Vec<_> = self.clients.iter().filter(is_meant).map(|client| client.conn).collect();
        if !meant.is_empty() {
            let conn = *self.rng.pick(&meant);
            self.hang_up(conn);
        }
    }

    /// Somebody says that a request is cancelled. Ids are no proof, so nothing is.
    fn cancel_in_vain(&mut self, index: usize) {
        let server = self.rng.below(self.servers.len());
        let who = self.servers[server].somebody(&mut self.rng);
        let id = self.rng.below(self.modern_ids as usize + 1);
        let params = json!({"requestId": if self.rng.one_in(3) { json!(format!("m-{id}")) } else { json!(id) }});
        let body = json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": params});
        let http = Http::post(&self.entry(server), &body.to_string());
        let http = who.sign(http).with("MCP-Protocol-Version", "2026-07-28");
        self.send(index, &http.with("Mcp-Method", "notifications/cancelled"), Expected::Plain { status: 202 });
    }

    /// Some request is not what it must be.
    fn talk_wrongly(&mut self, index: usize) {
        let server = self.rng.below(self.servers.len());
        let who = self.servers[server].somebody(&mut self.rng);
        let id = self.next_modern_id();
        let list = Modern::new(&id, "tools/list");
        let body = list.body();
        let other_version = body.replace("2026-07-28", "2027-01-01");
        let (http, status, code) = match self.rng.below(7) {
            0 => (list.http().with("Mcp-Method", "tools/call"), 400, -32020),
            1 => (list.http().without("MCP-Protocol-Version"), 400, -32020),
            2 => (list.http().body(&body.replace("clientCapabilities", "capabilities")), 400, -32602),
            3 => (list.http().with("MCP-Protocol-Version", "2027-01-01").body(&other_version), 400, -32022),
            4 => (Modern::new(&id, "ping").http(), 404, -32601),
            5 => (Modern::new(&id, "logging/setLevel").http(), 404, -32601),
            _ => {
                let listen = Modern::new(&id, "subscriptions/listen").param("notifications", "{}");
                (listen.http().with("Accept", "application/json"), 406, -32000)
            }
        };
        let http = http.at(&self.entry(server));
        if who != Who::Anybody && self.rng.one_in(3) {
            return self.send(index, &http, Expected::Plain { status: 401 });
        }
        self.send(index, &who.sign(http), Expected::Refusal { id, status, code });
    }
}

impl Leg {
    /// It shows a state, and these answers.
    pub(super) fn answering(self, state: &Value, answers: &Value) -> Leg {
        let request = self.request.param("inputResponses", &answers.to_string());
        Leg { request: request.param("requestState", &state.to_string()), ..self }
    }
}

/// The same in other words.
fn respelt(http: Http, body: &str) -> Http {
    let body: Value = serde_json::from_str(body).expect("a message");
    http.body(&format!("{body:#}"))
}
