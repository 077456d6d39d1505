//! Whose is it? Tasks and URL elicitations outlive the call that began them, and what an upstream says of them later
//! names only their id (bridge, section 7). On a shared upstream nobody but their owner may hear of them or ask for
//! them.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::base::id::{ServerId, SessionId};
use crate::base::sequence::CallId;
use crate::codec::jsonrpc::envelope::json_string;
use crate::codec::jsonrpc::spelling::{Unclear, can_have_alike, sole};
use crate::limits;

/// What is owned.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Thing {
    /// A task of 2025-11-25, by its `taskId`.
    Task(Box<str>),
    /// An elicitation with a URL, by its `elicitationId`.
    Elicitation(Box<str>),
}

/// Who owns it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// The session whose call began it.
    pub session: SessionId,
    /// That call. Progress of a task carries its number to the end.
    pub call: Option<CallId>,
    /// The downstream's own progress token, as JSON text.
    pub progress_token: Option<Box<str>>,
    /// Things that were begun earlier have a lower number.
    age: u64,
}

/// What is owned, and where: ids are an upstream's own.
type Key = (ServerId, Thing);

/// All things and their owners.
#[derive(Debug, Default)]
pub struct Owners {
    owners: BTreeMap<Key, Owner>,
    /// The things of a session, oldest first.
    by_age: BTreeMap<(SessionId, u64), Key>,
    by_call: BTreeMap<CallId, Key>,
    begun: u64,
}

impl Owners {
    /// A call of a session began something. At the bound the session's oldest thing is forgotten.
    pub fn insert(
        &mut self,
        server: ServerId,
        thing: Thing,
        session: SessionId,
        call: Option<CallId>,
        progress_token: Option<Box<str>>,
    ) {
        let key = (server, thing);
        self.remove(&key);
        let oldest = self.of_session(session).next().cloned();
        if let Some(oldest) = oldest.filter(|_| self.of_session(session).count() >= limits::SESSION_THINGS_MAX) {
            self.remove(&oldest);
        }
        self.begun += 1;
        self.by_age.insert((session, self.begun), key.clone());
        if let Some(call) = call {
            self.by_call.insert(call, key.clone());
        }
        self.owners.insert(key, Owner { session, call, progress_token, age: self.begun });
    }

    /// The things of a session, oldest first.
    fn of_session(&self, session: SessionId) -> impl Iterator<Item = &Key> {
        self.by_age.range((session, 0)..=(session, u64::MAX)).map(|(_, key)| key)
    }

    fn remove(&mut self, key: &Key) {
        let Some(owner) = self.owners.remove(key) else { return };
        self.by_age.remove(&(owner.session, owner.age));
        if let Some(call) = owner.call {
            self.by_call.remove(&call);
        }
    }

    /// Who owns a thing of an upstream.
    pub fn of(&self, server: ServerId, thing: &Thing) -> Option<&Owner> {
        self.owners.get(&(server, thing.clone()))
    }

    /// Who owns the task that this call began.
    pub fn of_call(&self, server: ServerId, call: CallId) -> Option<&Owner> {
        let key = self.by_call.get(&call).filter(|(of, _)| *of == server)?;
        self.owners.get(key)
    }

    /// A session has ended.
    pub fn forget(&mut self, session: SessionId) {
        let keys: Vec<Key> = self.of_session(session).cloned().collect();
        for key in keys {
            self.remove(&key);
        }
    }

    /// How many things there are.
    pub fn len(&self) -> usize {
        self.owners.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.owners.is_empty()
    }
}

/// Whether the parameters of a request ask for a task, if only to some reader.
pub fn asks_for_task(params: Option<&str>) -> bool {
    let Some(params) = params.filter(|params| can_have_alike(params, "task", 3)) else { return false };
    match sole(Some(params), "task") {
        Ok(task) => task.is_some_and(|task| task != "null"),
        Err(Unclear) => true,
    }
}

/// The task that a reply says was begun.
pub fn begun_task(reply: &[u8]) -> Option<Thing> {
    #[derive(serde::Deserialize)]
    struct Reply<'a> {
        #[serde(borrow)]
        result: CreateTaskResult<'a>,
    }
    #[derive(serde::Deserialize)]
    struct CreateTaskResult<'a> {
        #[serde(borrow)]
        task: TaskId<'a>,
    }
    let reply: Reply<'_> = serde_json::from_slice(reply).ok()?;
    Some(Thing::Task(reply.result.task.task_id.into()))
}

/// The task that the parameters of a request or notification name, if it is one to every reader.
pub fn named_task(params: Option<&str>) -> Option<Thing> {
    let id = sole(params, "taskId").ok()?.and_then(json_string)?;
    Some(Thing::Task(id.into()))
}

/// The task of an entry of a list.
pub fn listed_task(entry: &str) -> Option<Thing> {
    named_task(Some(entry))
}

/// The task that a message is about, whatever else it is (`io.modelcontextprotocol/related-task`).
pub fn related_task(message: &[u8]) -> Option<Thing> {
    #[derive(serde::Deserialize)]
    struct Message<'a> {
        #[serde(borrow)]
        params: Params<'a>,
    }
    #[derive(serde::Deserialize)]
    struct Params<'a> {
        #[serde(rename = "_meta", borrow)]
        meta: Meta<'a>,
    }
    #[derive(serde::Deserialize)]
    struct Meta<'a> {
        #[serde(rename = "io.modelcontextprotocol/related-task", borrow)]
        related: TaskId<'a>,
    }
    memchr::memmem::find(message, b"/related-task\"")?;
    let message: Message<'_> = serde_json::from_slice(message).ok()?;
    Some(Thing::Task(message.params.meta.related.task_id.into()))
}

/// The elicitation that parameters name.
pub fn named_elicitation(params: Option<&str>) -> Option<Thing> {
    let named: ElicitationId<'_> = serde_json::from_str(params?).ok()?;
    Some(Thing::Elicitation(named.elicitation_id.into()))
}

/// The elicitations that an error -32042 wants to be gone through first.
pub fn required_elicitations(reply: &[u8]) -> Vec<Thing> {
    #[derive(serde::Deserialize)]
    struct Reply<'a> {
        #[serde(borrow)]
        error: Required<'a>,
    }
    #[derive(serde::Deserialize)]
    struct Required<'a> {
        code: i64,
        #[serde(borrow)]
        data: Elicitations<'a>,
    }
    #[derive(serde::Deserialize)]
    struct Elicitations<'a> {
        #[serde(borrow)]
        elicitations: Vec<ElicitationId<'a>>,
    }
    if memchr::memmem::find(reply, b"-32042").is_none() {
        return Vec::new();
    }
    match serde_json::from_slice::<Reply<'_>>(reply) {
        Ok(Reply { error: Required { code: -32042, data } }) => {
            let ids = data.elicitations.into_iter().take(limits::SESSION_THINGS_MAX);
            ids.map(|id| Thing::Elicitation(id.elicitation_id.into())).collect()
        }
        Ok(_) | Err(_) => Vec::new(),
    }
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct TaskId<'a> {
    #[serde(borrow)]
    task_id: Cow<'a, str>,
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct ElicitationId<'a> {
    #[serde(borrow)]
    elicitation_id: Cow<'a, str>,
}
