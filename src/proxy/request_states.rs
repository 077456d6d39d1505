//! What modern downstreams carry for us: the states that calls come back with (2026-07-28, multi round-trip requests).
//!
//! Those of modern upstreams pass as they are where downstreams are not told apart. Where they are, the upstream still
//! sees us only: its state is sealed for whoever it was given to, and opened when they come back.

use super::Proxy;
use crate::base::sequence::{self, CallId, Number};
use crate::codec::jsonrpc::envelope::{Message, Outcome, json_string, read_message};
use crate::codec::jsonrpc::members::pick;
use crate::codec::jsonrpc::rewrite::Rewrite;
use crate::codec::jsonrpc::splice::range_in;
use crate::mcp::call::Call;
use crate::mcp::method::McpMethod;
use crate::mcp::modern_call::Rounds;
use crate::mcp::request_state::{Context, NONCE_BYTES, Seal};
use crate::mcp::session::Opener;

/// What is sealed in a state, by its first byte: a parked call, and the round that it is in.
const PARKED: u8 = 0;
/// The ids of URLs that are to be visited, one in each line.
const URLS: u8 = 1;
/// The state of a modern upstream.
const PASSED: u8 = 2;

/// What a state stands for.
pub(crate) enum Opened {
    /// A parked call.
    Parked(CallId),
    /// A call that is no more, or a round that is over.
    Stale,
    /// A call that was not made yet: these URLs were to be visited first.
    Urls(Vec<Box<str>>),
    /// A call to a modern upstream, and its state.
    Passed(String),
}

/// What the state of a call is good for.
struct Purpose {
    opener: Opener,
    server: String,
    method: McpMethod,
    digest: [u8; 32],
}

impl Purpose {
    fn context(&self) -> Context<'_> {
        let Purpose { opener, server, method, digest } = self;
        Context { principal: principal(opener), server, method: method.as_str(), digest: *digest }
    }
}

impl Proxy {
    /// The state of a call that is parked.
    pub(super) fn parked_state(&mut self, id: CallId, nonce: [u8; NONCE_BYTES]) -> Option<String> {
        let purpose = self.purpose(self.calls.get(id)?)?;
        let content = [&[PARKED][..], &id.number().to_be_bytes(), &nonce].concat();
        Some(self.seal().seal(nonce, &purpose.context(), &content))
    }

    /// The state of a call that is made once these URLs were visited.
    pub(super) fn urls_state(&mut self, call: &Call, ids: &[&str]) -> Option<String> {
        self.state(call, URLS, &ids.join("\n"))
    }

    /// What changes in a modern upstream's result: a state gets into no other hands.
    pub(super) fn passed_state(&mut self, call: &Call, line: &[u8]) -> Option<Rewrite> {
        let modern = call.modern.as_ref().filter(|_| call.method.may_want_input())?;
        if modern.opener == Opener::Anybody {
            return None;
        }
        let Ok(Message::Response { outcome: Outcome::Result(result), .. }) = read_message(line) else { return None };
        let [state] = pick(result, ["requestState"]).ok()?;
        let place = range_in(line, state?)?;
        let state = self.state(call, PASSED, &json_string(state?)?)?;
        let mut rewrite = Rewrite::default();
        rewrite.replace(place, format!("\"{state}\""));
        Some(rewrite)
    }

    fn state(&mut self, call: &Call, kind: u8, text: &str) -> Option<String> {
        let purpose = self.purpose(call)?;
        let mut nonce = [0; NONCE_BYTES];
        self.randomise(&mut nonce);
        Some(self.seal().seal(nonce, &purpose.context(), &[&[kind], text.as_bytes()].concat()))
    }

    fn purpose(&self, call: &Call) -> Option<Purpose> {
        let modern = call.modern.as_ref()?;
        let entrance = self.servers.get(call.server)?.entrance().unwrap_or(call.server);
        let server = self.servers.get(entrance)?.config.name.clone();
        Some(Purpose { opener: modern.opener, server, method: call.method, digest: modern.subject.digest() })
    }

    /// The seal of all states. It is as old as the first of them.
    fn seal(&mut self) -> &Seal {
        if self.seal.is_none() {
            let mut key = [0; 32];
            self.randomise(&mut key);
            self.seal = Some(Seal::new(key));
        }
        self.seal.get_or_insert_with(|| Seal::new([0; 32]))
    }

    /// What a state stands for, if it is one of ours.
    pub(crate) fn open_state(&mut self, context: &Context<'_>, state: &str) -> Option<Opened> {
        let content = self.seal().open(context, state).ok()?;
        match content.split_first()? {
            (&PARKED, rest) => Some(self.find_parked(rest).map_or(Opened::Stale, Opened::Parked)),
            (&URLS, rest) => Some(Opened::Urls(String::from_utf8_lossy(rest).lines().map(Into::into).collect())),
            (&PASSED, rest) => Some(Opened::Passed(String::from_utf8_lossy(rest).into_owned())),
            _ => None,
        }
    }

    fn find_parked(&self, content: &[u8]) -> Option<CallId> {
        let (number, nonce) = content.split_first_chunk::<4>()?;
        let number = u32::from_be_bytes(*number).to_string();
        let id: CallId = sequence::read(&number)?;
        let modern = self.calls.get(id).and_then(|call| call.modern.as_ref())?;
        matches!(&modern.rounds, Rounds::Parked { nonce: expected, .. } if expected == nonce).then_some(id)
    }
}

/// Who may come back.
pub(crate) fn principal(opener: &Opener) -> &[u8] {
    match opener {
        Opener::Anybody => &[],
        Opener::Known(principal) => principal,
    }
}
