//! `upstream::probe`: who is it?

use mcp_proxy::codec::jsonrpc::envelope::Outcome;
use mcp_proxy::mcp::era::Era;
use mcp_proxy::mcp::version::Version;
use mcp_proxy::upstream::probe::{Course, Hello, Next, Probe};

const MODERN: &str = r#"{"supportedVersions":["2026-07-28"],"capabilities":{}}"#;
const UNKNOWN_METHOD: &str = r#"{"code":-32601,"message":"no"}"#;

fn probe(course: Course) -> Probe {
    let mut probe = Probe::new(course);
    let hello = if course == Course::DiscoverFirst { Hello::Discover } else { Hello::Initialize };
    assert_eq!(probe.begin(), hello);
    probe
}

/// What is done next, in a word.
fn word(next: &Next) -> String {
    match next {
        Next::Send(hello) => format!("send {}", hello.method()),
        Next::Wait => "wait".to_owned(),
        Next::Introduced(introduction) => introduction.era().as_str().to_owned(),
        Next::Rejected(hello, reason) => format!("{}: {reason}", hello.method()),
    }
}

fn answered(probe: &mut Probe, outcome: Outcome<'_>) -> String {
    word(&probe.on_discovered(&outcome, "up"))
}

fn refused(probe: &mut Probe, error: &str) -> String {
    answered(probe, Outcome::Error(error))
}

#[test]
fn a_result_that_lists_our_revision_is_a_modern_upstreams() {
    for course in [Course::DiscoverFirst, Course::InitializeFirst] {
        assert_eq!(answered(&mut probe(course), Outcome::Result(MODERN)), "2026-07-28");
    }
}

#[test]
fn any_other_answer_is_a_legacy_upstreams() {
    for result in ["{}", "null", r#"{"supportedVersions":["2025-11-25"]}"#, r#"{"tools":[]}"#] {
        assert_eq!(answered(&mut probe(Course::DiscoverFirst), Outcome::Result(result)), "send initialize", "{result}");
    }
    for error in [
        UNKNOWN_METHOD,
        r#"{"code":-32602,"message":"no"}"#,
        r#"{"code":-32000,"message":"not initialized"}"#,
        r#"{"code":-32023,"message":"?"}"#,
        r#"{"code":"-32022","message":"?"}"#,
        r#"{"code":-32022,"message":"?","data":{"supported":["2025-11-25","2025-06-18"]}}"#,
        "7",
    ] {
        assert_eq!(refused(&mut probe(Course::DiscoverFirst), error), "send initialize", "{error}");
    }
}

#[test]
fn an_error_of_the_modern_kind_is_asked_again_once() {
    for error in [
        r#"{"code":-32022,"message":"?","data":{"supported":["2026-07-28"],"requested":"2026-07-28"}}"#,
        r#"{"code":-32022,"message":"?","data":{"supported":["2025-11-25","2026-07-28"]}}"#,
        r#"{"code":-32022,"message":"?"}"#,
        r#"{"code":-32021,"message":"?","data":{"requiredCapabilities":{}}}"#,
        r#"{"code":-32020,"message":"?"}"#,
    ] {
        let mut probe = probe(Course::DiscoverFirst);
        assert_eq!(refused(&mut probe, error), "send server/discover", "{error}");
        assert!(!probe.is_unheard());
        // Whoever refuses that too may still know the older way; if not, this is the reason to be told.
        assert_eq!(refused(&mut probe, error), "send initialize", "{error}");
        let reason = word(&probe.on_not_initialized("unknown method"));
        assert!(reason.starts_with("server/discover: it refused server/discover: {\"code\":-3202"), "{reason}");
    }
}

#[test]
fn whoever_speaks_only_what_is_not_known_is_told_apart() {
    let mut probe = probe(Course::DiscoverFirst);
    let error = r#"{"code":-32022,"message":"?","data":{"supported":["2099-01-01"]}}"#;
    assert_eq!(refused(&mut probe, error), "send initialize");
    let expected = "server/discover: it speaks protocol versions 2099-01-01, and not 2026-07-28";
    assert_eq!(word(&probe.on_not_initialized("unknown method")), expected);
}

#[test]
fn after_silence_the_first_success_counts() {
    let mut probe = probe(Course::DiscoverFirst);
    assert!(probe.is_discovering() && probe.is_unheard());
    assert_eq!(word(&probe.on_silence()), "send initialize");
    assert!(!probe.is_discovering() && probe.is_unheard());
    assert_eq!(word(&probe.on_silence()), "wait", "once");
    assert_eq!(word(&probe.on_not_initialized("?")), "wait", "for the other answer");
    assert_eq!(answered(&mut probe, Outcome::Result(MODERN)), "2026-07-28");
}

#[test]
fn both_are_refused() {
    let mut slow = probe(Course::DiscoverFirst);
    slow.on_silence();
    assert_eq!(refused(&mut slow, UNKNOWN_METHOD), "wait");
    assert_eq!(word(&slow.on_not_initialized("no key")), "initialize: no key");
    let mut quick = probe(Course::DiscoverFirst);
    refused(&mut quick, UNKNOWN_METHOD);
    assert_eq!(word(&quick.on_not_initialized("no key")), "initialize: no key");
    let mut other = probe(Course::InitializeFirst);
    assert_eq!(word(&other.on_not_initialized("no key")), "send server/discover");
    assert_eq!(refused(&mut other, UNKNOWN_METHOD), "initialize: no key");
    assert_eq!(word(&probe(Course::InitializeOnly).on_not_initialized("no key")), "initialize: no key");
}

#[test]
fn what_was_given_up_may_be_tried_again() {
    let mut probe = probe(Course::DiscoverFirst);
    assert_eq!(word(&probe.on_lost()), "send initialize");
    assert_eq!(word(&probe.on_not_initialized("unknown method")), "send server/discover", "it may have been slow");
    assert_eq!(word(&probe.on_lost()), "initialize: unknown method");
}

#[test]
fn the_next_link_goes_the_way_that_led_somewhere() {
    let legacy = Some(Era::Legacy(Version::LATEST));
    let plain = || probe(Course::DiscoverFirst);
    let mut refused_once = plain();
    refused(&mut refused_once, UNKNOWN_METHOD);
    let mut silent = plain();
    silent.on_silence();
    let mut dead = plain();
    dead.on_harm();
    let cases = [
        (plain(), Some(Era::Modern), Course::DiscoverFirst),
        (plain(), None, Course::DiscoverFirst),
        (refused_once, legacy, Course::DiscoverFirst),
        (silent, legacy, Course::InitializeFirst),
        (dead, None, Course::InitializeFirst),
        (probe(Course::InitializeFirst), legacy, Course::InitializeFirst),
        (probe(Course::InitializeFirst), Some(Era::Modern), Course::DiscoverFirst),
        (probe(Course::InitializeFirst), None, Course::DiscoverFirst),
        (probe(Course::InitializeOnly), legacy, Course::DiscoverFirst),
    ];
    for (probe, era, expected) in cases {
        assert_eq!(probe.next_course(era), expected, "{probe:?} {era:?}");
    }
    let mut slow = plain();
    slow.on_silence();
    assert_eq!(slow.next_course(Some(Era::Modern)), Course::DiscoverFirst);
}
