//! `mcp::session`: found by their names, and what each of them wants to hear.

use std::time::{Duration, Instant};

use mcp_proxy::base::id::{Arena, Id, ServerId, SessionId, StreamId};
use mcp_proxy::base::sequence::{CallId, Number};
use mcp_proxy::mcp::caller::Caller;
use mcp_proxy::mcp::introduction::ClientCapabilities;
use mcp_proxy::mcp::log_level::LogLevel;
use mcp_proxy::mcp::session::{Opener, Opening, Session, Sessions, Token, Transport, format_token};
use mcp_proxy::mcp::version::Version;

fn servers() -> [ServerId; 2] {
    let mut arena: Arena<ServerId, ()> = Arena::new();
    [arena.insert(()), arena.insert(())]
}

fn session(server: ServerId, token: Token, last_used: Instant) -> Session {
    Session {
        entrance: server,
        server,
        token,
        opener: Opener::Anybody,
        transport: Transport::Streamable,
        version: Version::LATEST,
        capabilities: ClientCapabilities::default(),
        caller: Caller::default(),
        log_level: None,
        subscriptions: Default::default(),
        streams: Vec::new(),
        streams_begun: 0,
        resumable: Vec::new(),
        calls: Vec::new(),
        last_used,
    }
}

fn token(byte: u8) -> Token {
    [byte; 16]
}

#[test]
fn tokens_are_written_in_lower_case_hex() {
    let written = format_token(&[0, 1, 0x7f, 0x80, 0xfe, 0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0xab, 9]);
    assert_eq!(written, "00017f80feff0000000000000000ab09");
}

#[test]
fn a_session_is_found_by_its_name_with_its_own_upstream() {
    let [ours, other] = servers();
    let mut sessions = Sessions::default();
    assert!(sessions.is_empty());
    let id = sessions.insert(session(ours, token(0xab), Instant::now()));
    let name = format_token(&token(0xab));
    assert_eq!(sessions.find_streamable(&name, ours, Opener::Anybody), Some(id));
    assert_eq!(sessions.find_streamable(&name, other, Opener::Anybody), None, "a session is with one upstream");
    assert_eq!(sessions.find_streamable(&format_token(&token(0xac)), ours, Opener::Anybody), None);
    assert_eq!((sessions.len(), sessions.with(ours).count(), sessions.with(other).count()), (1, 1, 0));
    assert_eq!(sessions.remove(id).map(|session| session.token), Some(token(0xab)));
    assert_eq!(sessions.find_streamable(&name, ours, Opener::Anybody), None, "it has ended");
    assert!(sessions.remove(id).is_none() && sessions.get(id).is_none());
    let next = sessions.insert(session(ours, token(1), Instant::now()));
    assert!(sessions.get_mut(id).is_none(), "another session lives in its place");
    assert!(sessions.get_mut(next).is_some());
}

#[test]
fn a_session_is_found_over_its_own_transport_only() {
    let [ours, other] = servers();
    let mut sessions = Sessions::default();
    let now = Instant::now();
    let streamable = sessions.insert(session(ours, token(1), now));
    let transport = Transport::Sse(Opening::Awaited);
    let sse = sessions.insert(Session { transport, ..session(ours, token(2), now) });
    let names = [format_token(&token(1)), format_token(&token(2))];
    let found = |find: fn(&Sessions, &str, ServerId, Opener) -> Option<SessionId>| {
        names.each_ref().map(|name| find(&sessions, name, ours, Opener::Anybody))
    };
    assert_eq!(found(Sessions::find_streamable), [Some(streamable), None]);
    assert_eq!(found(Sessions::find_sse), [None, Some(sse)]);
    assert_eq!(sessions.find_sse(&names[1], other, Opener::Anybody), None);
}

#[test]
fn a_session_is_found_by_whoever_opened_it() {
    let [ours, _] = servers();
    let mut sessions = Sessions::default();
    let openers = [Opener::Anybody, Opener::Known([1; 32]), Opener::Known([2; 32])];
    let ids = openers.map(|opener| {
        let Opener::Known([byte, ..]) = opener else { return sessions.insert(session(ours, token(0), Instant::now())) };
        sessions.insert(Session { opener, ..session(ours, token(byte), Instant::now()) })
    });
    for (number, id) in ids.into_iter().enumerate() {
        let name = format_token(&token(number as u8));
        let found = openers.map(|opener| sessions.find_streamable(&name, ours, opener));
        let expected: Vec<_> = (0..3).map(|other| Some(id).filter(|_| other == number)).collect();
        assert_eq!(found[..], expected[..]);
    }
}

#[test]
fn nothing_is_for_who_was_not_greeted() {
    let [server, _] = servers();
    for (transport, is_greeted) in [
        (Transport::Streamable, true),
        (Transport::Sse(Opening::Awaited), false),
        (Transport::Sse(Opening::UnderWay), false),
        (Transport::Sse(Opening::Done), true),
    ] {
        let session = Session { transport, ..session(server, token(1), Instant::now()) };
        assert_eq!(session.is_greeted(), is_greeted, "{transport:?}");
    }
}

#[test]
fn nothing_but_the_exact_name_will_do() {
    let [server, _] = servers();
    let mut sessions = Sessions::default();
    sessions.insert(session(server, token(0xab), Instant::now()));
    let name = format_token(&token(0xab));
    let names = [
        String::new(),
        name.to_uppercase(),
        name[1..].to_owned(),
        format!("{name}0"),
        format!(" {name}"),
        format!("+b{}", &name[2..]),
        "é".repeat(16),
        "g".repeat(32),
        format!("\0{}", &name[1..]),
    ];
    for name in names {
        assert_eq!(sessions.find_streamable(&name, server, Opener::Anybody), None, "{name:?}");
    }
}

#[test]
fn the_stalest_idle_session_makes_room() {
    let [server, _] = servers();
    let start = Instant::now();
    let at = |seconds: u64| start + Duration::from_secs(seconds);
    let mut sessions = Sessions::default();
    assert_eq!(sessions.stalest(|_| true, |_| true), None);
    let ids: Vec<SessionId> = [(1, 30), (2, 10), (3, 20)]
        .map(|(byte, seconds)| sessions.insert(session(server, token(byte), at(seconds))))
        .to_vec();
    assert_eq!(sessions.stalest(|_| true, |_| true), Some(ids[1]));
    sessions.get_mut(ids[1]).unwrap().calls.push(CallId::of(1));
    assert_eq!(sessions.stalest(|_| true, |_| true), Some(ids[2]), "a call is under way in the other");
    sessions.get_mut(ids[2]).unwrap().streams.push(StreamId::from_parts(0, 0));
    assert_eq!(sessions.stalest(|_| true, |_| true), Some(ids[0]), "a stream is open in the others");
    sessions.remove(ids[0]);
    assert_eq!(sessions.stalest(|_| true, |_| true), None, "none is idle");
    assert_eq!(sessions.stalest(|_| true, |_| false), Some(ids[2]), "its stream has lost its connection");
}

#[test]
fn a_session_hears_log_lines_of_its_level_and_above() {
    use LogLevel::{Alert, Critical, Debug, Emergency, Error, Info, Notice, Warning};
    let all = [Debug, Info, Notice, Warning, Error, Critical, Alert, Emergency];
    let [server, _] = servers();
    for (set, least) in [(None, Info), (Some(Debug), Debug), (Some(Error), Error), (Some(Emergency), Emergency)] {
        let session = Session { log_level: set, ..session(server, token(1), Instant::now()) };
        for level in all {
            assert_eq!(session.wants_log(Some(level)), level >= least, "{level:?} with {set:?}");
        }
        assert!(session.wants_log(None), "a level of nobody's making is passed on");
    }
    for level in all {
        assert_eq!(serde_json::from_str::<LogLevel>(&format!("\"{}\"", level.as_str())).unwrap(), level);
    }
    assert!(all.is_sorted());
}

#[test]
fn a_subscription_covers_the_resource_and_what_lies_in_it() {
    let cases = [
        ("file:///a", "file:///a", true),
        ("file:///a", "file:///a/b/c", true),
        ("file:///a/", "file:///a/b", true),
        ("file:///a/", "file:///a/", true),
        ("file:///a", "file:///ab", false),
        ("file:///a", "file:///", false),
        ("file:///a/", "file:///a", false),
        ("file:///a", "FILE:///a", false),
        ("", "", true),
        ("", "file:///a", false),
        ("é", "é/x", true),
    ];
    let [server, _] = servers();
    for (subscribed, changed, expected) in cases {
        let mut session = session(server, token(1), Instant::now());
        assert!(!session.is_subscribed(changed));
        session.subscriptions.insert(subscribed.into());
        assert_eq!(session.is_subscribed(changed), expected, "{changed} by {subscribed}");
    }
}
