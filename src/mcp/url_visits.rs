//! URLs that a legacy upstream wants to be visited before it does what it was called for (2025-11-25, error -32042),
//! and whether it has said that they were.

use std::collections::{BTreeMap, VecDeque};

use crate::base::id::ServerId;
use crate::codec::jsonrpc::object::Object;
use crate::limits;

/// A URL, as it was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UrlAsk {
    /// The upstream's own id of it.
    pub id: Box<str>,
    /// The parameters of an `elicitation/create` of the modern era, as JSON text: there it has no id.
    pub params: String,
}

/// One of the elicitations that an error -32042 names. `None`: it has no URL.
pub fn url_ask(text: &str) -> Option<UrlAsk> {
    let mut members = Object::read(text)?;
    let id: String = serde_json::from_str(members.get("elicitationId")?).ok()?;
    members.get("url")?;
    members.remove(|name, _| name == "elicitationId");
    members.set("mode", "\"url\"");
    Some(UrlAsk { id: id.into(), params: members.to_string() })
}

/// Whether each of so many was agreed to, by `inputResponses`: their keys are their places in the list.
pub fn are_accepted(responses: Option<&str>, count: usize) -> bool {
    #[derive(serde::Deserialize)]
    struct Elicited {
        action: String,
    }
    let responses: BTreeMap<String, Elicited> =
        responses.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    (0..count).all(|key| responses.get(&key.to_string()).is_some_and(|elicited| elicited.action == "accept"))
}

/// Which of those that modern downstreams were told of were visited. The oldest is forgotten first.
#[derive(Debug, Default)]
pub struct UrlVisits(VecDeque<Visit>);

#[derive(Debug)]
struct Visit {
    server: ServerId,
    id: Box<str>,
    is_over: bool,
}

impl UrlVisits {
    /// A downstream is told of one.
    pub fn await_visit(&mut self, server: ServerId, id: &str) {
        if self.find(server, id).is_some() {
            return;
        }
        if self.0.len() >= limits::URL_VISITS_MAX {
            self.0.pop_front();
        }
        self.0.push_back(Visit { server, id: id.into(), is_over: false });
    }

    /// The upstream says that one was visited.
    pub fn on_complete(&mut self, server: ServerId, id: &str) {
        if let Some(at) = self.find(server, id) {
            self.0[at].is_over = true;
        }
    }

    /// Whether the upstream has said so. What is forgotten is taken for visited: the upstream says it if not.
    pub fn is_over(&self, server: ServerId, id: &str) -> bool {
        self.find(server, id).is_none_or(|at| self.0[at].is_over)
    }

    fn find(&self, server: ServerId, id: &str) -> Option<usize> {
        self.0.iter().position(|visit| visit.server == server && *visit.id == *id)
    }
}
