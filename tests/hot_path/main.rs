//! The hot path by itself: the core between clients and a server that cost next to nothing, with no sockets.
//!
//! `hot_path SCRIPT CALLS` makes the calls of a script, [`CONNECTIONS`] at a time, and ends; each answer is looked at.
//! `scripts/bench/instructions` runs it under callgrind, which counts the same on a busy machine as on a quiet one.
//! What is counted besides the core is the upstream in [`upstream`] and a copy of each request and answer.
#![allow(clippy::expect_used, clippy::panic)]

use std::process::ExitCode;

mod core;
mod script;
mod upstream;

#[allow(dead_code, reason = "the tests use more of it")]
#[path = "../it/support"]
mod support {
    pub(crate) mod clock;
    pub(crate) mod requests;
}

use core::Core;
use script::Script;

/// How many connections have a call under way at once, like those of the load.
const CONNECTIONS: usize = 16;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1).filter(|argument| argument != "--bench"); // Cargo's own
    let script = arguments.next().and_then(|name| Script::named(&name));
    let calls = arguments.next().and_then(|count| count.parse::<usize>().ok());
    let (Some(script), Some(calls)) = (script, calls) else {
        println!("hot_path SCRIPT CALLS; the scripts are: {}", Script::names());
        return ExitCode::SUCCESS; // what a bare `cargo bench` runs
    };
    let mut core = Core::with(&script);
    let request = script.request(&core.session(&script));
    for _ in 0..calls / CONNECTIONS {
        core.call_on_all(&request);
    }
    ExitCode::SUCCESS
}
