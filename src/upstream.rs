//! Row 5: links. How the one live connection to an upstream starts, becomes ready, fails, backs off and restarts.

pub mod catalogue;
pub mod changes;
pub mod exchange;
pub mod handshake;
pub mod held;
pub mod outbox;
pub mod probe;
pub mod reception;
pub mod refusal;
pub mod remote;
pub mod stdio;
pub mod supervisor;
