//! What was seen of the core's answers and can be used in what is said next.

use std::collections::BTreeMap;

use serde_json::Value;

use super::logins::Told;

/// How much is remembered of each kind.
const KEPT: usize = 16;

/// Who waits for what, as far as answers must not go astray: a session by its token, or one request.
pub(super) type Party = String;

/// Everything of use.
#[derive(Default)]
pub(super) struct Known {
    /// Of streamable HTTP: the server and the token.
    pub(super) sessions: Vec<(String, String)>,
    /// Of HTTP+SSE: where messages are to be sent.
    pub(super) endpoints: Vec<String>,
    /// Ids of events, and whose.
    pub(super) events: Vec<(String, String)>,
    /// What modern clients are to come back with.
    pub(super) states: Vec<String>,
    /// Under which names they were asked.
    pub(super) keys: Vec<String>,
    /// Ids of what legacy clients were asked.
    pub(super) asks: Vec<String>,
    /// Of the authorization server.
    pub(super) told: Told,
    last_id: u32,
    /// Who may hear of a request, and where its answer came from.
    requests: BTreeMap<u32, (Party, Option<String>)>,
}

impl Known {
    /// The id of a new request, as JSON. No bytes of the fuzzer's look like that.
    pub(super) fn fresh_id(&mut self, party: &str) -> String {
        self.last_id += 1;
        self.requests.insert(self.last_id, (party.to_owned(), None));
        format!("\"~{}\"", self.last_id)
    }

    /// Of the newest request.
    pub(super) fn last_id(&self) -> u32 {
        self.last_id
    }

    /// Looks at a message, or at several, for a party. `source` is the same for what is said anew to who comes back.
    pub(super) fn learn(&mut self, text: &str, party: &str, source: &str) {
        self.check_replies(text, party, source);
        let Ok(message) = serde_json::from_str::<Value>(text) else { return };
        if message.get("method").is_some() && message.get("id").is_some() {
            keep(&mut self.asks, message["id"].to_string());
        }
        let result = &message["result"];
        if let Some(state) = result["requestState"].as_str() {
            keep(&mut self.states, state.to_owned());
        }
        for key in result["inputRequests"].as_object().into_iter().flatten().map(|(key, _)| key) {
            keep(&mut self.keys, key.clone());
        }
    }

    /// Each request is answered once, to who asked.
    fn check_replies(&mut self, text: &str, party: &str, source: &str) {
        for (at, start) in text.match_indices("\"id\":\"~") {
            let digits = &text[at + start.len()..];
            let digits = &digits[..digits.find('"').expect("the end of an id")];
            let id = digits.parse().expect("an id of ours");
            let (asker, answered) = self.requests.get_mut(&id).expect("an id that was used");
            assert_eq!(asker, party, "the answer to {id} goes astray: {text}");
            let source = format!("{source} {at}");
            let first = answered.get_or_insert_with(|| source.clone());
            assert_eq!(*first, source, "{id} is answered twice: {text}");
        }
    }

    pub(super) fn learn_session(&mut self, server: &str, token: &str) {
        let session = (server.to_owned(), token.to_owned());
        if !self.sessions.contains(&session) {
            keep(&mut self.sessions, session);
        }
    }

    pub(super) fn learn_endpoint(&mut self, url: &str) {
        keep(&mut self.endpoints, url.to_owned());
    }

    pub(super) fn learn_event(&mut self, party: &str, id: &str) {
        keep(&mut self.events, (party.to_owned(), id.to_owned()));
    }
}

fn keep<T>(all: &mut Vec<T>, one: T) {
    if all.len() == KEPT {
        all.remove(0);
    }
    all.push(one);
}
