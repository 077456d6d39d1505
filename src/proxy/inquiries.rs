//! Questions of modern upstreams: a call of a legacy downstream is answered with what is wanted, its downstream is
//! asked in its own way, and the call is made again with the answers (2026-07-28, multi round-trip requests; bridge,
//! section 5).

use std::time::{Duration, Instant};

use super::links::Transport;
use super::sending::Outgoing;
use super::upstream::Source;
use super::{Due, Level, Proxy};
use crate::base::buf::Buf;
use crate::base::id::{LinkId, ServerId, SessionId};
use crate::base::sequence::{AskId, CallId, Number};
use crate::codec::jsonrpc::envelope::{self, Message, Outcome};
use crate::codec::jsonrpc::splice::push_line;
use crate::codec::jsonrpc::{INTERNAL_ERROR, write};
use crate::limits;
use crate::mcp::ask::{Ask, AskKind, Origin, Way};
use crate::mcp::bridged_call::{self, BridgedCall, Question, Round};
use crate::mcp::call::CallState;
use crate::mcp::introduction;
use crate::mcp::legacy_ask;
use crate::mcp::method::McpMethod;
use crate::mcp::result_type::{InputRequest, InputRequired};
use crate::mcp::session::format_token;
use crate::mcp::tally::CallEnd;
use crate::mcp::trouble::Trouble;

/// Before there are any.
impl Proxy {
    /// A call is about to be sent to a modern upstream: what of it will be wanted again is kept.
    pub(super) fn bridge_call(&mut self, link: LinkId, id: CallId, outgoing: &Outgoing<'_>) {
        let method = self.calls.get(id).map(|call| call.method);
        if !method.is_some_and(McpMethod::may_want_input) || !self.is_bridged(link, id) {
            return;
        }
        // A connection keeps what it sends until the answer is complete.
        let is_kept = !self.is_remote(link) && self.has_room_for(outgoing.message.len());
        let Some(call) = self.calls.get_mut(id) else { return };
        let bridged = call.bridged.get_or_insert_default();
        if method == Some(McpMethod::ReadResource) && bridged.uri.is_none() {
            bridged.uri = introduction::uri(outgoing.params.text).map(Into::into);
        }
        if bridged.request.is_none() && is_kept {
            bridged.request = Some(outgoing.message.into());
        }
    }

    fn has_room_for(&self, bytes: usize) -> bool {
        let kept = || {
            let requests = self.calls.iter().filter_map(|(_, call)| call.bridged.as_ref()?.request.as_ref());
            requests.map(|request| request.len()).filter(|length| *length > limits::BRIDGED_SMALL_BYTES).sum::<usize>()
        };
        let is_small = bytes <= limits::BRIDGED_SMALL_BYTES;
        is_small || (bytes <= limits::BRIDGED_BYTES_MAX && kept() + bytes <= limits::BRIDGED_BYTES_TOTAL_MAX)
    }

    /// The request of a call that has just been answered.
    fn kept_request(&self, link: LinkId, id: CallId) -> Option<Box<[u8]>> {
        if let Some(request) = self.calls.get(id).and_then(|call| call.bridged.as_ref()?.request.clone()) {
            return Some(request);
        }
        let Transport::Remote(remote) = &self.links.get(link)?.transport else { return None };
        let body = self.outbounds.get(*remote.carrying.get(&id)?)?.body();
        let is_kept = !body.is_empty() && self.has_room_for(body.len());
        is_kept.then(|| body.as_slice().trim_ascii_end().into())
    }
}

/// Asking.
impl Proxy {
    /// A modern upstream wants to know something before it goes on with a call.
    pub(super) fn on_input_required(&mut self, source: Source, id: CallId, required: &InputRequired<'_>, now: Instant) {
        let kinds: Vec<AskKind> =
            required.requests.iter().map(|request| AskKind::of(&request.method, request.params)).collect();
        let (session, request) = match self.check_questions(source.link, id, &kinds) {
            Ok(checked) => checked,
            Err(how) => {
                self.log(Level::Warn, Some(source.server), format!("It {how}"));
                return self.fail_call(id, &Trouble::Misbehaved { how }, now);
            }
        };
        let urls: Vec<Option<Box<str>>> =
            required.requests.iter().map(|it| bridged_call::asked_url(it.params)).collect();
        let still: Vec<&str> = urls.iter().flatten().map(|url| &**url).collect();
        self.end_visits(id, &still, now);
        self.abandon_exchange(id, now);
        let Some(call) = self.calls.get_mut(id) else { return };
        call.state = CallState::Asking;
        let bridged = call.bridged.get_or_insert_default();
        bridged.request = Some(request);
        bridged.rounds += 1;
        bridged.round = Round { state: required.request_state.map(Into::into), ..Round::default() };
        if required.requests.is_empty() {
            return self.pause(id, now);
        }
        for ((request, kind), url) in required.requests.iter().zip(kinds).zip(urls) {
            self.add_question(id, request, kind, url);
        }
        self.ask(source, session, id, required, now);
    }

    /// Whether a call can be asked that, and its request if it can. The error says what its upstream does wrong.
    fn check_questions(&self, link: LinkId, id: CallId, kinds: &[AskKind]) -> Result<(SessionId, Box<[u8]>), String> {
        let known = self.calls.get(id).and_then(|call| Some((call, call.session?)));
        let Some((call, session)) = known.filter(|(call, _)| call.method.may_want_input()) else {
            return Err("requires input where none can be given".to_owned());
        };
        let rounds = call.bridged.as_ref().map_or(0, |bridged| bridged.rounds);
        if rounds >= limits::QUESTION_ROUNDS_MAX {
            return Err(format!("has asked for input {rounds} times during one call and still wants more"));
        }
        let capabilities = self.sessions.get(session).map(|session| session.capabilities).unwrap_or_default();
        let is_able = |kind: &AskKind| kind.method().is_some() && kind.is_covered_by(capabilities);
        if let Some(kind) = kinds.iter().find(|kind| !is_able(kind)) {
            let what = kind.method().unwrap_or("something that nobody knows");
            return Err(format!("asks for {what}, although this client has not declared that it can be asked that"));
        }
        let request = self.kept_request(link, id);
        let request = request.ok_or("requires input for a request that is too large to be sent again")?;
        Ok((session, request))
    }

    /// A URL that is asked for again is the same visit.
    fn add_question(&mut self, id: CallId, request: &InputRequest<'_>, kind: AskKind, url: Option<Box<str>>) {
        let url = url.filter(|_| kind == AskKind::ElicitationUrl);
        let bridged = self.calls.get(id).and_then(|call| call.bridged.as_ref());
        let known = url.as_ref().and_then(|url| bridged?.visits.get(url).cloned());
        let elicitation_id = match (&url, known) {
            (Some(_), None) => Some(format_token(&self.fresh_token()).into()),
            (Some(_), known) => known,
            (None, _) => None,
        };
        let question = Question { kind, url, elicitation_id, answer: None };
        if let Some(bridged) = self.bridged_mut(id) {
            bridged.round.questions.insert(request.key.as_ref().into(), question);
        }
    }

    /// All at once, each with a number of its own.
    fn ask(&mut self, source: Source, session: SessionId, id: CallId, required: &InputRequired<'_>, now: Instant) {
        let Source { link, server, .. } = source;
        let Some(version) = self.sessions.get(session).map(|session| session.version) else { return };
        for request in &required.requests {
            let bridged = self.calls.get(id).and_then(|call| call.bridged.as_ref());
            let Some(question) = bridged.and_then(|bridged| bridged.round.questions.get(&*request.key)) else { return };
            let (kind, visit) = (question.kind, question.elicitation_id.as_deref().unwrap_or_default());
            let params = request.params.map(|params| legacy_ask::params(kind, params, version, visit).into_owned());
            let ask = self.asks.insert(Ask {
                link,
                id: request.key.as_ref().into(),
                progress_token: None,
                session,
                call: Some(id),
                due: now + limits::ASK_TIME_MAX,
                way: Way::Stream,
                origin: Origin::Call,
            });
            let number = ask.number().to_string();
            let message = match &params {
                Some(params) => write::request(&number, &request.method, params),
                None => write::request_without_params(&number, &request.method),
            };
            if !self.push_to_session(session, Some(id), &[message.as_bytes()], now) {
                let reason = "the server asks something for which this client would have to accept text/event-stream";
                return self.fail_question(id, reason, None, now);
            }
        }
        if let Some(entry) = self.servers.get_mut(server) {
            self.deadlines.arm_earlier(&mut entry.patience, Due::Patience(server), now + limits::ASK_TIME_MAX);
        }
    }

    /// Nothing is asked: it is too early, and later it may not be.
    fn pause(&mut self, id: CallId, now: Instant) {
        let Some(bridged) = self.calls.get_mut(id).and_then(|call| call.bridged.as_mut()) else { return };
        let pause: Duration = limits::QUESTION_PAUSE_MIN * (1 << bridged.rounds.saturating_sub(1).min(16));
        let pause = pause.min(limits::QUESTION_PAUSE_MAX);
        self.deadlines.arm(&mut bridged.timer, Due::Question(id), now + pause);
    }

    fn bridged_mut(&mut self, id: CallId) -> Option<&mut BridgedCall> {
        self.calls.get_mut(id)?.bridged.as_deref_mut()
    }
}

/// Answers.
impl Proxy {
    /// A downstream has answered.
    pub(super) fn on_question_answered(&mut self, ask: &Ask, message: &[u8], now: Instant) {
        let Some(id) = ask.call else { return };
        let Some(question) = self.bridged_mut(id).and_then(|bridged| bridged.round.questions.get_mut(&ask.id)) else {
            return;
        };
        let outcome = match envelope::read_message(message) {
            Ok(Message::Response { outcome, .. }) => outcome,
            Ok(Message::Request { .. } | Message::Notification { .. }) | Err(_) => return,
        };
        question.answer = match (outcome, question.kind) {
            (Outcome::Result(result), _) if result.starts_with('{') => Some(result.into()),
            // Whoever could not ask a person was not refused by one.
            (_, AskKind::ElicitationForm | AskKind::ElicitationUrl) => Some(r#"{"action":"cancel"}"#.into()),
            (Outcome::Result(said) | Outcome::Error(said), _) => {
                let reason = "the client could not answer what the server asked during this call";
                return self.fail_question(id, reason, Some(said), now);
            }
        };
        if let (true, Some(url), Some(visit)) = (question.is_visit(), &question.url, &question.elicitation_id) {
            let (url, visit) = (url.clone(), visit.clone());
            self.bridged_mut(id)
                .into_iter()
                .for_each(|bridged| drop(bridged.visits.insert(url.clone(), visit.clone())));
        }
        if self.bridged_mut(id).is_some_and(|bridged| bridged.round.are_answered()) {
            self.ask_again(id, now);
        }
    }

    /// The upstream is asked again, with all that it wanted to know.
    pub(super) fn ask_again(&mut self, id: CallId, now: Instant) {
        let Some(call) = self.calls.get_mut(id).filter(|call| matches!(call.state, CallState::Asking)) else { return };
        let server = call.server;
        call.was_returned = false;
        let Some(bridged) = call.bridged.as_mut() else { return };
        bridged.timer.disarm();
        let request = bridged.next_request();
        bridged.round = Round::default();
        let Some(request) = request else {
            let reason = "the parameters of this request can be read in two ways, and no answer can be added to them";
            return self.fail_question(id, reason, None, now);
        };
        let Some(id) = self.renumber_call(id) else { return };
        let mut line = Buf::new();
        push_line(&mut line, request.as_bytes(), &mut []);
        match self.ready_link(server) {
            Some(link) => self.begin_waiting_call(link, id, line.as_slice(), now),
            None => self.wait_for_server(id, line, now),
        }
    }

    /// Whether progress is none: each round begins anew.
    pub(super) fn is_stale_progress(&mut self, id: CallId, line: &[u8]) -> bool {
        let Some(bridged) = self.bridged_mut(id) else { return false };
        bridged_call::progress(line).is_some_and(|progress| !bridged.is_progress(progress))
    }
}

/// Ending.
impl Proxy {
    /// The call that questions belong to is over: they need no answers.
    pub(super) fn end_questions(&mut self, call: CallId, now: Instant) {
        let is_meant = |ask: &Ask| ask.call == Some(call) && ask.origin == Origin::Call;
        let ids: Vec<AskId> = self.asks.iter().filter(|(_, ask)| is_meant(ask)).map(|(id, _)| id).collect();
        for id in ids {
            if let Some(ask) = self.asks.remove(id) {
                self.withdraw(id, &ask, now);
            }
        }
    }

    /// Those that nobody has answered are the end of their calls.
    pub(super) fn expire_questions(&mut self, server: ServerId, now: Instant) {
        let is_late = |ask: &Ask| ask.origin == Origin::Call && ask.due <= now;
        let late: Vec<CallId> =
            self.asks.iter().filter(|(_, ask)| is_late(ask)).filter_map(|(_, ask)| ask.call).collect();
        let is_meant = |id: &CallId| self.calls.get(*id).is_some_and(|call| call.server == server);
        for id in late.into_iter().filter(is_meant).collect::<Vec<_>>() {
            let seconds = limits::ASK_TIME_MAX.as_secs();
            let reason = format!("the client did not answer within {seconds} s what the server asked during this call");
            self.fail_question(id, &reason, None, now);
        }
    }

    /// A call ends because of a question. `data`: what its downstream has said, as JSON text.
    fn fail_question(&mut self, id: CallId, reason: &str, data: Option<&str>, now: Instant) {
        self.end_questions(id, now);
        let Some(call) = self.end_call(id, CallEnd::Failed, now) else { return };
        let body = match data {
            Some(data) => write::error_with_data(&call.id, INTERNAL_ERROR, reason, data),
            None => write::error(&call.id, INTERNAL_ERROR, reason),
        };
        self.push_reply(call.stream, 200, &[], &[body.as_bytes()], now);
    }

    /// URLs that are asked for no more were visited. Nobody else tells a legacy downstream.
    pub(super) fn end_visits(&mut self, id: CallId, still: &[&str], now: Instant) {
        let Some(session) = self.calls.get(id).and_then(|call| call.session) else { return };
        let Some(bridged) = self.bridged_mut(id) else { return };
        let (goes_on, over) =
            std::mem::take(&mut bridged.visits).into_iter().partition(|(url, _)| still.contains(&&**url));
        bridged.visits = goes_on;
        for (_, visit) in Vec::from_iter::<std::collections::BTreeMap<_, _>>(over) {
            let params = format!("{{\"elicitationId\":{}}}", write::string(&visit));
            let notice = write::notification("notifications/elicitation/complete", Some(&params));
            self.push_to_session(session, Some(id), &[notice.as_bytes()], now);
        }
    }
}
