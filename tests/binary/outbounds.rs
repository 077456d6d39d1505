//! Connections to remote upstreams: the shell's part, driven by a loop of the test's own.

pub(crate) mod authority;
mod driver;
mod plain;
pub(crate) mod servers;
mod tls;
mod tunnel;

use std::io::{BufRead, BufReader};

use crate::processes::marked;

#[test]
fn insecure_is_said_at_every_start() {
    let (mut command, _) = marked(env!("CARGO_BIN_EXE_mcp-proxy"));
    let mut proxy = command.args(["-demo", "-addr", "127.0.0.1:0", "-insecure"]).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(proxy.stderr.take().unwrap()).read_line(&mut line).unwrap();
    proxy.kill().unwrap();
    proxy.wait().unwrap();
    assert_eq!(line, "warning: -insecure: the certificates of remote servers are NOT checked.\n");
}
