//! Row by row: one module for each source file, and the simulator over all of them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod base_nearest;
mod base_url;
mod cli;
mod codec_http_body;
mod codec_http_head;
mod codec_http_server;
mod codec_jsonc;
mod codec_lines;
mod codec_sse;
mod config_addr;
mod config_duration;
mod config_messages;
mod config_raw;
mod config_resolve;
mod corpora;
mod demo;
mod io_log;
mod support;
mod tidy;
