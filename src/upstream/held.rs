//! Calls that a modern upstream has refused for a reason that may pass (2026-07-28, streamable HTTP, client behaviour,
//! and versioning).

use super::refusal::HttpRefusal;
use crate::base::buf::Buf;
use crate::base::sequence::CallId;
use crate::codec::jsonrpc::{HEADER_MISMATCH, UNSUPPORTED_VERSION};

/// One of them.
#[derive(Debug)]
pub struct Held {
    /// Which.
    pub call: CallId,
    /// The message.
    pub body: Buf,
    /// What it waits for.
    pub awaited: Awaited,
    /// Why it was refused.
    pub cause: String,
}

/// What such a call waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Awaited {
    /// The list of tools: their schemas say what the head of a call must say.
    Tools,
    /// What the upstream speaks now.
    Era,
}

impl Awaited {
    /// What may change a refusal. `is_tool`: it is one of the call of a tool.
    pub fn of(refusal: &HttpRefusal, is_tool: bool) -> Option<Awaited> {
        match refusal.error_code() {
            Some(HEADER_MISMATCH) if is_tool => Some(Awaited::Tools),
            Some(UNSUPPORTED_VERSION) => Some(Awaited::Era),
            // Sessions are what legacy upstreams talk of.
            _ if refusal.is_about_session() => Some(Awaited::Era),
            _ => None,
        }
    }
}
