//! "Did you mean".

use mcp_proxy::base::nearest::nearest;

const KNOWN: [&str; 4] = ["command", "args", "env", "transportType"];

#[test]
fn a_slip_finds_its_name() {
    for (typed, meant) in [
        ("comand", "command"),
        ("Command", "command"),
        ("arg", "args"),
        ("agrs", "args"),
        ("transport_type", "transportType"),
        ("ENV", "env"),
    ] {
        assert_eq!(nearest(typed, KNOWN), Some(meant), "{typed}");
    }
}

#[test]
fn something_else_finds_nothing() {
    for typed in ["", "x", "frobnicate", "cmd", "url", &"c".repeat(1_000)] {
        assert_eq!(nearest(typed, KNOWN), None, "{typed}");
    }
}
