//! Hearings: `subscriptions/listen` as modern clients know it. They are acknowledged first, then told of what they want
//! to know and of nothing else, each time with their own id.

use serde_json::{Value, json};

use super::expected::Expected;
use super::servers::Who;
use super::{Weather, World};
use crate::support::answers::Part;
use crate::support::modern::Modern;

/// What names the listen that something belongs to.
const SUBSCRIPTION_ID: &str = "io.modelcontextprotocol/subscriptionId";

/// One of them.
pub(super) struct Hearing {
    pub(super) server: usize,
    id: Value,
    wanted: Value,
    /// What it was told that it hears of.
    granted: Option<Value>,
    /// How often it was told something.
    pub(super) told: usize,
    /// Whether it was told of its end.
    is_ended: bool,
    /// Its server was replaced.
    pub(super) is_doomed: bool,
    pub(super) is_over: bool,
}

impl World {
    /// Some client wants to hear of something.
    pub(super) fn hear_of_something(&mut self, index: usize) {
        let server = self.rng.below(self.servers.len());
        let mut wanted = json!({});
        for list in ["toolsListChanged", "promptsListChanged", "resourcesListChanged"] {
            if self.rng.one_in(2) {
                wanted[list] = json!(!self.rng.one_in(5));
            }
        }
        if self.rng.one_in(2) {
            wanted["resourceSubscriptions"] = json!(["demo://counter"]);
        }
        let who = self.servers[server].somebody(&mut self.rng);
        self.hear(index, server, who, wanted);
    }

    /// Says which of the hearings it is.
    pub(super) fn hear(&mut self, index: usize, server: usize, who: Who, wanted: Value) -> usize {
        let id = self.next_modern_id();
        let request = Modern::new(&id, "subscriptions/listen").param("notifications", &wanted.to_string());
        let http = who.sign(request.http().at(&self.entry(server)));
        let hearing = self.hearings.len();
        self.hearings.push(Hearing {
            server,
            id,
            wanted,
            granted: None,
            told: 0,
            is_ended: false,
            is_doomed: false,
            is_over: false,
        });
        self.send(index, &http, Expected::Changes { hearing });
        hearing
    }

    pub(super) fn on_hearing(&mut self, at: usize, part: Part) {
        let may_end = self.hearings[at].is_doomed || self.is_ending;
        match part {
            Part::Comment(_) => {}
            Part::Begin(head) => assert_eq!(head.status, 200),
            Part::Event(data) => {
                let message: Value = serde_json::from_str(&data).expect("checked by the reader");
                match message["method"].as_str() {
                    Some(method) => self.on_heard(at, method, &message),
                    None => {
                        let hearing = &mut self.hearings[at];
                        let result = &message["result"];
                        assert!(may_end && message["id"] == hearing.id, "it ends for no reason: {message}");
                        assert_eq!(result["_meta"][SUBSCRIPTION_ID], hearing.id, "{message}");
                        assert!(!std::mem::replace(&mut hearing.is_ended, true), "it ends twice: {message}");
                    }
                }
            }
            Part::Whole(head, body) => {
                let reply = serde_json::from_str(&body).expect("checked by the reader");
                assert!(head.status >= 500, "{head:?} {body}");
                self.assert_trouble(self.hearings[at].server, &reply);
                self.hearings[at].is_over = true;
            }
            Part::End => {
                let is_told = self.hearings[at].is_ended || self.is_flooded;
                assert!(may_end && is_told, "nobody is told that it ends");
                self.hearings[at].is_over = true;
            }
            Part::Continue | Part::Endpoint(_) | Part::Priming => panic!("{part:?} for a hearing"),
        }
    }

    fn on_heard(&mut self, at: usize, method: &str, message: &Value) {
        let is_fair = self.weather_of(self.hearings[at].server) == Weather::Fair;
        let hearing = &mut self.hearings[at];
        let params = &message["params"];
        assert!(message.get("id").is_none() && !hearing.is_ended, "{message}");
        assert_eq!(params["_meta"][SUBSCRIPTION_ID], hearing.id, "{message}");
        let Some(granted) = &hearing.granted else {
            assert_eq!(method, "notifications/subscriptions/acknowledged", "{message}");
            let granted = params["notifications"].clone();
            assert!(is_part_of(&granted, &hearing.wanted), "{message} for {}", hearing.wanted);
            assert!(!is_fair || is_part_of(&hearing.wanted, &granted), "{message} for {}", hearing.wanted);
            hearing.granted = Some(granted);
            self.tally.hearings += 1;
            return;
        };
        let is_granted = match method {
            "notifications/tools/list_changed" => granted["toolsListChanged"] == true,
            "notifications/prompts/list_changed" => granted["promptsListChanged"] == true,
            "notifications/resources/list_changed" => granted["resourcesListChanged"] == true,
            "notifications/resources/updated" => granted["resourceSubscriptions"][0] == params["uri"],
            other => panic!("{other} for a hearing"),
        };
        assert!(is_granted, "{message} for {granted}");
        hearing.told += 1;
        self.tally.changes += 1;
    }
}

/// Whether all that is said here is said there. What is not wanted may as well not be mentioned.
fn is_part_of(part: &Value, whole: &Value) -> bool {
    let mut members = part.as_object().expect("an object").iter();
    members.all(|(name, value)| *value == json!(false) || whole.get(name) == Some(value))
}
