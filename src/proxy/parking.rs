//! Parked calls: a legacy upstream asks something during a call of a modern downstream, which can be asked in one way
//! only: its call is answered with what is wanted, and it comes back with the answers (2026-07-28, multi round-trip
//! requests). The call upstream goes on all the while.

use std::collections::BTreeMap;
use std::time::Instant;

use serde_json::value::RawValue;

use super::asks::{Asked, Cause};
use super::upstream::Source;
use super::{Due, Proxy};
use crate::base::id::{SessionId, StreamId};
use crate::base::sequence::{AskId, CallId, Number};
use crate::codec::jsonrpc::write;
use crate::limits;
use crate::mcp::ask::{Ask, AskKind, InputRequest, Origin, Way};
use crate::mcp::call::{CallState, End};
use crate::mcp::modern_call::{Missed, Rounds};
use crate::mcp::request_state::NONCE_BYTES;
use crate::mcp::session::Session;
use crate::mcp::tally::CallEnd;
use crate::mcp::trouble::Trouble;

/// The error to an upstream whose ask nobody has answered, as the specification of the older revisions has it for a
/// person who said no.
const NOT_ANSWERED: i32 = -1;

/// Asking.
impl Proxy {
    /// An upstream asks during a modern call: its downstream is told of it soon.
    pub(super) fn on_input_wanted(
        &mut self,
        source: Source,
        asked: &Asked<'_>,
        (session, call): (SessionId, CallId),
        now: Instant,
    ) {
        let Some(text) = input_request(asked) else {
            let reason = "a client of 2026-07-28 takes no such request";
            return self.refuse_ask(source.link, source.server, asked.id, reason);
        };
        if let Some(bound) = self.is_too_much(text.len()) {
            return self.refuse_ask(source.link, source.server, asked.id, &bound);
        }
        self.asks.insert(Ask {
            link: source.link,
            id: asked.id.into(),
            progress_token: None,
            session,
            call: Some(call),
            // The end of its round comes first.
            due: now + limits::ASK_TIME_MAX + limits::PARKED_TIME_MAX,
            way: Way::Input(InputRequest { kind: asked.kind, text: text.into() }),
            origin: Origin::Link,
        });
        self.gather(call, now);
    }

    /// More may be asked at once: all of it goes out together.
    fn gather(&mut self, id: CallId, now: Instant) {
        let Some(modern) = self.calls.get_mut(id).and_then(|call| call.modern.as_mut()) else { return };
        match modern.rounds {
            Rounds::Working | Rounds::Gathering => {
                modern.rounds = Rounds::Gathering;
                self.deadlines.arm(&mut modern.timer, Due::Round(id), now + limits::GATHERING_TIME);
            }
            Rounds::Parked { .. } | Rounds::Visiting { .. } => {} // for the next round
        }
    }

    pub(super) fn on_round_timeout(&mut self, id: CallId, now: Instant) {
        let Some(modern) = self.calls.get(id).and_then(|call| call.modern.as_ref()) else { return };
        match modern.rounds {
            Rounds::Working => {}
            Rounds::Gathering => self.park(id, now),
            Rounds::Parked { .. } => self.on_not_back(id, now),
            Rounds::Visiting { .. } => self.begin_visited(id, now),
        }
    }

    /// An upstream was refused an ask because the caller has not declared that it can be asked that: the call may fail
    /// for it.
    pub(super) fn note_missing(&mut self, source: Source, kind: AskKind) {
        let is_unable = |id| self.sessions.get(id).is_some_and(|session| !kind.is_covered_by(session.capabilities));
        let Cause::Session { call: Some(call), .. } = self.cause_of(source, is_unable) else { return };
        if let Some(modern) = self.calls.get_mut(call).and_then(|call| call.modern.as_mut()) {
            modern.missing.push(kind);
        }
    }

    /// What a call is asked, by number.
    fn inputs_of(&self, id: CallId) -> BTreeMap<AskId, &InputRequest> {
        let of_call = self.asks.iter().filter(|(_, ask)| ask.call == Some(id));
        let inputs = of_call.filter_map(|(ask_id, ask)| match &ask.way {
            Way::Input(input) => Some((ask_id, input)),
            Way::Stream => None,
        });
        inputs.collect()
    }

    /// The downstream is told what is wanted.
    fn park(&mut self, id: CallId, now: Instant) {
        let inputs = self.inputs_of(id);
        let entries: Vec<String> =
            inputs.iter().map(|(ask, input)| format!("\"{}\":{}", ask.number(), input.text)).collect();
        if entries.is_empty() {
            return self.set_rounds(id, Rounds::Working); // all were withdrawn
        }
        if self.is_ending() {
            return self.end_rounds(id, "the proxy shuts down", now); // nobody could come back
        }
        if self.calls.iter().filter(|(_, call)| call.is_parked()).count() >= limits::PARKED_MAX {
            let reason = format!("too many calls wait for answers of their clients ({})", limits::PARKED_MAX);
            return self.end_rounds(id, &reason, now);
        }
        let mut nonce = [0; NONCE_BYTES];
        self.randomise(&mut nonce);
        let Some(state) = self.parked_state(id, nonce) else { return };
        let Some(call) = self.calls.get_mut(id) else { return };
        let (stream, info) = (call.stream, call.server);
        let own_id = call.id.clone();
        if let Some(modern) = &mut call.modern {
            modern.rounds = Rounds::Parked { nonce, missed: Missed::default() };
            self.deadlines.arm(&mut modern.timer, Due::Round(id), now + limits::PARKED_TIME_MAX);
        }
        let result = format!(
            "{{\"resultType\":\"input_required\",\"inputRequests\":{{{}}},\"requestState\":\"{state}\",\
             \"_meta\":{{\"io.modelcontextprotocol/serverInfo\":{}}}}}",
            entries.join(","),
            self.server_info(info)
        );
        let body = write::result(&own_id, &result);
        self.push_reply(stream, 200, &[], &[body.as_bytes()], now);
    }

    fn set_rounds(&mut self, id: CallId, rounds: Rounds) {
        if let Some(modern) = self.calls.get_mut(id).and_then(|call| call.modern.as_mut()) {
            modern.timer.disarm();
            modern.rounds = rounds;
        }
    }
}

/// Coming back.
impl Proxy {
    /// The downstream of a parked call is back: its call goes on, and is answered on this stream.
    ///
    /// # Errors
    /// The answers are not what they must be. Its state is as good as before.
    pub(crate) fn check_answers(&self, id: CallId, responses: Option<&str>) -> Result<BTreeMap<AskId, String>, String> {
        let responses: BTreeMap<String, &RawValue> = match responses {
            Some(text) => serde_json::from_str(text).map_err(|_| "inputResponses must be an object".to_owned())?,
            None => BTreeMap::new(),
        };
        let mut answers = BTreeMap::new();
        for ask in self.inputs_of(id).into_keys() {
            let Some(answer) = responses.get(&ask.number().to_string()) else { continue };
            if !answer.get().starts_with('{') {
                return Err(format!("the answer to \"{}\" in inputResponses must be an object", ask.number()));
            }
            answers.insert(ask, answer.get().to_owned());
        }
        Ok(answers)
    }

    /// The downstream of a parked call is back: the call is answered on this stream now, and has this id.
    pub(crate) fn unpark(
        &mut self,
        id: CallId,
        (stream, own_id, progress_token): (StreamId, &str, Option<&str>),
        answers: BTreeMap<AskId, String>,
        now: Instant,
    ) {
        let Some(call) = self.calls.get_mut(id) else { return };
        call.stream = stream;
        call.id = own_id.into();
        call.progress_token = progress_token.map(Into::into);
        let server = call.server;
        let Some(modern) = &mut call.modern else { return };
        modern.timer.disarm();
        let Rounds::Parked { missed, .. } = std::mem::take(&mut modern.rounds) else { return };
        if let CallState::Ended(_) = call.state
            && let CallState::Ended(end) = std::mem::replace(&mut call.state, CallState::InFlight)
        {
            return match *end {
                End::Reply { line, id: range, is_error } => self.on_reply(server, id, &line, &range, is_error, now),
                End::Trouble(trouble) => self.fail_call(id, &trouble, now),
            };
        }
        self.touch_call(id, now);
        self.tell_missed(id, missed, now);
        for (ask, answer) in answers {
            if let Some(ask) = self.asks.remove(ask) {
                self.answer_ask(&ask, write::result(&ask.id, &answer).as_bytes(), &mut []);
            }
        }
        if !self.inputs_of(id).is_empty() {
            self.gather(id, now);
        }
    }

    fn tell_missed(&mut self, id: CallId, missed: Missed, now: Instant) {
        let Some(call) = self.calls.get(id) else { return };
        let (stream, token) = (call.stream, call.progress_token.clone());
        let session = call.session;
        for (level, line) in missed.log {
            if session.and_then(|session| self.sessions.get(session)).is_some_and(|session| session.wants_log(level)) {
                self.push_event(stream, &[&line], now);
            }
        }
        if let (Some((line, range)), Some(token)) = (missed.progress, token) {
            self.push_event(stream, &[&line[..range.start], token.as_bytes(), &line[range.end..]], now);
        }
    }

    /// What a parked call would hear now, if anybody was there.
    pub(super) fn missed_by(&mut self, id: CallId) -> Option<&mut Missed> {
        match &mut self.calls.get_mut(id)?.modern.as_mut()?.rounds {
            Rounds::Parked { missed, .. } => Some(missed),
            Rounds::Working | Rounds::Gathering | Rounds::Visiting { .. } => None,
        }
    }
}

/// Ending.
impl Proxy {
    /// A parked call ended: its downstream hears of it when it comes back. Says whether it is one.
    pub(super) fn end_parked(&mut self, id: CallId, end: impl FnOnce() -> End, now: Instant) -> bool {
        if !self.calls.get(id).is_some_and(|call| call.is_parked()) {
            return false;
        }
        self.end_asks_of_call(id, now);
        let mut end = end();
        if let Some(bound) = self.is_too_much(end.bytes()) {
            end = End::Trouble(Trouble::Crowded { bound });
        }
        if let Some(call) = self.calls.get_mut(id)
            && !matches!(call.state, CallState::Ended(_))
        {
            let (server, left) = (call.server, std::mem::replace(&mut call.state, CallState::Ended(Box::new(end))));
            self.end_wait(server, id, &left);
        }
        true
    }

    /// Which bound there is, if so many bytes more cannot be kept for downstreams that are to come back.
    fn is_too_much(&self, bytes: usize) -> Option<String> {
        let asked = self.asks.iter().map(|(_, ask)| match &ask.way {
            Way::Input(input) => input.text.len(),
            Way::Stream => 0,
        });
        let answered = self.calls.iter().map(|(_, call)| match &call.state {
            CallState::Ended(end) => end.bytes(),
            CallState::Waiting { .. } | CallState::InFlight | CallState::Asking => 0,
        });
        let kept: usize = asked.chain(answered).sum();
        let bound = limits::PARKED_BYTES_MAX;
        (kept + bytes > bound).then(|| format!("too much waits for clients to come back (at most {bound} bytes)"))
    }

    /// Nobody came back with the answers.
    fn on_not_back(&mut self, id: CallId, now: Instant) {
        if self.calls.get(id).is_some_and(|call| matches!(call.state, CallState::Ended(_))) {
            return drop(self.end_call(id, CallEnd::Cancelled, now));
        }
        let seconds = limits::PARKED_TIME_MAX.as_secs();
        self.end_rounds(id, &format!("the client did not come back with the answers within {seconds} s"), now);
    }

    /// The asks of a call come to nothing, and so does the call. A form that nobody has filled in was not cancelled by
    /// an error: the upstream knows what to make of a person who did not want to.
    fn end_rounds(&mut self, id: CallId, reason: &str, now: Instant) {
        let asks: Vec<(AskId, AskKind)> =
            self.inputs_of(id).into_iter().map(|(ask, input)| (ask, input.kind)).collect();
        for (ask, kind) in asks {
            let Some(ask) = self.asks.remove(ask) else { continue };
            let answer = match kind {
                AskKind::ElicitationForm | AskKind::ElicitationUrl => write::result(&ask.id, r#"{"action":"cancel"}"#),
                AskKind::Sampling | AskKind::SamplingTools | AskKind::Roots | AskKind::Tasks | AskKind::Unknown => {
                    write::error(&ask.id, NOT_ANSWERED, reason)
                }
            };
            self.send_to_link(ask.link, &answer);
        }
        self.set_rounds(id, Rounds::Working);
        self.cancel_call(id, reason, now);
    }
}

/// The value of an entry of `inputRequests`. A URL elicitation has no id in 2026-07-28.
fn input_request(asked: &Asked<'_>) -> Option<String> {
    let method = asked.kind.method()?;
    let params = match (asked.kind, asked.params) {
        (AskKind::ElicitationUrl, Some(params)) => Some(without_elicitation_id(params)?),
        (_, params) => params.map(str::to_owned),
    };
    Some(match params {
        Some(params) => format!("{{\"method\":\"{method}\",\"params\":{params}}}"),
        None => format!("{{\"method\":\"{method}\"}}"),
    })
}

fn without_elicitation_id(params: &str) -> Option<String> {
    let mut members: serde_json::Map<String, serde_json::Value> = serde_json::from_str(params).ok()?;
    members.remove("elicitationId");
    serde_json::to_string(&members).ok()
}

impl Proxy {
    /// Whether a session is one request of the modern era.
    pub(super) fn is_modern(&self, session: SessionId) -> bool {
        self.sessions.get(session).is_some_and(Session::is_modern)
    }
}
