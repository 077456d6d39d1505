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
//! | 4 machines | [`mcp`] [`demo`] [`oauth`] | sessions, calls, asks, tasks; the built-in server; logins and tokens |
//! | 5 links | [`upstream`] | a link, a process or an HTTP conversation: how it starts, fails, backs off, restarts |
//! | 6 proxy | [`proxy`] [`routes`] | owns all of the above; still no I/O |
//! | 7 shell | [`io`] | every syscall |
//! | 8 command line | [`cli`] | flags, exit codes |

pub mod base;
pub mod cli;
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
