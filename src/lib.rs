#![forbid(unsafe_code)]
//! One HTTP server in front of many MCP servers.
//!
//! # Rows
//!
//! Everything that decides is pure; everything that touches the operating system is thin. A file imports only from
//! rows above its own; a test (`tests/it/tidy/layers.rs`) holds the tree to it.
//!
//! | row | modules | job |
//! |---|---|---|
//! | 1 base | [`limits`] [`base`] | bounds and times; byte queue, ids, deadlines, URLs |
//! | 2 codecs | [`codec`] | bytes in, events out |
//! | 3 configuration | [`config`] | as typed, then as resolved |
//! | 4 machines | [`mcp`] [`oauth`] [`demo`] [`clients`] | sessions, calls, asks; login; the demo; what clients paste |
//! | 5 links | [`upstream`] | a link, a process or an HTTP conversation: how it starts, fails, backs off, restarts |
//! | 6 proxy | [`proxy`] [`routes`] | owns all of the above; still no I/O |
//! | 7 shell | [`io`] | every syscall |
//! | 8 command line | [`cli`] | flags, exit codes |
//!
//! # One request's walk
//!
//! A client POSTs `tools/call` to `/demo/mcp`, in a session that it has; the server is a process.
//!
//! ```text
//!  1  io::event_loop         the poll says that a socket has bytes: Input::Received(conn, bytes)
//!  2  proxy::conns           codec::http::server makes a head of them, then a body, whole or in pieces
//!  3  routes                 path, Host, Origin, token: which server, and whether; routes::post: which session
//!  4  codec::jsonrpc         what kind of message it is, where its id stands, and which parameters; no tree is built
//!  5  proxy::calls           a Call: whose it is and on which stream it is answered; it gets a number as its id
//!  6  proxy::sending         the same bytes, but for the id, go to the link's queue: Output::TransmitStdin(link)
//!  7  io::child              writes as much of it as the pipe takes
//!     …
//!  8  io::child              the pipe has bytes: Input::Stdout(link, bytes)
//!  9  proxy::processes       codec::lines makes a line of them; mcp::from_upstream says that it answers call 17
//! 10  proxy::upstream        the call is found by its number, and is over
//! 11  proxy::streams         the same bytes, with the client's own id, as the response, or as an event if the stream
//!                            is one by now: Output::Transmit(conn)
//! 12  io::conn               writes as much of it as the socket takes
//! ```
//!
//! Whatever else may happen is an input as well: the time that has passed, a process that ends, a client that leaves.
//! Each finds the call by its number and ends it in its own way, or finds nothing and does nothing.

pub mod base;
pub mod cli;
pub mod clients;
pub mod codec;
pub mod config;
pub mod demo;
pub mod io;
pub mod limits;
pub mod mcp;
pub mod oauth;
pub mod proxy;
pub mod routes;
pub mod upstream;
