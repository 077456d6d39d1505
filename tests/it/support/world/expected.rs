//! What clients wait for, and whether it is what they get.

use serde_json::{Value, json};

use super::call::{Call, Kind};
use super::errand::Trip;
use super::servers::Place;
use super::{Ask, Weather, World};
use crate::support::answers::{Head, Part};

/// The answer that a request wants.
#[derive(Debug)]
pub(super) enum Expected {
    /// To an `initialize` with this id.
    Introduction { session: usize, id: Value },
    /// To one call, or to a batch of them.
    Replies { session: usize, calls: Vec<Call>, is_batch: bool, takes_events: bool, takes_json: bool },
    /// To notifications and responses.
    Acceptance { session: usize },
    /// To a DELETE.
    Farewell { session: usize },
    /// To a GET.
    Listening { session: usize },
    /// To the GET that opens the stream of a session over HTTP+SSE.
    Conversation { session: usize },
    /// To a call over HTTP+SSE; its reply comes on the session's stream.
    Handover { session: usize, id: Value },
    /// To a GET that comes back for the rest of an answer.
    Resumed { session: usize, inner: Box<Expected> },
    /// The client does not listen any more.
    Abandoned,
    /// To what is no request for an MCP endpoint, or none at all.
    Plain { status: u16 },
    /// To a call of the modern era.
    Result(Trip),
    /// To `subscriptions/listen`: one of the hearings.
    Changes { hearing: usize },
    /// To a request of the modern era that is none.
    Refusal { id: Value, status: u16, code: i32 },
}

impl Expected {
    pub(super) fn is_listening(&self) -> bool {
        match self {
            Expected::Listening { .. }
            | Expected::Conversation { .. }
            | Expected::Changes { .. }
            | Expected::Abandoned => true,
            Expected::Resumed { inner, .. } => inner.is_listening(),
            Expected::Introduction { .. }
            | Expected::Replies { .. }
            | Expected::Acceptance { .. }
            | Expected::Handover { .. }
            | Expected::Farewell { .. }
            | Expected::Result(_)
            | Expected::Refusal { .. }
            | Expected::Plain { .. } => false,
        }
    }
}

impl Expected {
    /// Whether it belongs to a request of the modern era.
    pub(super) fn is_modern(&self) -> bool {
        matches!(self, Expected::Result(_) | Expected::Changes { .. } | Expected::Refusal { .. })
    }
}

impl World {
    /// A part of the answer that is expected first on its connection.
    pub(super) fn check(&mut self, expected: &mut Expected, part: Part) {
        match (expected, part) {
            (_, Part::Continue) => panic!("nobody asked for 100 Continue"),
            (Expected::Result(trip), part) => self.on_trip(trip, part),
            (Expected::Changes { hearing }, part) => self.on_hearing(*hearing, part),
            (Expected::Refusal { id, status, code }, Part::Whole(head, body)) => {
                let reply: Value = serde_json::from_str(&body).expect("checked by the reader");
                let got = (head.status, &reply["error"]["code"], &reply["id"]);
                // It was on its way while its server was replaced.
                let is_late = reply["error"]["message"].as_str().is_some_and(|text| text.contains("send it again"));
                if is_late && self.tally.replacements > 0 {
                    return assert_eq!(got, (503, &json!(-32603), &*id), "{reply}");
                }
                assert_eq!(got, (*status, &json!(code), &*id), "{reply}");
            }
            (_, Part::Comment(_) | Part::Priming) => {}
            (Expected::Plain { status }, Part::Whole(head, _)) => assert_eq!(*status, head.status),
            (Expected::Acceptance { session }, Part::Whole(head, body)) => {
                assert!(head.status == 202 && body.is_empty() || self.is_gone(*session, &head), "{head:?} {body}");
            }
            (Expected::Farewell { session }, Part::Whole(head, _)) => {
                assert!(head.status == 204 || self.is_gone(*session, &head), "{head:?}");
                self.tally.deletes += usize::from(head.status == 204);
            }
            (Expected::Introduction { session, id }, Part::Whole(head, body)) => {
                let reply: Value = serde_json::from_str(&body).expect("checked by the reader");
                self.on_introduction(*session, id, &reply, &head);
            }
            (Expected::Introduction { session, .. }, Part::Begin(head)) => self.on_session(*session, &head),
            (Expected::Introduction { id, .. }, Part::Event(data)) => {
                let reply: Value = serde_json::from_str(&data).expect("checked by the reader");
                assert_eq!(reply["id"], *id);
            }
            (Expected::Replies { session, calls, is_batch, takes_json, .. }, Part::Whole(head, body)) => {
                let replies: Value = serde_json::from_str(&body).expect("checked by the reader");
                if self.is_gone(*session, &head) {
                    let id = if *is_batch { &Value::Null } else { &calls[0].id };
                    assert_eq!((&replies["error"]["code"], &replies["id"]), (&json!(-32001), id));
                    return;
                }
                assert!(*takes_json && (head.status == 200 || replies["error"]["code"] == -32603), "{head:?} {body}");
                let replies = if *is_batch { replies.as_array().expect("an array").clone() } else { vec![replies] };
                for reply in &replies {
                    self.on_reply(*session, calls, reply);
                }
                assert!(calls.is_empty(), "no reply to {calls:?}");
            }
            (Expected::Replies { takes_events, .. }, Part::Begin(head)) => {
                assert!(*takes_events && head.status == 200, "{head:?}");
                self.tally.streams += 1;
            }
            (Expected::Replies { session, calls, .. }, Part::Event(data)) => self.on_event(*session, calls, &data),
            (Expected::Replies { calls, .. }, Part::End) => assert!(calls.is_empty(), "no reply to {calls:?}"),
            (Expected::Listening { session }, Part::Whole(head, _)) => assert!(self.is_gone(*session, &head)),
            (Expected::Listening { .. }, Part::Begin(head)) => assert_eq!(head.status, 200),
            (Expected::Listening { session }, Part::Event(data)) => self.on_event(*session, &mut Vec::new(), &data),
            (Expected::Listening { session }, Part::End) => {
                assert!(self.sessions[*session].is_doomed || self.is_ending, "a stream ends for no reason");
            }
            (Expected::Introduction { .. }, Part::End) => {}
            (expected, part) => self.check_comeback(expected, part),
        }
    }

    /// 404, and rightly so.
    pub(super) fn is_gone(&self, session: usize, head: &Head) -> bool {
        let session = &self.sessions[session];
        head.status == 404 && (session.is_doomed || session.is_sse() && self.is_ending)
    }

    fn on_introduction(&mut self, session: usize, id: &Value, reply: &Value, head: &Head) {
        assert_eq!(reply["id"], *id);
        if reply.get("error").is_some() {
            self.assert_trouble(self.sessions[session].server, reply);
            assert!([502, 503].contains(&head.status) && head.header("mcp-session-id").is_none(), "{head:?} {reply}");
            return;
        }
        assert_eq!(reply["result"]["serverInfo"]["name"], "demo", "{reply}");
        self.on_session(session, head);
    }

    fn on_session(&mut self, session: usize, head: &Head) {
        let Some(token) = head.header("mcp-session-id").map(str::to_owned) else { return };
        assert!(self.sessions.iter().all(|other| other.token.as_ref() != Some(&token)), "a token for two");
        self.sessions[session].token = Some(token);
        self.tally.sessions += 1;
    }

    pub(super) fn assert_trouble(&self, server: usize, reply: &Value) {
        assert_eq!(reply["error"]["code"], -32603, "{reply}");
        let weather = self.weather_of(server);
        assert!(weather != Weather::Fair || self.is_ending, "an error in fair weather: {reply}");
    }

    /// Nothing may have become of a call that no host has seen a byte of.
    pub(super) fn check_excuse(&self, server: usize, mark: u64, reply: &Value) {
        let is_remote = self.servers[server].place != Place::Process;
        let says_perhaps = reply["error"]["message"].as_str().is_some_and(|text| text.contains("may or may not"));
        assert!(!is_remote || !says_perhaps || self.exposed.contains(&mark), "it was never sent: {reply}");
    }

    fn on_reply(&mut self, session: usize, calls: &mut Vec<Call>, reply: &Value) {
        let index = calls.iter().position(|call| call.id == reply["id"]);
        let call = calls.remove(index.unwrap_or_else(|| panic!("a reply to none of {calls:?}: {reply}")));
        if matches!(call.kind, Kind::Introduction) {
            self.on_greeted(session, reply.get("error").is_some());
        }
        if reply.get("error").is_some() {
            self.tally.failures += 1;
            let server = self.sessions[session].server;
            // A level may be asked for in the proxy's own words, which have no mark.
            if !matches!(call.kind, Kind::SetLevel) {
                self.check_excuse(server, call.mark, reply);
            }
            if !(matches!(call.kind, Kind::Unknown) && reply["error"]["code"] == -32601) {
                self.assert_trouble(server, reply);
            }
            return;
        }
        self.tally.successes += 1;
        self.sessions[session].is_subscribed |= matches!(call.kind, Kind::Subscribe);
        self.sessions[session].has_level |= matches!(call.kind, Kind::SetLevel);
        let result = &reply["result"];
        let text = result["content"][0]["text"].as_str().unwrap_or_default();
        let is_right = call.kind.is_answered_by(result, &session.to_string());
        assert!(is_right, "not the answer of session {session}: {reply:.300}");
        self.tally.answered_asks += usize::from(text.starts_with("file:///") || text.starts_with("model said"));
    }

    pub(super) fn on_event(&mut self, session: usize, calls: &mut Vec<Call>, data: &str) {
        let message: Value = serde_json::from_str(data).expect("checked by the reader");
        let Some(method) = message["method"].as_str() else { return self.on_reply(session, calls, &message) };
        let own = &mut self.sessions[session];
        let is_askable = self.servers[own.server].is_askable;
        let params = &message["params"];
        match method {
            "roots/list" | "sampling/createMessage" | "elicitation/create" => {
                let id = message["id"].as_u64().expect("our own number");
                assert!(is_askable && own.asked.insert(id), "asked in vain or twice: {data}");
                self.asks.push(Ask { session, id, method: method.to_owned() });
            }
            "notifications/cancelled" => {
                let id = params["requestId"].as_u64().expect("our own number");
                // Elsewhere the ask may have been lost with its connection.
                let is_fair = self.weather == Weather::Fair && self.rotten.is_none() && !self.has_staller;
                assert!(own.asked.contains(&id) || !is_fair, "withdrawn, never asked: {data}");
            }
            "notifications/progress" => {
                let call = calls.iter_mut().filter_map(|call| call.progress.as_mut());
                let meant = call.into_iter().find(|(token, _)| *token == params["progressToken"]);
                let (_, last) = meant.unwrap_or_else(|| panic!("progress of a stranger: {data}"));
                let progress = params["progress"].as_u64().expect("steps");
                let is_next = progress == *last + 1 || self.is_flooded && progress > *last;
                assert!(is_next, "progress is lost or doubled: {data} after {last}");
                *last = progress;
                self.tally.progress += 1;
            }
            "notifications/resources/updated" => assert!(own.has_subscribed, "{data}"),
            "notifications/message"
            | "notifications/tools/list_changed"
            | "notifications/prompts/list_changed"
            | "notifications/resources/list_changed" => self.tally.notices += 1,
            other => panic!("nobody sent this: {other}"),
        }
    }
}
