//! Whose call caused this? On a shared link an ask or a log line does not say (bridge, section 7).
//!
//! Candidates are the calls in flight. All of one party: it is the newest one's. Of several: nobody can know. None: the
//! only session that is attached to the upstream.

use super::session::Party;
use crate::base::id::SessionId;
use crate::base::sequence::CallId;

/// How a message of an upstream came, which may tell whose call caused it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carrier {
    /// On a pipe or stream that all calls share.
    Shared,
    /// In the answer to the POST of this call.
    Call(CallId),
    /// In the answer to a request of the proxy itself.
    Own,
}

/// To whom a message of an upstream goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attribution {
    /// A call of this session caused it: on the newest one's stream.
    Caller(SessionId),
    /// No call did: on the session's own stream.
    Listener(SessionId),
    /// Several sessions are equally likely.
    Ambiguous,
    /// There is nobody to take it.
    Nobody,
}

/// Applies the rule. `callers` are the sessions of the candidates, the newest last, and who they are; `listeners` are
/// the upstream's sessions with an open stream of their own.
pub fn attribute(
    callers: impl Iterator<Item = (Party, SessionId)>,
    listeners: impl Iterator<Item = SessionId>,
) -> Attribution {
    match sole(callers) {
        Sole::One(session) => Attribution::Caller(session),
        Sole::Several => Attribution::Ambiguous,
        Sole::None => match sole(listeners.map(|session| (Party::Session(session), session))) {
            Sole::One(session) => Attribution::Listener(session),
            Sole::Several => Attribution::Ambiguous,
            Sole::None => Attribution::Nobody,
        },
    }
}

enum Sole {
    None,
    One(SessionId),
    Several,
}

/// The newest session of the only party.
fn sole(sessions: impl Iterator<Item = (Party, SessionId)>) -> Sole {
    let mut found: Option<(Party, SessionId)> = None;
    for (party, session) in sessions {
        if found.is_some_and(|(other, _)| other != party) {
            return Sole::Several;
        }
        found = Some((party, session));
    }
    found.map_or(Sole::None, |(_, session)| Sole::One(session))
}
