//! The real binary, and the parts of its shell, over real sockets and pipes, with nothing but itself as the peer.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod command_line;
mod download;
mod ends;
mod environment;
mod file_events;
mod keeper;
mod logins;
mod outbounds;
mod processes;
mod reload;
mod remotes;
mod state_file;
