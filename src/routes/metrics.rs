//! `/metrics`: figures for Prometheus. No token is asked for, and nothing secret is told: servers are called as in
//! `/_readyz`, and no word of a peer is among the rest.

use std::time::Instant;

use super::errors::Denial;
use super::probes::{NO_STORE, state_of};
use crate::base::id::ConnId;
use crate::codec::http::{Head, Method};
use crate::codec::prometheus::{CONTENT_TYPE, Kind, Page};
use crate::proxy::{Load, Proxy, Server};

/// Where they are found, at the root as well as below the path of `baseURL`.
pub(super) const PATH: &str = "/metrics";

impl Proxy {
    /// Whether the figures are asked for, and told. No server's path ends like that.
    pub(super) fn is_metrics(&self, path: &str) -> bool {
        path.ends_with(PATH)
            && self.config.metrics
            && [Some(path), path.strip_prefix(self.config.base_url.path())].contains(&Some(PATH))
    }

    pub(super) fn on_metrics(&mut self, conn: ConnId, head: &Head<'_, '_>, now: Instant) -> Result<(), Denial> {
        if !matches!(head.method, Method::Get | Method::Head) {
            return Err(Denial::plain_not_allowed("GET, HEAD", "the metrics are asked for with GET or HEAD"));
        }
        let mut page = Page::default();
        self.push_servers(&mut page);
        self.push_whole(&mut page);
        self.push_process(&mut page);
        let headers = [("Content-Type", CONTENT_TYPE), NO_STORE];
        self.respond(conn, 200, &headers, &[page.into_text().as_bytes()], now);
        Ok(())
    }

    /// What there is of each server.
    fn push_servers(&self, page: &mut Page) {
        let (names, mut loads) = (self.shown_names(), self.loads());
        let servers: Vec<Row<'_>> = (names.iter().zip(self.configured()))
            .map(|(name, (id, server))| Row { name, server, load: loads.remove(&id).unwrap_or_default() })
            .collect();
        push_calls(page, &servers);
        let mut each = |name, kind, help, value: fn(&Row<'_>) -> u64| {
            let mut family = page.family(name, kind, help);
            servers.iter().for_each(|row| family.sample(&[("server", row.name)], value(row)));
        };
        let help = "Calls that a server works on.";
        each("mcp_proxy_calls_in_flight", Kind::Gauge, help, |row| row.load.calls_in_flight as u64);
        let help = "Calls that wait for a server to become ready.";
        each("mcp_proxy_calls_waiting", Kind::Gauge, help, |row| row.load.calls_waiting as u64);
        let help = "Bytes that wait to be sent to a server.";
        each("mcp_proxy_queued_bytes", Kind::Gauge, help, |row| row.load.queued_bytes as u64);
        each("mcp_proxy_sessions", Kind::Gauge, "Sessions.", |row| row.load.sessions as u64);
        let help = "Whether a server is ready, or is started for each session.";
        each("mcp_proxy_server_up", Kind::Gauge, help, |row| state_of(row.server).is_fine().into());
        let help = "Starts of a server's processes, or of conversations with it, but for the first of each.";
        each("mcp_proxy_server_restarts_total", Kind::Counter, help, |row| row.server.tally.restarts);
    }

    /// What belongs to no server.
    fn push_whole(&self, page: &mut Page) {
        let mut one = |name, kind, help, value: u64| page.family(name, kind, help).sample(&[], value);
        one("mcp_proxy_connections", Kind::Gauge, "Connections of clients.", self.conns.len() as u64);
        one("mcp_proxy_streams", Kind::Gauge, "Answers under way, streams included.", self.streams.len() as u64);
        one(
            "mcp_proxy_unsent_bytes",
            Kind::Gauge,
            "Bytes that wait to be sent to clients.",
            self.unsent_bytes() as u64,
        );
        one("mcp_proxy_received_bytes_total", Kind::Counter, "Bytes from clients.", self.counts.received_bytes);
        one("mcp_proxy_sent_bytes_total", Kind::Counter, "Bytes to clients.", self.counts.sent_bytes);
        let help = "How long turns of the loop took: what happens meanwhile waits for so long.";
        page.family("mcp_proxy_loop_lag_seconds", Kind::Histogram, help).histogram(&[], &self.counts.turns);
    }

    /// What only the system knows; what it does not say is left out.
    fn push_process(&mut self, page: &mut Page) {
        let vitals = self.vitals();
        let help = "Lines of the log that were lost: stderr was read too slowly, or its disk was full.";
        page.family("mcp_proxy_log_lines_dropped_total", Kind::Counter, help).sample(&[], vitals.dropped_log_lines);
        let help = "The version of this program.";
        let version = [("version", env!("CARGO_PKG_VERSION"))];
        page.family("mcp_proxy_build_info", Kind::Gauge, help).sample(&version, 1);
        let help = "When the process started, in seconds of Unix time.";
        page.family("process_start_time_seconds", Kind::Gauge, help).sample(&[], self.counts.since);
        if let Some(bytes) = vitals.resident_bytes {
            page.family("process_resident_memory_bytes", Kind::Gauge, "Memory in use.").sample(&[], bytes);
        }
        if let Some(count) = vitals.open_fds {
            page.family("process_open_fds", Kind::Gauge, "Open descriptors.").sample(&[], count);
        }
    }
}

/// A server, as it is told of.
struct Row<'a> {
    name: &'a str,
    server: &'a Server,
    load: Load,
}

fn push_calls(page: &mut Page, servers: &[Row<'_>]) {
    let help = "Calls that are over. ok: with a result, which may say that a tool failed; error: with an error of the \
                server; failed: without its answer; cancelled: before it.";
    let mut family = page.family("mcp_proxy_calls_total", Kind::Counter, help);
    for row in servers {
        for (method, end, count) in row.server.tally.calls() {
            family.sample(&[("server", row.name), ("method", method.as_str()), ("outcome", end.as_str())], count);
        }
    }
    let help = "How long calls took, from the request to their end.";
    let mut family = page.family("mcp_proxy_call_duration_seconds", Kind::Histogram, help);
    servers.iter().for_each(|row| family.histogram(&[("server", row.name)], row.server.tally.times()));
}
