//! `mcp::attribution`: to whom a message of a shared upstream goes.

use mcp_proxy::base::id::{Id, SessionId};
use mcp_proxy::mcp::attribution::{Attribution, attribute};
use mcp_proxy::mcp::session::Party;

fn session(number: u32) -> SessionId {
    SessionId::from_parts(number, 0)
}

fn alone(session: SessionId) -> (Party, SessionId) {
    (Party::Session(session), session)
}

#[test]
fn the_rule_row_by_row() {
    let cases: &[(&[u32], &[u32], Attribution)] = &[
        (&[], &[], Attribution::Nobody),
        (&[1], &[], Attribution::Caller(session(1))),
        (&[1, 1, 1], &[], Attribution::Caller(session(1))),
        (&[1], &[2], Attribution::Caller(session(1))),
        (&[1], &[2, 3], Attribution::Caller(session(1))),
        (&[1, 2], &[], Attribution::Ambiguous),
        (&[1, 1, 2, 1], &[1], Attribution::Ambiguous),
        (&[], &[1], Attribution::Listener(session(1))),
        (&[], &[1, 1], Attribution::Listener(session(1))),
        (&[], &[1, 2], Attribution::Ambiguous),
    ];
    for (callers, listeners, expected) in cases {
        let found = attribute(callers.iter().copied().map(session).map(alone), listeners.iter().copied().map(session));
        assert_eq!(found, *expected, "callers {callers:?}, listeners {listeners:?}");
    }
}

#[test]
fn two_lives_of_a_slot_are_two_sessions() {
    let callers = [SessionId::from_parts(1, 0), SessionId::from_parts(1, 1)];
    assert_eq!(attribute(callers.into_iter().map(alone), std::iter::empty()), Attribution::Ambiguous);
}

#[test]
fn it_stops_looking_once_it_cannot_be_known() {
    let callers = (0..).map(session).map(alone);
    assert_eq!(attribute(callers, std::iter::empty()), Attribution::Ambiguous);
}

#[test]
fn of_one_principal_the_newest_is_meant() {
    let principal = Party::Principal([7; 32]);
    let callers = [(principal, session(1)), (principal, session(2))];
    assert_eq!(attribute(callers.into_iter(), std::iter::empty()), Attribution::Caller(session(2)));
    let callers = [(principal, session(1)), alone(session(2))];
    assert_eq!(attribute(callers.into_iter(), std::iter::empty()), Attribution::Ambiguous);
}
